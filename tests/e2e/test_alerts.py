"""What the operator is told unasked: a real server in trouble, and receivers that take, refuse and hang."""

import base64
import json
import socket
import time

import pytest

from clock import SettableClock
from rest_client import RestClient
from support import make_file, wait_until

SECRET = "whsec_" + base64.b64encode(b"0123456789abcdef0123456789abcdef").decode()


def alerts(url: str, more: str = "") -> str:
    return f'[alerts]\nwebhook = "{url}"\n{more}\n'


def states(receiver, code: str) -> list[str]:
    return [one.json["state"] for one in list(receiver.received) if one.json["code"] == code]


def of_storage(receiver, storage: str) -> list[str]:
    return [one.json["state"] for one in list(receiver.received) if one.json.get("storage") == storage]


def wait_for(receiver, code: str, *expected: str, within_s: float = 40) -> None:
    wait_until(lambda: states(receiver, code) == list(expected), within_s, f"{code} is told as {expected}: {states(receiver, code)}")


def take_away(site) -> None:
    """A folder that the server has open is noticed to be removed when a file of it is asked for. Needs the bucket `videos`."""
    site.files.rename(site.server.storage.with_name("away"))
    site.server.storage.rmdir()
    assert not site.api.upload("sestore4/jb/none.mp4", "none.mp4", "videos").ok


def bring_back(site) -> None:
    site.server.storage.mkdir()
    site.server.storage.with_name("away").rename(site.files)


@pytest.fixture
def hanging():
    """The port of a receiver that takes connections and never answers."""
    with socket.create_server(("127.0.0.1", 0), backlog=64) as listener:
        yield listener.getsockname()[1]


def test_a_storage_that_is_gone_is_told_once_and_resolved_also_over_a_restart(new_site, fake, receiver, tmp_path):
    secret = tmp_path / "secret"
    secret.write_text(SECRET + "\n")
    settings = alerts(receiver.url, f'webhook_secret_file = "{secret}"')
    site = new_site(extra=settings)
    site.server.secrets.append(SECRET)
    site.use(fake, "videos")
    assert site.server.cli("alerts") == "no alert is open\n"
    take_away(site)
    wait_for(receiver, "storage_gone", "first")
    first, = receiver.received
    first.verify(SECRET)
    assert first.json["title"] == "Storage sestore4 is not available." and first.json["severity"] == "critical"
    assert first.json["fix"] and first.json["storage"] == "sestore4" and first.json["action"] == "trigger"
    assert "storage_gone" in site.server.cli("alerts")
    site.server.restart()
    open_alerts = RestClient(site.server.socket).call("GET", "/alerts").data["items"]
    assert [one["key"] for one in open_alerts] == [first.json["key"]], "it is known after a restart"
    site.server.configure(extra=f'{settings}[[storage]]\nname = "other"\nroot = "{tmp_path}/absent"\n')
    site.server.cli("reload")
    wait_until(lambda: of_storage(receiver, "other") == ["first"], 40, "looks after the restart have found another one")
    assert of_storage(receiver, "sestore4") == ["first"], "and not told twice"
    site.server.configure(extra=settings)
    site.server.cli("reload")
    bring_back(site)
    wait_until(lambda: of_storage(receiver, "sestore4") == ["first", "resolved"], 40, "it is resolved")
    wait_until(lambda: of_storage(receiver, "other") == ["first", "resolved"], 40, "so is the other one")
    resolved = [one for one in receiver.received if one.json.get("storage") == "sestore4"][-1]
    assert resolved.json["key"] == first.json["key"] and resolved.json["action"] == "resolve"
    assert resolved.webhook_id != first.webhook_id
    assert site.server.cli("alerts") == "no alert is open\n"


def test_a_bare_mount_point_that_uploads_wait_for_is_told_and_resolved(new_site, fake, receiver):
    site = new_site(uploads=1, extra=alerts(receiver.url))
    site.use(fake, "videos")
    make_file(site.files / "film.mp4", 1000)
    fake.play({"about": "nothing is answered", "rules": [{"operation": "PutObject", "fault": {"hold": True}}]})
    first = site.queue("film.mp4", "videos", "1.mp4")
    site.wait_for(first, "uploading")
    waits = site.queue("film.mp4", "videos", "2.mp4")
    mounted = site.server.storage.with_name("mounted")
    site.server.storage.rename(mounted)
    site.server.storage.mkdir()
    wait_until(lambda: not site.api.call("files.list", path="sestore4/jb").ok, 20, "the root is compared with its path")
    fake.play({"about": "all is well", "rules": []})
    wait_for(receiver, "storage_gone", "first")
    told = next(one.json for one in receiver.received if one.json["code"] == "storage_gone")
    assert told["storage"] == "sestore4" and "nothing is mounted" in told["detail"] and told["fix"].startswith("Mount it"), told
    overview = RestClient(site.server.socket).call("GET", "/overview").data
    assert overview["sentence"] == "Storage sestore4 is not available. 1 upload waits for it.", overview
    doctor = site.server.run_cli("doctor").stdout
    assert "storages: WRONG\n  Storage sestore4 is not available." in doctor and "nothing is mounted" in doctor, doctor
    site.server.storage.rmdir()
    mounted.rename(site.server.storage)
    wait_for(receiver, "storage_gone", "first", "resolved")
    site.wait_for(waits, "completed", within_s=90)


def test_an_old_queue_and_a_bucket_that_refuses_are_told(new_site, fake, receiver):
    site = new_site(uploads=1, extra=alerts(receiver.url, "queue_age_s = 2"))
    site.use(fake, "videos")
    make_file(site.files / "film.mp4", 1000)
    fake.play({"about": "nothing is answered", "rules": [{"operation": "PutObject", "fault": {"hold": True}}]})
    for number in range(30):
        site.queue("film.mp4", "videos", f"{number}.mp4")
    wait_for(receiver, "queue_behind", "first")
    site.server.cli("upload", "cancel", "--cdn", 158)
    wait_for(receiver, "queue_behind", "first", "resolved")
    fake.play({"about": "no access", "rules": [{"operation": "PutObject", "fault": {"status": 403, "code": "AccessDenied"}}]})
    site.wait_for(site.queue("film.mp4", "videos"), "failed")
    wait_for(receiver, "bucket_denied", "first")
    assert receiver.received[-1].json["bucket"] == "videos" and receiver.received[-1].json["cdn"] == 158


def test_callbacks_that_fail_are_told(new_site, fake, receiver):
    site = new_site(extra=alerts(receiver.url))
    clock = SettableClock(site)
    site.use(fake, "videos")
    make_file(site.files / "film.mp4", 1000)
    with socket.create_server(("127.0.0.1", 0)) as unused:
        port = unused.getsockname()[1]
    site.wait_for(site.queue("film.mp4", "videos", callback=f"http://127.0.0.1:{port}/done"), "completed")
    rest = RestClient(site.server.socket)
    wait_until(lambda: rest.call("GET", "/callbacks/receivers", query={"cdn": 158}).data["items"][0]["failing_since"], 20, "the callback has failed once")
    clock.set(660)
    wait_for(receiver, "callbacks_failing", "first")
    wait_for(receiver, "clock_stepped", "first")


def test_the_digest_comes_at_its_time_when_nothing_has_happened(new_site, receiver):
    now = time.gmtime(time.time() + 3600)
    site = new_site(extra=alerts(receiver.url, f'digest = "{now.tm_hour:02}:{now.tm_min:02}"'))
    clock = SettableClock(site)
    clock.set(60)
    wait_for(receiver, "clock_stepped", "first")
    assert states(receiver, "digest") == []
    clock.set(3660)
    wait_for(receiver, "digest", "digest")
    digest = next(one.json for one in receiver.received if one.json["code"] == "digest")
    assert digest["digest"]["completed"] == 0 and "0 failed" in digest["title"], digest
    site.server.restart()
    site.files.rename(site.server.storage.with_name("away"))
    site.server.storage.rmdir()
    assert not site.api.call("files.list", path="sestore4/jb").ok
    wait_for(receiver, "storage_gone", "first")
    assert states(receiver, "digest") == ["digest"], "once a day, also over a restart"
    bring_back(site)


def test_a_program_is_told(new_site, fake, tmp_path):
    told = tmp_path / "told"
    program = tmp_path / "page-me"
    program.write_text(f'#!/bin/sh\ncat >> {told}.json\nenv >> {told}.env\necho "$1 $VODLIFT_ALERT_STATE" >> {told}\n')
    program.chmod(0o755)
    site = new_site(extra=f'[alerts]\ncommand = ["{program}", "--team"]\n')
    site.server.environment = {"AWS_SECRET_ACCESS_KEY": "do-not-inherit"}
    site.server.restart()
    site.use(fake, "videos")
    assert site.server.cli("alerts", "test").startswith("page-me: delivered: exit code 0 in ")
    take_away(site)
    wait_until(lambda: told.read_text() == "--team test\n--team first\n", 30, "the program was run")
    assert json.loads((tmp_path / "told.json").read_text().splitlines()[-1])["code"] == "storage_gone"
    assert "do-not-inherit" not in (tmp_path / "told.env").read_text()
    bring_back(site)


def test_a_receiver_that_hangs_holds_up_nobody_and_is_told_of(new_site, fake, receiver, hanging):
    site = new_site(extra=f'[alerts]\nwebhook = ["http://127.0.0.1:{hanging}/T0/secret-path", "{receiver.url}"]\n')
    site.use(fake, "videos")
    take_away(site)
    wait_for(receiver, "storage_gone", "first")
    bring_back(site)
    make_file(site.files / "film.mp4", 1000)
    site.wait_for(site.queue("film.mp4", "videos"), "completed")
    wait_for(receiver, "storage_gone", "first", "resolved")
    tested = site.server.run_cli("alerts", "test")
    assert tested.returncode == 1, tested
    lines = tested.stdout.splitlines()
    assert lines[0].startswith(f"127.0.0.1:{hanging}: not delivered: ") and lines[1].startswith(f"127.0.0.1:{receiver.port}: delivered: HTTP 200")
    assert f"alerts to 127.0.0.1:{hanging} have failed since" in site.server.cli("alerts")
    overview = lambda: RestClient(site.server.socket).call("GET", "/overview").data["attention"]
    wait_until(lambda: [one["code"] for one in overview()] == ["alerts_failing"], 90, "the overview has it")
    assert "an alert could not be delivered" in site.server.logs()
    assert "secret-path" not in site.server.logs() + tested.stdout + json.dumps(overview())
    began = time.monotonic()
    site.server.stop()
    assert time.monotonic() - began < 15
    site.server.start()


def test_settings_are_taken_without_a_restart_and_faults_are_told(site, receiver):
    assert "nobody is told" in site.server.cli("alerts")
    assert site.server.run_cli("alerts", "test").returncode == 1
    site.server.configure(extra=alerts(receiver.url, 'body = "slack"'))
    assert site.server.cli("reload") == "applied:\n  [alerts]\n"
    site.server.cli("alerts", "test")
    assert receiver.received[-1].json["text"].startswith("[TEST] ")
    site.server.configure(extra=alerts(receiver.url, "body = '{\"a\": \"{{nothing}}\"}'"))
    refused = site.server.run_cli("reload")
    assert refused.returncode == 2 and "{{nothing: unknown placeholder" in refused.stderr, refused
    site.server.configure(extra=alerts(receiver.url, 'webhook_secret_file = "nowhere"'))
    refused = site.server.run_cli("reload")
    assert refused.returncode != 0 and "webhook_secret_file" in refused.stderr, refused
    assert site.server.cli("alerts", "test"), "those before stay in use"

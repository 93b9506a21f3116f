"""The command line as an operator meets it: answers, JSON, exit codes, and all faults reported at once."""

import hashlib
import json
import pathlib
import re
import subprocess
import tempfile
import time

import pytest

from api_client import ApiClient
from support import KIB, MIB, binary, make_file, wait_until

OLD_KEY = "APX4GKLM0RKQLSP2FBO1ROPKSSW47DZE"
OLD_SECRET = "8fc8c48da81e6a2a06a9556379bf798af508dc0792497c678b4c3532ba8b637f"


def vodlift(*arguments, **options) -> subprocess.CompletedProcess:
    return subprocess.run([binary(), *map(str, arguments)], capture_output=True, text=True, timeout=30, **options)


@pytest.mark.parametrize("way", ["file", "stdin"])
def test_import_of_an_existing_pair(site, way):
    """Clients of the old service keep their keys: the pair of the documentation's example works."""
    secret_file = site.server.folder / "secret"
    secret_file.write_text(OLD_SECRET + "\n")
    arguments = ["key", "add", "--cdn", 158, "--api-key", OLD_KEY, "--secret-file"]
    if way == "file":
        site.server.cli(*arguments, secret_file)
    else:
        site.server.cli(*arguments, "-", stdin=OLD_SECRET + "\n")
    site.server.secrets.append(OLD_SECRET)
    assert ApiClient(site.server.url, OLD_KEY, OLD_SECRET).call("files.getstorage").ok
    again = site.server.run_cli(*arguments, "-", stdin=OLD_SECRET)
    assert again.returncode == 1 and OLD_KEY in again.stderr, again
    assert OLD_SECRET not in again.stdout + again.stderr


def test_lists(site, fake):
    site.use(fake, "videos", acl_policy="private")
    site.server.add_account(159, "anna")
    accounts = json.loads(site.server.cli("account", "list", "--json"))
    assert [(one["cdn"], one["user"]) for one in accounts] == [(158, "jb"), (159, "anna")]
    keys = json.loads(site.server.cli("key", "list", "--json"))
    assert [(one["cdn"], one["api_key"], one["revoked"]) for one in keys] == [(158, site.key.api_key, None)]
    bucket, = json.loads(site.server.cli("bucket", "list", "--cdn", 158, "--json"))
    assert (bucket["bucket"], bucket["endpoint"], bucket["path_style"], bucket["acl_policy"]) == (
        "videos", fake.endpoint, True, "private")
    assert json.loads(site.server.cli("bucket", "list", "--cdn", 159, "--json")) == []
    for noun, word in (("account", "anna"), ("key", site.key.api_key), ("bucket", fake.endpoint)):
        assert word in site.server.cli(noun, "list"), noun


def test_a_folder_is_queued_whole(site, fake):
    site.use(fake, "videos")
    for number in range(120):
        make_file(site.files / f"season {number % 3}/é {number}.mp4", 10)
    make_file(site.files / "season 0/readme.txt", 10)
    folder = ("upload", "sestore4/jb", "--recursive", "--cdn", 158, "--bucket", "videos")
    assert site.server.cli(*folder, "--dry-run") == "120 files would be queued (1.2 KiB)\n"
    assert site.api.all() == []
    ids = site.server.cli(*folder, "--to", "quiet/", "--quiet").split()
    assert len(set(ids)) == 120 and all(re.fullmatch("[0-9]+", one) for one in ids), ids
    queued = json.loads(site.server.cli(*folder, "--to", "archive/", "--json"))
    assert (len(queued["ids"]), queued["refused"]) == (120, 0)
    for upload_id in queued["ids"]:
        site.wait_for(upload_id, "completed")
    assert fake.object("videos", "archive/season 1/é 1.mp4").body == (site.files / "season 1/é 1.mp4").read_bytes()


def test_the_overview_says_what_needs_a_person(site, fake):
    site.use(fake, "videos")
    make_file(site.files / "映画.mp4", 1000)
    assert site.server.cli("overview").startswith("All is well: no upload is running or waiting.\n")
    fake.play({"about": "access is denied", "rules": [{"operation": "PutObject", "fault": {"status": 403, "code": "AccessDenied"}}]})
    site.wait_for(site.queue("映画.mp4", "videos"), "failed")
    told = site.server.cli("overview", "--cdn", 158)
    assert told.startswith("Bucket videos refuses us: access denied.\n\ncritical  Bucket videos refuses us"), told
    assert "\n          -> Give the key the policy that this prints: vodlift bucket check --cdn 158 --bucket videos." in told
    assert "\n1 failed\n" in told and "\n5 min  " in told and "s3_access_denied" in told, told
    facts = json.loads(site.server.cli("overview", "--json"))
    assert facts["attention"][0]["code"] == "bucket_denied" and [one["seconds"] > 0 for one in facts["throughput"]] == [True] * 2
    assert site.server.run_cli("overview", "--cdn", 7).returncode == 1


def test_the_audit_log_is_listed_page_by_page(site):
    for number in range(110):
        site.server.run_cli("key", "revoke", "--api-key", f"UNKNOWNKEY{number}")
    site.server.add_account(159, "anna")
    lines = site.server.cli("audit", "list", "--command", "key.", "--limit", 105).splitlines()
    assert lines[0].split() == ["TIME", "WHO", "DOOR", "FROM", "CDN", "COMMAND", "RESULT", "ABOUT"]
    assert len(lines) == 107 and "go on with: --cursor " in lines[-1], lines[-1]
    assert "api_key UNKNOWNKEY109" in lines[1] and "not_found" in lines[1] and "administration  unix" in lines[1], lines[1]
    rest = site.server.cli("audit", "list", "--command", "key.", "--limit", 200, "--cursor", lines[-1].split()[-1]).splitlines()
    assert "api_key UNKNOWNKEY57 " in rest[1] + " " and "key.add" in rest[-1], rest
    page = json.loads(site.server.cli("audit", "list", "--cdn", 159, "--since", "1h", "--json"))
    assert [one["command"] for one in page["items"]] == ["account.add"] * 2, "begun, and how it ended"
    assert page["next"] is None
    assert site.server.cli("audit", "list", "--who", "nobody") == "no lines\n"


def test_failed_uploads_are_found_and_retried_together(site, fake):
    site.use(fake, "videos")
    make_file(site.files / "film.mp4", 1000)
    fake.play({"about": "access is denied", "rules": [{"operation": "PutObject", "fault": {"status": 403, "code": "AccessDenied"}}]})
    ids = [site.queue("film.mp4", "videos", f"{name}.mp4") for name in ("one", "two", "three")]
    for upload_id in ids:
        site.wait_for(upload_id, "failed")
    listed = json.loads(site.server.cli("upload", "list", "--state", "failed", "--error", "s3_access_denied", "--json"))
    assert [one["id"] for one in listed["items"]] == ids[::-1] and listed["next"] is None
    assert site.server.cli("upload", "list", "--text", "two").startswith("3 failed\n")
    matching = ("--error", "s3_access_denied", "--text", "t")
    assert site.server.cli("upload", "retry", *matching, "--dry-run").startswith("3 uploads would be retried")
    fake.play({"about": "no fault", "rules": []})
    assert site.server.cli("upload", "retry", "--error", "s3_access_denied", "--since", "1h") == "3 uploads retried\n"
    for upload_id in range(4, 7):
        site.wait_for(upload_id, "completed")
    assert site.server.run_cli("upload", "retry").returncode == 2


@pytest.mark.parametrize("arguments,word", [
    (("account", "add", "--cdn", 158, "--user", "other"), "158"),
    (("account", "add", "--cdn", 160, "--user", "jb"), "jb"),
    (("account", "add", "--cdn", 160, "--user", "../etc"), "user"),
    (("account", "add", "--cdn", 0, "--user", "zero"), "cdn"),
    (("key", "add", "--cdn", 999), "999"),
    (("key", "revoke", "--api-key", "UNKNOWNKEY"), "UNKNOWNKEY"),
    (("status", 12345), "12345"),
])
def test_refusals(site, arguments, word):
    done = site.server.run_cli(*arguments)
    assert done.returncode == 1 and word in done.stderr and not done.stdout, done
    as_json = site.server.run_cli(*arguments, "--json")
    assert as_json.returncode == 1 and word in json.loads(as_json.stderr)["message"], as_json


def test_bucket_refusals(site):
    good = {"--cdn": 158, "--bucket": "videos", "--endpoint": "https://s3.example.com", "--region": "us-east-1",
            "--access-key": "AKIA", "--secret-key-file": "-"}
    for name, value, word in (("--endpoint", "s3.example.com", "endpoint"), ("--endpoint", "ftp://x", "endpoint"),
                              ("--endpoint", "https://user:pw@x", "endpoint"), ("--bucket", "a", "bucket"),
                              ("--region", "US EAST", "region"), ("--cdn", 999, "999")):
        arguments = [str(part) for pair in {**good, name: value}.items() for part in pair]
        done = site.server.run_cli("bucket", "add", *arguments, stdin="secret-secret-secret")
        assert done.returncode == 1 and word in done.stderr, (name, value, done)
        assert "secret-secret" not in done.stdout + done.stderr
    assert json.loads(site.server.cli("bucket", "list", "--json")) == []


def test_revoke_counts_at_once(site):
    spare = site.server.add_key()
    assert ApiClient(site.server.url, spare.api_key, spare.secret).call("files.getstorage").ok
    site.server.cli("key", "revoke", "--api-key", spare.api_key)
    answer = ApiClient(site.server.url, spare.api_key, spare.secret).call("files.getstorage")
    assert (answer.http_status, answer.code) == (200, "0001")
    assert site.api.call("files.getstorage").ok, "the other key still works"
    site.server.restart()
    assert ApiClient(site.server.url, spare.api_key, spare.secret).call("files.getstorage").code == "0001"


def test_upload_and_watch(site, fake):
    site.use(fake, "videos")
    digest = make_file(site.files / "folder/film.mp4", 40 * MIB)
    done = site.server.run_cli("upload", "sestore4/jb/folder/film.mp4", "--cdn", 158, "--bucket", "videos",
                               "--meta", "param1=value1", "--watch")
    assert done.returncode == 0, done
    assert "completed" in done.stdout and "\x1b" not in done.stdout, "plain lines where there is no terminal"
    stored = fake.object("videos", "folder/film.mp4")
    assert hashlib.sha256(stored.body).hexdigest() == digest and stored.headers["x-amz-meta-param1"] == "value1"
    upload_id = site.api.all()[0]["id"]
    shown = json.loads(site.server.cli("status", upload_id, "--json"))
    assert shown.pop("cdn") == 158 and shown.pop("actions") == []
    assert shown.pop("source")["may_delete"] and shown.pop("history") == [] and shown.pop("callback_id") is None
    assert shown.pop("parts") is None and shown.pop("advice") is None and shown.pop("retried_as") is None
    assert len(shown.pop("trace_id")) == 32
    assert shown == site.api.status(upload_id), "the same object everywhere"
    assert "completed" in site.server.cli("status", upload_id) and "completed" in site.server.cli("status")
    assert site.server.run_cli("status", upload_id, "--watch").returncode == 0


def test_watch_tells_failure(site, fake):
    site.use(fake, "videos")
    make_file(site.files / "film.mp4", KIB)
    fake.play("put_access_denied")
    done = site.server.run_cli("upload", "sestore4/jb/film.mp4", "--cdn", 158, "--bucket", "videos", "--to", "x.mp4",
                               "--watch")
    assert done.returncode == 1 and "failed" in done.stdout + done.stderr, done
    assert "AccessDenied" in done.stdout + done.stderr, "and why"
    upload_id = site.api.all()[0]["id"]
    assert site.server.run_cli("status", upload_id, "--watch").returncode == 1
    refused = site.server.run_cli("upload", "sestore4/jb/absent.mp4", "--cdn", 158, "--bucket", "videos")
    assert refused.returncode == 1 and "absent.mp4" in refused.stderr
    assert len(site.api.all()) == 1


def test_watch_finds_what_runs_behind_many_that_ended(site, fake):
    site.use(fake, "videos")
    make_file(site.files / "film.mp4", KIB)
    fake.play({"about": "waits", "rules": [{"operation": "PutObject", "nth": 1, "fault": {"delay_s": 4}}]})
    film = site.queue("film.mp4", "videos", "film")
    wait_until(lambda: fake.seen("PutObject"), 10, "it is under way")
    others = [site.queue("film.mp4", "videos", f"other-{number}") for number in range(26)]
    for one in others:
        site.wait_for(one, "completed")
    assert site.api.status(film)["state"] == "uploading", "the newest 25 have all ended before it"
    watched = site.server.run_cli("status", "--watch")
    assert watched.returncode == 0 and "no upload is waiting" not in watched.stdout, watched
    assert site.api.status(film)["state"] == "completed"


def test_upload_without_watch(site, fake):
    site.use(fake, "videos")
    make_file(site.files / "film.mp4", KIB)
    told = json.loads(site.server.cli("upload", "sestore4/jb/film.mp4", "--cdn", 158, "--bucket", "videos", "--json"))
    site.wait_for(told["id"], "completed")


def test_no_daemon():
    with tempfile.TemporaryDirectory() as folder:
        upload = ("upload", "sestore4/jb/a.mp4", "--cdn", 1, "--bucket", "abc")
        for arguments in (("account", "list"), ("status",), upload):
            done = vodlift(*arguments, "--socket", f"{folder}/none.sock")
            assert done.returncode == 2 and f"{folder}/none.sock" in done.stderr and "serve" in done.stderr, done


def test_wrong_usage():
    for arguments in ((), ("uploda",), ("account", "add"), ("key", "add", "--cdn", "x"), ("serve",),
                      ("key", "add", "--cdn", 1, "--api-key", "K")):
        done = vodlift(*arguments)
        assert done.returncode == 2 and done.stderr, (arguments, done)
    for arguments in (("--help",), ("upload", "--help"), ("--version",), ("version",)):
        assert vodlift(*arguments).returncode == 0
    assert json.loads(vodlift("version", "--json").stdout)["version"]


def serve_with(text: str) -> subprocess.CompletedProcess:
    with tempfile.TemporaryDirectory() as folder:
        config = pathlib.Path(folder) / "vodlift.toml"
        config.write_text(text.replace("FOLDER", folder))
        return vodlift("serve", "--config", config)


def test_configuration_faults_are_all_told():
    done = serve_with("\n".join([
        "[server]", 'listen = "somewhere"', "adminsocket = 1", "[store]", "path = 7", "[[storage]]",
        'name = "Sestore 4"', "[worker]", "uploads = 0", "parts_per_upload = 1000", "[callback]",
        'allow_networks = ["10.0.0.1/8", "nonsense"]', "[log]", 'format = "xml"', ""]))
    assert done.returncode == 2, done
    for line, word in ((2, "listen"), (3, "adminsocket"), (5, "path"), (7, "name"), (9, "uploads"),
                       (10, "parts_per_upload"), (12, "10.0.0.1/8"), (12, "nonsense"), (14, "format")):
        assert re.search(rf"vodlift\.toml:{line}:.*{re.escape(word)}", done.stderr), f"{line}: {word}\n{done.stderr}"
    assert re.search(r"vodlift\.toml:\d+:.*root", done.stderr), "what is missing is told too"
    assert not done.stdout


def test_configuration_grammar_and_absence():
    broken = serve_with("[server\nlisten = 1\n")
    assert broken.returncode == 2 and re.search(r"vodlift\.toml:1:", broken.stderr), broken
    absent = vodlift("serve", "--config", "/nonexistent/vodlift.toml")
    assert absent.returncode == 2 and "/nonexistent/vodlift.toml" in absent.stderr, absent


def test_a_second_server_on_the_same_database_is_refused(site):
    config = site.server.folder / "second.toml"
    config.write_text(site.server.config.read_text().replace("admin.sock", "second.sock"))
    done = vodlift("serve", "--config", config)
    assert done.returncode != 0 and str(site.server.store) in done.stderr, done
    assert site.api.call("files.getstorage").ok


def test_a_dead_socket_is_no_obstacle(site):
    site.server.kill9()
    assert site.server.socket.exists()
    site.server.start()
    wait_until(lambda: site.server.run_cli("account", "list").returncode == 0, 5, "the command line reaches it")


def test_key_rules_and_their_end(site, fake):
    site.use(fake, "videos")
    for name in ("films/in.mp4", "out.mp4"):
        make_file(site.files / name, 1000)
    outside = site.queue("out.mp4", "videos")
    site.server.cli("key", "set", "--api-key", site.key.api_key, "--path-prefix", "sestore4/jb/films/", "--bucket", "videos",
                    "--permissions", "upload,status", "--network", "127.0.0.0/8", "--expires", "30d")
    inside = site.queue("films/in.mp4", "videos")
    assert site.api.upload("sestore4/jb/out.mp4", "x", "videos").code == "0005"
    assert site.api.upload("sestore4/jb/films/in.mp4", "x", "other").code == "0005"
    assert site.api.call("files.getstorage").code == "0005"
    assert [one["id"] for one in site.api.all()] == [inside]
    assert site.api.call("aws.status", id=outside).code == "2005"

    text = site.server.cli("key", "list")
    for words in ("active", "upload,status", "path sestore4/jb/films; buckets videos; from 127.0.0.0/8"):
        assert words in text, text
    used = int(time.time())
    site.server.restart()
    (key,) = json.loads(site.server.cli("key", "list", "--json"))
    assert key["last_used"] is not None and 0 <= used - key["last_used"] <= 30, key
    assert abs(key["expires"] - used - 30 * 86400) <= 60
    site.server.cli("key", "set", "--api-key", site.key.api_key, "--all-paths", "--all-buckets", "--all-networks",
                    "--expires", "never")
    (key,) = json.loads(site.server.cli("key", "list", "--json"))
    assert (key["path_prefix"], key["buckets"], key["networks"], key["expires"]) == ("", [], [], None)
    assert key["permissions"] == "upload,status", "what is not named stays"
    assert {one["id"] for one in site.api.all()} == {inside, outside}


def test_with_two_accounts_an_id_is_enough(site, fake):
    """Lists show the uploads of all, changes find the account of the id, and `started` is no claim that was given back."""
    fake.play({"about": "waits", "rules": [{"operation": "PutObject", "fault": {"hold": True}}]})
    site.use(fake, "videos")
    site.server.add_account(7, "kc")
    site.server.add_bucket("videos", fake.endpoint, fake.access_key, fake.secret_key, cdn=7)
    make_file(site.files / "film.mp4", KIB)
    make_file(site.server.storage / "kc/film.mp4", KIB)
    mine = site.queue("film.mp4", "videos")
    theirs = json.loads(site.server.cli("upload", "sestore4/kc/film.mp4", "--cdn", 7, "--bucket", "videos", "--json"))["id"]
    wait_until(lambda: len(fake.seen("PutObject")) == 2, 20, "both are sent")
    listed = json.loads(site.server.cli("status", "--json"))
    assert [(one["id"], one["cdn"]) for one in listed] == [(theirs, 7), (mine, 158)]
    assert [one["id"] for one in json.loads(site.server.cli("status", "--cdn", 7, "--json"))] == [theirs]
    heads, first, second = site.server.cli("status").splitlines()
    assert heads.split()[:2] == ["ID", "CDN"] and first.split()[:2] == [str(theirs), "7"] and second.split()[1] == "158"
    assert "film.mp4" in site.server.cli("status", theirs)
    assert site.server.cli("upload", "cancel", theirs) == f"upload {theirs} is being cancelled\n"
    assert site.server.cli("upload", "pause", mine) == f"upload {mine} is being paused\n"
    wait_until(lambda: json.loads(site.server.cli("status", theirs, "--json"))["state"] == "cancelled", 20, "it is cancelled")
    wait_until(lambda: site.api.status(mine)["state"] == "paused", 20, "it is paused")
    assert [one["id"] for one in json.loads(site.server.cli("status", "--state", "cancelled,failed", "--json"))] == [theirs]
    fake.play({"about": "no fault", "rules": []})
    again = json.loads(site.server.cli("upload", "retry", theirs, "--json"))
    assert again["cdn"] == 7 and again["retry_of"] == theirs
    site.server.cli("upload", "resume", mine)
    assert site.server.run_cli("status", again["id"], "--watch").returncode == 0
    missing = site.server.run_cli("upload", "cancel", 4711)
    assert missing.returncode == 1 and "there is no upload 4711" in missing.stderr

"""`vodlift doctor` of a real server: healthy, in trouble, and gone. It tells everything and no secret."""

import json
import subprocess

import pytest

from callback_receiver import CallbackReceiver
from support import binary, make_file, wait_until

SECTIONS = ["socket", "server", "readiness", "attention", "queue", "last_24_hours", "database", "process", "upload_slots",
            "clocks", "storages", "buckets", "callbacks", "multipart_uploads", "limits", "audit_log", "files", "machine"]


def doctor(server, *arguments) -> subprocess.CompletedProcess:
    return subprocess.run([binary(), "doctor", "--config", server.config, *arguments], capture_output=True, text=True, timeout=60)


def report(server) -> tuple[int, dict]:
    """The exit code, and the sections by their names."""
    done = doctor(server, "--json")
    told = json.loads(done.stdout)
    assert not done.stderr and told["ok"] == (done.returncode == 0), done
    return done.returncode, {one["name"]: one for one in told["sections"]}


def wrong(sections: dict) -> dict:
    return {name: one["wrong"] for name, one in sections.items() if not one["ok"]}


@pytest.fixture
def busy(site, fake):
    """A server that has sent a file, with a limit."""
    site.use(fake, "videos")
    make_file(site.files / "film.mp4", 1000)
    site.server.cli("limit", "set", "--cdn", 158, "--rate", "50MB")
    site.wait_for(site.queue("film.mp4", "videos"), "completed")
    return site


def test_a_healthy_server_is_told_whole(busy, fake):
    wait_until(lambda: report(busy.server)[1]["last_24_hours"]["facts"]["completed"] == 1, 20, "the statistics have the end of the upload")
    code, sections = report(busy.server)
    assert code == 0 and list(sections) == SECTIONS and wrong(sections) == {}, wrong(sections)
    facts = {name: one["facts"] for name, one in sections.items()}
    assert facts["server"]["version"] == facts["server"]["version_of_this_program"] and 0 <= facts["server"]["running_s"] < 600
    assert facts["readiness"] == {"accepts_uploads": True}
    assert facts["queue"]["uploads"] == [{"state": "completed", "uploads": 1, "size_bytes": 1000}]
    assert facts["last_24_hours"]["failed_by_error"] == [] and facts["last_24_hours"]["sent_bytes"] >= 0
    assert facts["database"]["free_bytes"] > 0 and facts["database"]["commits"] > 0 and facts["database"]["mean_commit_ms"] > 0
    assert 0 < facts["process"]["open_files"] < facts["process"]["open_files_limit"] and facts["process"]["memory_bytes"] > 0
    assert {"kind": "usual", "occupied": 0, "slots": 4} in facts["upload_slots"]["slots"]
    assert facts["storages"]["storages"][0]["available"] is True
    assert facts["buckets"]["verdicts"] == [{"cdn": 158, "bucket": "videos", "endpoint": fake.endpoint, "verdict": "nothing is known against it"}]
    assert facts["limits"]["bandwidth"][0]["scope"] == "account 158"
    assert facts["audit_log"]["newest"][0]["command"] in ("aws.upload", "limit.set"), facts["audit_log"]
    assert facts["files"]["database"] == str(busy.server.store) and facts["files"]["database_bytes"] > 0
    assert facts["machine"]["kernel"].startswith("Linux ") and facts["machine"]["time_zone"]
    text = doctor(busy.server)
    assert text.returncode == 0 and text.stdout.startswith("All is well.\n\nsocket: ok\n") and not text.stderr, text
    assert all(f"\n{name}: ok\n" in text.stdout for name in SECTIONS)


def test_a_storage_that_is_gone_needs_a_person(busy):
    away = busy.server.storage.with_name("away")
    busy.files.rename(away)
    busy.server.storage.rmdir()
    assert not busy.api.upload("sestore4/jb/film.mp4", "again.mp4", "videos").ok
    code, sections = report(busy.server)
    assert code == 1 and list(wrong(sections)) == ["storages"], wrong(sections)
    told, = sections["storages"]["wrong"]
    assert told["what"].startswith("Storage sestore4 is not available.") and "Mount it" in told["fix"]
    text = doctor(busy.server).stdout
    assert text.startswith("This needs a person: storages.\n\nstorages: WRONG\n  Storage sestore4 is not available."), text
    busy.server.storage.mkdir()
    away.rename(busy.files)
    wait_until(lambda: doctor(busy.server).returncode == 0, 10, "it is back")


def test_a_bucket_that_refuses_us_needs_a_person(busy, fake):
    fake.play({"about": "no access", "rules": [{"operation": "PutObject", "fault": {"status": 403, "code": "AccessDenied"}}]})
    busy.wait_for(busy.queue("film.mp4", "videos", "2.mp4"), "failed")
    code, sections = report(busy.server)
    assert code == 1 and list(wrong(sections)) == ["buckets"], wrong(sections)
    assert "vodlift bucket check --cdn 158 --bucket videos" in sections["buckets"]["wrong"][0]["fix"]
    assert "access denied" in sections["buckets"]["facts"]["verdicts"][0]["verdict"]
    # Errors are gathered for some seconds before they are written.
    wait_until(lambda: report(busy.server)[1]["last_24_hours"]["facts"]["failed_by_error"] == [{"error": "s3_access_denied", "failed": 1}], 20,
               "the error is counted")


def test_without_a_server_it_tells_what_it_sees(busy):
    busy.server.stop()
    code, sections = report(busy.server)
    assert code == 2 and list(sections) == ["socket", "files", "machine"] and list(wrong(sections)) == ["socket"], sections
    assert sections["socket"]["wrong"][0]["what"].startswith("There is no socket "), sections["socket"]
    assert sections["files"]["facts"]["database_bytes"] > 0
    busy.server.start()
    assert report(busy.server)[0] == 0
    busy.server.kill9()
    code, sections = report(busy.server)
    assert code == 2 and "Nobody listens at the socket" in sections["socket"]["wrong"][0]["what"], sections["socket"]
    busy.server.config.write_text("nonsense = 1\n")
    code, sections = report(busy.server)
    assert code == 2 and "nonsense" in sections["socket"]["wrong"][0]["what"], sections["socket"]
    busy.server.configure()


def test_it_tells_no_secret(busy, fake):
    """The S3 key, keys of the API, a callback with a password and a token, and what its receiver writes back."""
    token, password = "PLANTED-TOKEN-1", "PLANTED-PASSWORD-2"
    with CallbackReceiver([(503, {})]) as receiver:
        receiver.answer_body = f"cannot post {receiver.url}?token={token}".encode()
        url = receiver.url.replace("http://", f"http://user:{password}@") + f"?token={token}"
        taken = busy.api.upload("sestore4/jb/film.mp4", "with-user.mp4", "videos", callback=url).ok
        busy.queue("film.mp4", "videos", "with-token.mp4", callback=f"{receiver.url}?token={token}")
        wait_until(lambda: receiver.received, 20, "the receiver is called")
        wait_until(lambda: report(busy.server)[1]["callbacks"]["facts"]["failing"], 20, "it is known to fail")
        fake.play({"about": "the key is unknown", "rules": [{"operation": "PutObject", "fault": {"status": 403, "code": "InvalidAccessKeyId"}}]})
        busy.queue("film.mp4", "videos", "waits.mp4")
        wait_until(lambda: wrong(report(busy.server)[1]).get("buckets"), 20, "the key is refused")
        printed = doctor(busy.server).stdout + doctor(busy.server, "--json").stdout
        secrets = [token, password, fake.secret_key, busy.key.secret, busy.account["webhook_secret"]]
        secrets.append(busy.server.folder.joinpath("master.key").read_bytes().hex())
        assert [one for one in secrets if one in printed] == [], f"the URL with a user was {'taken' if taken else 'refused'}"
        assert "the receiver answered 503" in printed

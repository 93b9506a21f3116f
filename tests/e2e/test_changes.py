"""aws.cancel, aws.pause, aws.resume and aws.retry: how they change uploads that were queued before."""

import json
import time

import pytest

from api_client import ApiClient, sign
from support import MIB, make_file, sha256, wait_until

PART = 16 * MIB
SIZE = 3 * PART + 1000
HOLD_PARTS = {"about": "parts get no answer", "rules": [{"operation": "UploadPart", "fault": {"hold": True}}]}
HOLD_LATER = {"about": "the first part is stored, the others get no answer",
              "rules": [{"operation": "UploadPart", "if_part_above": 1, "fault": {"hold": True}}]}
NO_FAULT = {"about": "no fault", "rules": []}


def changed(site, command, upload_id) -> dict:
    answer = site.api.call(command, id=upload_id)
    assert answer.ok and answer.http_status == 200, answer
    return answer.data


@pytest.fixture
def ready(site, fake):
    site.use(fake, "videos")
    make_file(site.files / "small.mp4", 1000)
    return site


def under_way(site, fake, scenario, **fields) -> int:
    fake.play(scenario)
    make_file(site.files / "film.mp4", SIZE)
    upload_id = site.queue("film.mp4", "videos", **fields)
    wait_until(lambda: len(fake.seen("UploadPart")) >= 2, 20, "parts are under way")
    return upload_id


def test_cancel_of_a_running_upload(ready, fake, receiver):
    upload_id = under_way(ready, fake, HOLD_PARTS, callback=receiver.url)
    asked = time.monotonic()
    assert changed(ready, "aws.cancel", upload_id)["state"] in ("uploading", "cancelled")
    ended = ready.wait_for(upload_id, "cancelled", within_s=10)
    assert time.monotonic() - asked < 5, "the parts, which would never be answered, are not waited for"
    assert ended["finished"] and ended["error"] is None
    wait_until(lambda: not fake.open_uploads(), 25, "the multipart upload is aborted")
    call = wait_until(lambda: receiver.received, 10, "the callback comes")[0]
    assert call.json["data"]["state"] == "cancelled" and call.json["data"]["error"] is None
    assert (call.json["status"], call.json["code"]) == ("failure", "2005"), "every failure has a code"
    assert not fake.has_object("videos", "film.mp4")
    again = ready.api.call("aws.cancel", id=upload_id, more="other bytes than the first, even in the same second")
    assert again.code == "2005" and "cancelled" in again.message


def test_pause_and_resume_of_a_running_upload(ready, fake):
    upload_id = under_way(ready, fake, HOLD_LATER)
    wait_until(lambda: ready.api.status(upload_id)["bytes_sent"] == PART, 10, "the first part is confirmed")
    changed(ready, "aws.pause", upload_id)
    paused = ready.wait_for(upload_id, "paused", within_s=10)
    assert paused["bytes_sent"] == PART and fake.open_uploads(), "what was sent is kept"
    fake.play(NO_FAULT)
    ready.server.restart()
    assert ready.api.status(upload_id)["state"] == "paused"
    before = len(fake.requests)
    assert changed(ready, "aws.resume", upload_id)["state"] == "queued"
    ready.wait_for(upload_id, "completed")
    again = [one.part for one in fake.requests[before:] if one.operation == "UploadPart"]
    assert 1 not in again and not fake.open_uploads()
    assert sha256(fake.object("videos", "film.mp4").body) == sha256((ready.files / "film.mp4").read_bytes())


def test_cancel_of_a_paused_upload_leaves_nothing(ready, fake):
    upload_id = under_way(ready, fake, HOLD_LATER)
    wait_until(lambda: ready.api.status(upload_id)["bytes_sent"] == PART, 10, "the first part is confirmed")
    changed(ready, "aws.pause", upload_id)
    ready.wait_for(upload_id, "paused", within_s=10)
    assert changed(ready, "aws.cancel", upload_id)["state"] == "cancelled"
    wait_until(lambda: not fake.open_uploads(), 25, "the multipart upload is aborted")


def test_retry_of_a_failed_upload_is_a_new_one(ready, fake):
    fake.play({"about": "no access", "rules": [{"operation": "PutObject", "nth": 1,
                                                "fault": {"status": 403, "code": "AccessDenied"}}]})
    failed = ready.queue("small.mp4", "videos", metadata={"show": "x"})
    ready.wait_for(failed, "failed")
    text = sign(ready.api.request("aws.retry", id=failed), ready.key.secret)
    answer = ready.api.post(text)
    assert answer.ok and answer.data["id"] != failed and answer.data["retry_of"] == failed, answer
    again = ready.wait_for(answer.data["id"], "completed")
    assert again["metadata"] == {"show": "x"} and ready.api.status(failed)["state"] == "failed"
    assert ready.api.post(text).data["id"] == again["id"], "the same signed bytes act once"
    assert len(ready.api.all()) == 2


def test_states_that_do_not_allow_it(ready):
    done = ready.queue("small.mp4", "videos")
    ready.wait_for(done, "completed")
    for command in ("aws.cancel", "aws.pause", "aws.resume", "aws.retry"):
        answer = ready.api.call(command, id=done)
        assert answer.code == "2005" and "completed" in answer.message and answer.data == 0


def test_foreign_uploads_are_as_absent(ready):
    mine = ready.queue("small.mp4", "videos")
    ready.server.add_account(159, "eve")
    key = ready.server.add_key(159)
    eve = ApiClient(ready.server.url, key.api_key, key.secret, 159)
    for command in ("aws.cancel", "aws.pause", "aws.resume", "aws.retry"):
        foreign, absent = (eve.call(command, id=one).body for one in (mine, mine + 1000))
        del foreign["handle_time"], absent["handle_time"]
        assert foreign == absent and foreign["code"] == "2005"
    ready.wait_for(mine, "completed")


def test_command_line(ready, fake):
    upload_id = under_way(ready, fake, HOLD_PARTS)
    assert f"upload {upload_id}" in ready.server.cli("upload", "pause", upload_id)
    ready.wait_for(upload_id, "paused", within_s=10)
    assert ready.server.cli("upload", "resume", upload_id) == f"upload {upload_id} is queued\n"
    wait_until(lambda: ready.api.status(upload_id)["state"] == "uploading", 10, "it runs again")
    ready.server.cli("upload", "cancel", upload_id)
    ready.wait_for(upload_id, "cancelled", within_s=10)
    again = json.loads(ready.server.cli("upload", "retry", upload_id, "--json"))
    assert again["retry_of"] == upload_id
    ready.server.cli("upload", "cancel", again["id"])
    refused = ready.server.run_cli("upload", "resume", upload_id)
    assert refused.returncode != 0 and "cancelled" in refused.stderr


def test_each_change_leaves_a_line_in_the_audit_log(ready, fake):
    done = ready.queue("small.mp4", "videos", metadata={"private": "metadata-value"}, callback="http://127.0.0.1:9999/told")
    ready.wait_for(done, "completed")
    ready.api.call("aws.cancel", id=done)
    ready.api.upload("sestore4/jb/missing.mp4", "a.mp4", "videos")
    ready.api.call("aws.pause")
    ready.api.status(done)
    text = (ready.server.folder / "audit.log").read_text()
    lines = [json.loads(line) for line in text.splitlines()]
    told = [(one["command"], one["result"], one.get("error"), one.get("upload")) for one in lines if one["door"] == "api"]
    assert told == [("aws.upload", "success", None, done), ("aws.cancel", "failure", "wrong_state", None),
                    ("aws.upload", "failure", "source_not_found", None),
                    ("aws.pause", "failure", "missing_field", None)]
    first = next(one for one in lines if one["command"] == "aws.upload")
    assert first["address"].startswith("127.0.0.1") and first["cdn"] == 158 and first["key"] >= 1
    assert first["what"] == {"path": "sestore4/jb/small.mp4", "destination_path": "small.mp4", "bucket": "videos"}
    for hidden in ("metadata-value", "127.0.0.1:9999/told", ready.key.secret, "signature"):
        assert hidden not in text

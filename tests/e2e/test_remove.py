"""Removal of accounts, keys, buckets and storages: at once, after what uses them has ended, or after it is cancelled."""

import json
import subprocess

import pytest

from rest_client import RestClient
from support import MIB, binary, make_file, wait_until

HOLD = {"about": "parts get no answer", "rules": [{"operation": "UploadPart", "fault": {"hold": True}}]}
NO_FAULT = {"about": "no fault", "rules": []}


@pytest.fixture
def ready(site, fake):
    site.use(fake, "videos")
    make_file(site.files / "film.mp4", 1000)
    make_file(site.files / "large.mp4", 17 * MIB)
    return site


def buckets(site) -> list[str]:
    return [one["bucket"] for one in json.loads(site.server.cli("bucket", "list", "--json"))]


def audited(site, command: str) -> list[dict]:
    return [one for one in json.loads(site.server.cli("audit", "list", "--command", command, "--json"))["items"] if one["result"] == "success"]


def under_way(site, fake, destination: str = "film.mp4", **fields) -> int:
    fake.play(HOLD)
    upload_id = site.queue("large.mp4", "videos", destination, **fields)
    wait_until(lambda: fake.seen("UploadPart"), 20, "the upload is under way")
    return upload_id


def test_what_nothing_uses_goes_at_once(ready, fake):
    ready.wait_for(ready.queue("film.mp4", "videos"), "completed")
    assert ready.server.cli("bucket", "remove", "--cdn", 158, "--bucket", "videos") == "bucket videos of account 158 is removed\n"
    assert buckets(ready) == []
    refused = ready.api.upload("sestore4/jb/film.mp4", "2.mp4", "videos")
    assert refused.code == "2004", refused
    gone = ready.server.run_cli("bucket", "remove", "--cdn", 158, "--bucket", "videos")
    assert gone.returncode == 1 and "has no bucket" in gone.stderr, gone
    ready.use(fake, "videos")
    ready.wait_for(ready.queue("film.mp4", "videos", "3.mp4"), "completed")
    [line] = audited(ready, "bucket.remove")
    assert line["before"] and not line["after"] and line["cdn"] == 158


def test_a_drain_waits_for_the_upload_in_flight_and_takes_nothing_new(ready, fake, receiver):
    upload_id = under_way(ready, fake, callback=receiver.url)
    refused = ready.server.run_cli("bucket", "remove", "--cdn", 158, "--bucket", "videos")
    assert refused.returncode == 1 and "1 upload (1 uploading)" in refused.stderr and "--drain" in refused.stderr, refused
    said = ready.server.cli("bucket", "remove", "--cdn", 158, "--bucket", "videos", "--drain")
    assert "takes nothing new" in said and "1 upload (1 uploading)" in said
    answer = ready.api.upload("sestore4/jb/film.mp4", "2.mp4", "videos")
    assert answer.code == "2004" and "being removed" in answer.message, answer
    assert "it is being removed" in ready.server.cli("bucket", "list")
    waiting = subprocess.Popen([binary(), "bucket", "remove", "--cdn", "158", "--bucket", "videos", "--drain", "--wait", "--socket", ready.server.socket],
                               stdout=subprocess.PIPE, text=True)
    assert waiting.stdout.readline() == "waits for 1 upload (1 uploading)\n"
    fake.play(NO_FAULT)
    fake.release()
    ready.wait_for(upload_id, "completed")
    rest, _ = waiting.communicate(timeout=60)
    assert waiting.returncode == 0 and rest.endswith("bucket videos of account 158 is removed\n"), rest
    assert buckets(ready) == [] and receiver.received
    assert [line["door"] for line in audited(ready, "bucket.remove")][0] == "server"
    assert ready.api.status(upload_id)["state"] == "completed", "the history stays"


def test_a_restart_in_the_middle_of_a_drain(ready, fake):
    upload_id = under_way(ready, fake)
    ready.server.cli("key", "remove", "--api-key", ready.key.api_key, "--drain")
    ready.server.cli("bucket", "remove", "--cdn", 158, "--bucket", "videos", "--drain")
    ready.server.kill9()
    fake.play(HOLD)
    before = len(fake.seen("UploadPart"))
    ready.server.start()
    wait_until(lambda: len(fake.seen("UploadPart")) > before, 60, "the upload goes on")
    assert buckets(ready) == ["videos"]
    assert ready.api.upload("sestore4/jb/film.mp4", "2.mp4", "videos").code == "0005", "the key queues nothing"
    assert ready.api.status(upload_id)["state"] in ("queued", "uploading"), "but shows what it has queued"
    fake.play(NO_FAULT)
    fake.release()
    wait_until(lambda: buckets(ready) == [], 60, "the drain ends")
    wait_until(lambda: json.loads(ready.server.cli("key", "list", "--json")) == [], 30, "the key's too")
    assert ready.api.call("aws.status", id=upload_id).code == "0001"


def test_cancel_ends_what_is_unfinished(ready, fake, receiver):
    running = under_way(ready, fake, callback=receiver.url)
    paused = ready.queue("large.mp4", "videos", "2.mp4")
    ready.api.call("aws.pause", id=paused)
    ready.wait_for(paused, "paused")
    said = json.loads(ready.server.run_cli("account", "remove", "--cdn", 158, "--cancel", "--wait", "--json", within_s=90).stdout)
    assert said["removed"] and said["cancelled"] == 2, said
    assert json.loads(ready.server.cli("account", "list", "--json")) == []
    assert json.loads(ready.server.cli("key", "list", "--json")) == [] and buckets(ready) == []
    listed = json.loads(ready.server.cli("upload", "list", "--cdn", 158, "--json"))["items"]
    assert {one["id"]: one["state"] for one in listed} == {running: "cancelled", paused: "cancelled"}
    assert [call.json["data"]["state"] for call in receiver.received] == ["cancelled"]
    refused = ready.server.run_cli("upload", "retry", running)
    assert refused.returncode == 1 and "no account 158" in refused.stderr, refused
    other = ready.server.run_cli("account", "add", "--cdn", 158, "--user", "kc")
    assert other.returncode == 1 and "its uploads are still kept" in other.stderr, other
    ready.server.add_account()
    assert len(json.loads(ready.server.cli("upload", "list", "--cdn", 158, "--json"))["items"]) == 2


def test_a_removal_is_taken_back(ready, fake):
    under_way(ready, fake)
    ready.server.cli("account", "remove", "--cdn", 158, "--drain")
    assert ready.api.upload("sestore4/jb/film.mp4", "2.mp4", "videos").code == "0005"
    assert ready.server.run_cli("key", "add", "--cdn", 158).returncode == 1
    rest = RestClient(ready.server.socket)
    [removal] = rest.call("GET", "/removals").data["items"]
    assert (removal["kind"], removal["cdn"], removal["uses"]["uploading"]) == ("account", 158, 1)
    assert ready.server.cli("account", "remove", "--cdn", 158, "--keep") == "account 158 stays\n"
    assert rest.call("GET", "/removals").data["items"] == []
    fake.play(NO_FAULT)
    fake.release()
    ready.wait_for(ready.queue("film.mp4", "videos", "2.mp4"), "completed")


def test_an_account_with_people_stays(ready):
    rest = RestClient(ready.server.socket)
    rest.call("POST", "/people", {"name": "anna", "role": "customer", "cdn": 158})
    refused = ready.server.run_cli("account", "remove", "--cdn", 158, "--drain")
    assert refused.returncode == 1 and "1 person may sign in" in refused.stderr, refused


def test_a_storage_with_uploads_stays_until_they_have_ended(ready, fake):
    other = ready.server.folder / "other"
    make_file(other / "jb/film.mp4", 17 * MIB)
    section = f'[[storage]]\nname = "other"\nroot = "{other}"\n'
    ready.server.configure(extra=section)
    ready.server.cli("reload")
    fake.play(HOLD)
    queued = [ready.api.upload("other/jb/film.mp4", name, "videos").data for name in ("1.mp4", "2.mp4")]
    kept = ready.queue("film.mp4", "videos", "3.mp4")
    ready.server.configure()
    refused = ready.server.run_cli("reload")
    assert refused.returncode == 1 and "2 uploads of files on it have not ended" in refused.stderr, refused
    assert len(json.loads(ready.server.cli("storage", "list", "--json"))) == 2
    ready.server.configure(extra=section + "drain = true\n")
    assert "[[storage]] other" in ready.server.cli("reload")
    answer = ready.api.upload("other/jb/film.mp4", "4.mp4", "videos")
    assert answer.code == "2003" and "takes no new uploads" in answer.message, answer
    listed = json.loads(ready.server.cli("upload", "list", "--storage", "other", "--json"))["items"]
    assert {one["id"] for one in listed} == set(queued)
    assert "2 uploads cancelled" in ready.server.cli("upload", "cancel", "--storage", "other")
    for upload_id in queued:
        ready.wait_for(upload_id, "cancelled")
    ready.server.configure()
    ready.server.cli("reload")
    assert [one["storage"] for one in json.loads(ready.server.cli("storage", "list", "--json"))] == ["sestore4"]
    fake.play(NO_FAULT)
    fake.release()
    ready.wait_for(kept, "completed")

"""GET /api/v1/events of the running server: what a client is told, and what it cannot do to others."""

import socket
import time

import pytest

from event_reader import EventReader
from rest_client import RestClient
from support import MIB, make_file, wait_until


@pytest.fixture
def readers(site):
    """Makes readers, and closes those that are left."""
    made: list[EventReader] = []

    def make(last_id: str = "", query: str = "") -> EventReader:
        made.append(EventReader(site.server.socket, last_id, query))
        assert made[-1].status == 200
        return made[-1]

    yield make
    for reader in made:
        reader.close()


def completed(upload_id: int):
    return lambda reader: any(upload["state"] == "completed" for upload in reader.uploads(upload_id))


def test_an_upload_is_seen_from_the_queue_to_its_end(site, fake, readers):
    site.use(fake, "videos", more=("--part-size", "5MiB"))
    reader = readers()
    assert reader.headers["Content-Type"] == "text/event-stream"
    assert reader.headers["Cache-Control"] == "no-store"
    make_file(site.files / "film.mp4", 40 * MIB)
    upload_id = site.queue("film.mp4", "videos")
    reader.wait_for(completed(upload_id), "the upload is told as completed")
    seen = reader.uploads(upload_id)
    sent = [upload["bytes_sent"] for upload in seen]
    assert sent == sorted(sent) and sent[-1] == 40 * MIB
    asked = RestClient(site.server.socket).call("GET", f"/uploads?ids={upload_id}").data["items"][0]
    reader.wait_for(lambda one: one.uploads(upload_id)[-1] == asked, "the last event is what GET /uploads answers")
    reader.wait_for(lambda one: any(point["bytes_per_s"] > 0 for point in one.of("rate")), "the rate is told")
    reader.wait_for(lambda one: {"cdn": None, "state": "completed", "uploads": 1, "bytes": 40 * MIB} in one.of("counts")[-1]["items"],
                    "the counts are told")


def test_progress_is_told_while_parts_are_confirmed(site, fake, readers):
    site.use(fake, "videos", more=("--part-size", "5MiB"))
    site.server.cli("limit", "set", "--all", "--rate", "20MB")
    reader = readers()
    make_file(site.files / "film.mp4", 40 * MIB)
    upload_id = site.queue("film.mp4", "videos")
    reader.wait_for(completed(upload_id), "the upload is told as completed", 60)
    between = {upload["bytes_sent"] for upload in reader.uploads(upload_id) if upload["state"] == "uploading"}
    assert len(between - {0, 40 * MIB}) >= 2, reader.events


def test_a_stream_that_was_cut_misses_nothing(site, fake, readers):
    site.use(fake, "videos")
    reader = readers()
    make_file(site.files / "a.mp4", 1000)
    first = site.queue("a.mp4", "videos", "first.mp4")
    reader.wait_for(completed(first), "the first upload is told")
    reader.close()
    missed = [site.queue("a.mp4", "videos", f"missed{number}.mp4") for number in range(5)]
    for upload_id in missed:
        site.wait_for(upload_id, "completed")
    again = readers(reader.last_id)
    for upload_id in missed:
        again.wait_for(completed(upload_id), f"the missed upload {upload_id} is told")
    assert again.of("reset") == [] and again.uploads(first) == []


def test_an_id_of_another_run_gets_a_reset(site, readers):
    before = readers()
    before.wait_for(lambda one: one.last_id, "it has an id")
    site.server.restart()
    assert before.ended.wait(10), "the stream ends when the server stops"
    again = readers(before.last_id)
    again.wait_for(lambda one: one.of("reset"), "the client is told to read anew")


def test_callbacks_are_told(site, fake, receiver, readers):
    site.use(fake, "videos")
    reader = readers()
    make_file(site.files / "a.mp4", 1000)
    upload_id = site.queue("a.mp4", "videos", callback=receiver.url)
    reader.wait_for(lambda one: any(callback["state"] == "delivered" and callback["upload"] == upload_id for callback in one.of("callback")),
                    "the delivery is told")
    reader.wait_for(lambda one: one.uploads(upload_id)[-1]["callback_state"] == "delivered", "the upload shows it too")


def test_a_stream_of_one_account_has_nothing_of_others(site, fake, readers):
    site.server.add_account(159, "ann")
    site.use(fake, "videos")
    other, all_accounts = readers(query="?cdn=159"), readers()
    make_file(site.files / "a.mp4", 1000)
    upload_id = site.queue("a.mp4", "videos")
    all_accounts.wait_for(completed(upload_id), "the operator's stream tells it")
    assert other.of("upload") == []
    assert all(counts["items"] == [] for counts in other.of("counts"))


def test_a_bucket_that_refuses_us_is_told_within_seconds_and_so_is_its_end(site, fake, readers):
    site.server.add_account(159, "ann")
    site.use(fake, "videos")
    make_file(site.files / "a.mp4", 1000)
    everyone, own, other = readers(), readers(query="?cdn=158"), readers(query="?cdn=159")
    for reader in (everyone, own, other):
        reader.wait_for(lambda one: one.of("attention") and one.of("attention")[-1]["items"] == [], "nothing needs a person")
    fake.play({"about": "no access", "rules": [{"operation": "PutObject", "fault": {"status": 403, "code": "AccessDenied"}}]})
    site.wait_for(site.queue("a.mp4", "videos"), "failed")
    for reader in (everyone, own):
        reader.wait_for(lambda one: [need["code"] for need in one.of("attention")[-1]["items"]] == ["bucket_denied"], "it is told", 6)
    shown, = RestClient(site.server.socket).call("GET", "/overview").data["attention"]
    told, = everyone.of("attention")[-1]["items"]
    assert told | {"since": 0} == shown | {"since": 0} and abs(told["since"] - shown["since"]) <= 1
    fake.play({"about": "no fault", "rules": []})
    site.server.cli("bucket", "check", "--cdn", 158, "--bucket", "videos")
    for reader in (everyone, own):
        reader.wait_for(lambda one: one.of("attention")[-1]["items"] == [], "its end is told", 6)
    assert len(other.of("attention")) == 1


def test_a_change_of_settings_is_told(site, readers):
    site.server.add_account(159, "ann")
    everyone, own = readers(), readers(query="?cdn=158")
    everyone.wait_for(lambda one: one.last_id, "the stream has begun")
    own.wait_for(lambda one: one.last_id, "the stream has begun")
    site.server.cli("account", "set", "--cdn", 159, "--weight", 2)
    site.server.cli("limit", "set", "--cdn", 158, "--rate", "50MB")
    everyone.wait_for(lambda one: one.of("settings") == [{"noun": "account", "cdn": 159}, {"noun": "limit", "cdn": 158}], "both are told")
    own.wait_for(lambda one: one.of("settings") == [{"noun": "limit", "cdn": 158}], "what is of the account is told")


def test_a_hundred_streams_tell_two_hundred_uploads(site, fake, readers):
    site.use(fake, "videos")
    all_readers = [readers() for _ in range(100)]
    make_file(site.files / "a.mp4", 1000)
    ids = [site.queue("a.mp4", "videos", f"{number}.mp4") for number in range(200)]
    for upload_id in ids:
        site.wait_for(upload_id, "completed", within_s=60)

    def knows_all(reader: EventReader) -> bool:
        told = {upload["id"]: upload["state"] for upload in reader.of("upload")}
        return bool(reader.of("reset")) or all(told.get(upload_id) == "completed" for upload_id in ids)

    for reader in all_readers:
        reader.wait_for(knows_all, "each stream tells each end, or that events are missing", 60)


def test_who_does_not_read_is_cut_off_and_holds_up_nobody(site, fake, readers):
    site.use(fake, "videos")
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as stuck:
        stuck.settimeout(60)
        stuck.connect(str(site.server.socket))
        stuck.sendall(b"GET /api/v1/events HTTP/1.1\r\nHost: a\r\n\r\n")
        reader = readers()
        make_file(site.files / "a.mp4", 1000)
        metadata = {f"name{number}": "x" * 150 for number in range(10)}
        ids = [site.queue("a.mp4", "videos", f"{number}.mp4", metadata=metadata) for number in range(400)]
        reader.wait_for(lambda one: len({upload["id"] for upload in one.of("upload") if upload["state"] == "completed"}) == len(ids),
                        "the other one is told all", 120)
        got, deadline = bytearray(), time.monotonic() + 30
        try:
            while piece := stuck.recv(65536):
                got += piece
                assert time.monotonic() < deadline, "it was not cut off"
        except ConnectionResetError:
            pass
    assert b"event: upload" in got and not got.endswith(b"0\r\n\r\n")


def test_streams_are_capped_and_a_place_is_free_when_its_client_is_gone(site, readers):
    for _ in range(128):
        last = readers()
    refused = EventReader(site.server.socket)
    assert (refused.status, refused.headers["Content-Type"]) == (503, "application/problem+json")
    assert int(refused.headers["Retry-After"]) > 0
    refused.close()
    last.close()

    def there_is_room():
        tried = EventReader(site.server.socket)
        tried.close()
        return tried.status == 200

    wait_until(there_is_room, 10, "the place is free")

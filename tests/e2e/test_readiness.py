"""A source that is still being written is waited for."""

import os
import threading
import time

import pytest

from support import KIB, MIB, make_file, sha256, wait_until

QUIET_S = 2


@pytest.fixture
def patient(new_site, fake):
    site = new_site(quiet_s=QUIET_S)
    site.use(fake, "videos")
    return site


def write_slowly(path, chunks: int, chunk: bytes) -> threading.Thread:
    """Appends a chunk every quarter of the quiet time; the file is there when this returns."""
    path.write_bytes(chunk)

    def write():
        for _ in range(chunks - 1):
            time.sleep(QUIET_S / 4)
            with open(path, "ab") as file:
                file.write(chunk)

    writer = threading.Thread(target=write)
    writer.start()
    return writer


def test_a_file_that_is_being_written_is_sent_whole(patient, fake):
    path = patient.files / "film.mp4"
    writer = write_slowly(path, 12, os.urandom(64 * KIB))
    upload_id = patient.queue("film.mp4", "videos")
    waiting = wait_until(lambda: (one := patient.api.status(upload_id))["error"] and one, 10, "it is seen to be written")
    assert (waiting["state"], waiting["error"]["code"]) == ("queued", "source_busy"), waiting
    assert waiting["error"]["retryable"] and "still being written" in waiting["error"]["message"]
    assert waiting["next_attempt"] and waiting["finished"] is None
    writer.join()
    upload = patient.wait_for(upload_id, "completed")
    assert upload["size"] == 12 * 64 * KIB and upload["attempts"] == 1 and upload["error"] is None
    assert fake.object("videos", "film.mp4").body == path.read_bytes()
    assert len(fake.seen("PutObject")) == 1, "nothing was sent before"


def test_a_file_that_was_left_alone_is_sent_at_once(patient, fake):
    digest = make_file(patient.files / "film.mp4", 17 * MIB)
    os.utime(patient.files / "film.mp4", (time.time() - 60, time.time() - 60))
    asked = time.monotonic()
    upload = patient.wait_for(patient.queue("film.mp4", "videos"), "completed")
    assert time.monotonic() - asked < QUIET_S and upload["attempts"] == 1
    assert sha256(fake.object("videos", "film.mp4").body) == digest


def test_one_that_waits_holds_up_no_other_and_can_be_cancelled(patient, fake):
    writer = write_slowly(patient.files / "film.mp4", 20, b"x")
    upload_id = patient.queue("film.mp4", "videos")
    wait_until(lambda: patient.api.status(upload_id)["error"], 10, "it waits")
    make_file(patient.files / "other.mp4", KIB)
    os.utime(patient.files / "other.mp4", (1, 1))
    patient.wait_for(patient.queue("other.mp4", "videos"), "completed", within_s=QUIET_S)
    assert patient.api.call("aws.cancel", id=upload_id).ok
    patient.wait_for(upload_id, "cancelled", within_s=5)
    writer.join()
    assert not fake.has_object("videos", "film.mp4")


def test_waiting_outlives_a_restart(patient, fake):
    writer = write_slowly(patient.files / "film.mp4", 16, os.urandom(KIB))
    upload_id = patient.queue("film.mp4", "videos")
    wait_until(lambda: patient.api.status(upload_id)["error"], 10, "it waits")
    patient.server.kill9()
    patient.server.start()
    writer.join()
    assert patient.wait_for(upload_id, "completed")["size"] == 16 * KIB

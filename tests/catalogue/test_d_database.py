"""The database cannot be written to: nothing is acknowledged, running uploads wait, and all continue when writing works again."""

import contextlib
import errno
import shutil

import pytest

from api_client import sign
from forms import refused
from support import KIB, MIB, build_dir, make_file, sha256, wait_until

IN_PARTS = 33 * MIB  # three parts
LEASE_S = 60
UNAVAILABLE = {"status": 503, "code": "ServiceUnavailable"}
A_WHOLE_ATTEMPT = [1, 2, 3, 4, 5]  # tries


@pytest.fixture
def place(new_site, fake):
    """A site with a film, whose database finds no room while `with place.no_room():`."""
    site = new_site(parts=2)
    switch = site.server.folder / "no-room"
    site.server.environment = {"LD_PRELOAD": str(build_dir() / "libfull_disk.so"), "FULL_DISK": str(switch),
                               "FULL_DISK_FILES": str(site.server.store)}
    site.server.restart()
    site.use(fake, "videos")

    @contextlib.contextmanager
    def no_room():
        switch.touch()
        try:
            yield
        finally:
            switch.unlink()

    site.no_room = no_room
    return site


def refusals(site) -> int:
    """Lines about them, of which there is one a second at most."""
    return site.server.logs().count("the database refused changes")


def still_refused(site) -> None:
    before = refusals(site)
    wait_until(lambda: refusals(site) >= before + 2, 30, "it is tried to record what the store answered")


@pytest.mark.parametrize("operation,size,fault", [
    pytest.param("CreateMultipartUpload", IN_PARTS, {}, id="the_multipart_upload"),
    pytest.param("UploadPart", IN_PARTS, {}, id="a_part"),
    pytest.param("CompleteMultipartUpload", IN_PARTS, {}, id="the_end_of_one_in_parts"),
    pytest.param("PutObject", KIB, {}, id="the_end_of_one_sent_whole"),
    pytest.param("PutObject", KIB, UNAVAILABLE, id="an_attempt_that_failed")])
def test_D44_the_disk_is_full_when_there_is_something_to_record(place, fake, receiver, operation, size, fault):
    digest = make_file(place.files / "film.mp4", size)
    fake.play({"about": "slow", "rules": [{"operation": operation, "nth": A_WHOLE_ATTEMPT if fault else 1,
                                           "fault": {"delay_s": 1} | fault}]})
    film = place.queue("film.mp4", "videos", callback=receiver.url)
    wait_until(lambda: fake.seen(operation), 20, "it is under way")
    with place.no_room():
        still_refused(place)
        assert place.api.status(film)["state"] == "uploading", "its run waits"
        sent = len(fake.requests)
        for call in (sign(place.api.request("aws.cancel", id=film), place.key.secret),
                     sign(place.api.request("aws.upload", path="sestore4/jb/film.mp4", destination_path="refused",
                                            bucket="videos"), place.key.secret)):
            refused(place.api.post(call), "0004")
        still_refused(place)
        assert len(fake.requests) == sent, "and nothing is sent"
    ended = place.wait_for(film, "completed", within_s=10)
    assert sha256(fake.object("videos", "film.mp4").body) == digest
    assert ended["attempts"] == (2 if fault else 1)
    assert not fake.open_uploads() and len(fake.seen("CreateMultipartUpload")) == (size == IN_PARTS)
    assert sorted(one.part for one in fake.seen("UploadPart")) == ([1, 2, 3] if size == IN_PARTS else [])
    wait_until(lambda: receiver.received, 10, "the end is told")
    assert [one["id"] for one in place.api.all()] == [film], "what was refused is not there"


def test_D44_the_disk_is_full_when_work_is_due(place, fake):
    """Claims fail; the queue is there when the disk has room again."""
    make_file(place.files / "film.mp4", KIB)
    fake.play({"about": "fails", "rules": [{"operation": "PutObject", "nth": A_WHOLE_ATTEMPT, "fault": UNAVAILABLE}]})
    film = place.queue("film.mp4", "videos")
    wait_until(lambda: place.api.status(film)["next_attempt"], 20, "it waits for its second attempt")
    with place.no_room():
        wait_until(lambda: "uploads cannot be claimed" in place.server.logs(), 30, "it is due")
        assert place.api.status(film)["state"] == "queued"
    place.wait_for(film, "completed", within_s=10)


def test_D44_a_small_disk(new_site, fake, mount):
    """A real file system that is full: of all that was answered with an id nothing is lost, and nothing else is there."""
    site = new_site()
    server = site.server
    server.stop()
    disk = server.folder / "disk"
    disk.mkdir()
    mount("-t", "tmpfs", "-o", "size=2m", "tmpfs", disk)
    for name in ("vodlift.db", "master.key"):
        shutil.copy(server.folder / name, disk / name)
    server.store = disk / "vodlift.db"
    server.configure()
    server.start()
    site.use(fake, "videos")
    make_file(site.files / "film.mp4", KIB)
    with open(disk / "filler", "wb", buffering=0) as filler, pytest.raises(OSError) as full:
        while True:
            filler.write(bytes(4 * KIB))
    assert full.value.errno == errno.ENOSPC
    taken = []
    while (answer := site.api.upload("sestore4/jb/film.mp4", f"film-{len(taken)}", "videos")).ok:
        taken.append(answer.data)
    refused(answer, "0004")
    (disk / "filler").unlink()
    for upload_id in taken:
        site.wait_for(upload_id, "completed", within_s=20)
    assert site.api.upload("sestore4/jb/film.mp4", "after", "videos").ok
    assert len(site.api.all()) == len(taken) + 1


def test_D41_the_database_is_away_for_longer_than_a_lease(place, fake):
    """What runs stops by itself when its lease is over, and what it did not get to record counts for nothing: the parts are
    found at the store by their checksums, and the object comes from the run that holds the lease."""
    digest = make_file(place.files / "film.mp4", IN_PARTS)
    fake.play({"about": "slow", "rules": [{"operation": "UploadPart", "nth": 1, "fault": {"delay_s": 1}}]})
    film = place.queue("film.mp4", "videos")
    wait_until(lambda: fake.seen("UploadPart"), 20, "it is under way")
    with place.no_room():
        still_refused(place)
        sent = len(fake.requests)
        wait_until(lambda: "taken over by another worker" in place.server.logs(), LEASE_S + 40, "the run gives up")
        assert len(fake.requests) == sent, "it has sent nothing meanwhile"
    ended = place.wait_for(film, "completed", within_s=40)
    assert sha256(fake.object("videos", "film.mp4").body) == digest and ended["attempts"] == 1
    assert sorted(one.part for one in fake.seen("UploadPart")) == [1, 2, 3], "no byte was sent twice"
    assert len(fake.seen("CreateMultipartUpload")) == len(fake.seen("CompleteMultipartUpload")) == 1
    assert not fake.open_uploads()

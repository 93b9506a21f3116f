"""The source changes, grows, shrinks or goes away while it is uploaded: old and new bytes never mix."""

import os

import pytest

from support import MIB, build_dir, make_file, sha256, wait_until

PART = 16 * MIB
SIZE = 3 * PART + 1000


def truncated(path):
    os.truncate(path, PART + 5)


def grown(path):
    with open(path, "ab") as out:
        out.write(os.urandom(MIB))


def rewritten_with_its_times_put_back(path):
    times = path.stat()
    make_file(path, SIZE, in_place=True)
    os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))


def replaced(path):
    fresh = path.with_name("fresh.mp4")
    make_file(fresh, SIZE)
    fresh.rename(path)


@pytest.mark.parametrize("change", [
    pytest.param(truncated, id="D31_truncated"), pytest.param(grown, id="D32_grown"),
    pytest.param(rewritten_with_its_times_put_back, id="D33_rewritten")])
def test_the_source_changes_once(new_site, fake, change):
    """The last version is uploaded, from its beginning, and nothing of the first one is left."""
    site = new_site(parts=1)
    fake.play({"about": "slow", "rules": [{"operation": "UploadPart", "nth": [1, 2], "fault": {"delay_s": 0.5}}]})
    site.use(fake, "videos")
    path = site.files / "film.mp4"
    make_file(path, SIZE)
    upload_id = site.queue("film.mp4", "videos")
    wait_until(lambda: fake.seen("UploadPart"), 20, "the first part is under way")
    change(path)
    upload = site.wait_for(upload_id, "completed", within_s=40)
    assert sha256(fake.object("videos", "film.mp4").body) == sha256(path.read_bytes())
    assert upload["size"] == path.stat().st_size and upload["attempts"] == 1
    assert not fake.open_uploads() and len(fake.seen("CreateMultipartUpload")) <= 2


@pytest.mark.parametrize("gone", [
    pytest.param(lambda path: path.unlink(), id="D34_deleted"), pytest.param(replaced, id="D34_replaced")])
def test_what_is_open_is_sent_to_its_end(new_site, fake, gone):
    site = new_site(parts=1)
    fake.play({"about": "slow", "rules": [{"operation": "UploadPart", "nth": 1, "fault": {"delay_s": 0.5}}]})
    site.use(fake, "videos")
    path = site.files / "film.mp4"
    digest = make_file(path, SIZE)
    upload_id = site.queue("film.mp4", "videos")
    wait_until(lambda: fake.seen("UploadPart"), 20, "the first part is under way")
    gone(path)
    site.wait_for(upload_id, "completed", within_s=40)
    assert sha256(fake.object("videos", "film.mp4").body) == digest
    assert len(fake.seen("CreateMultipartUpload")) == 1


@pytest.mark.parametrize("size", [MIB, SIZE], ids=["whole", "in parts"])
def test_D35_a_disk_that_cannot_be_read_is_tried_again(site, fake, size):
    switch = site.server.folder / "bad"
    site.server.stop()
    site.server.environment = {"LD_PRELOAD": str(build_dir() / "libfailing_read.so"), "FAILING_SWITCH": str(switch),
                               "FAILING_ROOT": str(site.files), "FAILING_FROM": str(size - 1000)}
    site.server.start()
    site.use(fake, "videos")
    digest = make_file(site.files / "film.mp4", size)
    switch.touch()
    upload_id = site.queue("film.mp4", "videos")
    waiting = wait_until(lambda: (one := site.api.status(upload_id))["next_attempt"] and one, 30, "the attempt is over")
    assert (waiting["state"], waiting["error"]["code"]) == ("queued", "source_unreadable"), waiting
    assert waiting["error"]["retryable"] and not fake.has_object("videos", "film.mp4")
    sent = len(fake.seen("UploadPart", stored=True))
    switch.unlink()
    site.wait_for(upload_id, "completed", within_s=60)
    assert sha256(fake.object("videos", "film.mp4").body) == digest
    if size == SIZE:
        assert len(fake.seen("UploadPart", stored=True)) == -(-size // PART) and sent, "what was read was not sent twice"

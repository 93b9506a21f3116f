"""C13, C14, C17, C23 and C27: files that change, large files, and mounts."""

import ctypes
import os
import threading
import time

import pytest

from forms import refused
from support import KIB, MIB, make_file, wait_until


@pytest.fixture
def shop(site, fake):
    site.use(fake, "videos")
    site.fake = fake
    return site


def test_C13_a_folder_that_turns_into_a_link_and_back(shop):
    """Whatever the moment: the file inside, or nothing. (The unit test of ConfinedStorages opens 100,000 times.)"""
    (shop.files / "swap").mkdir()
    (shop.files / "swap/film.mp4").write_bytes(b"inside")
    outside = shop.server.folder / "outside"
    outside.mkdir()
    (outside / "film.mp4").write_bytes(b"outside")
    (shop.files / "link").symlink_to(outside)
    libc = ctypes.CDLL(None, use_errno=True)
    one, two = os.fsencode(shop.files / "swap"), os.fsencode(shop.files / "link")
    stop = threading.Event()

    def swap():
        while not stop.is_set():
            assert libc.renameat2(-100, one, -100, two, 2) == 0  # AT_FDCWD, RENAME_EXCHANGE

    swapper = threading.Thread(target=swap)
    swapper.start()
    taken, ends = [], []
    try:
        deadline = time.monotonic() + 20
        while len(taken) < 100 and time.monotonic() < deadline:
            answer = shop.api.upload("sestore4/jb/swap/film.mp4", f"{len(taken)}", "videos")
            if answer.ok:
                taken.append(answer.data)
            else:
                refused(answer, "2002")
        assert len(taken) == 100, len(taken)
        for upload_id in taken:
            ends.append(wait_until(lambda: (one := shop.api.status(upload_id))["state"] in ("completed", "failed") and one,
                                   20, "it ends"))
    finally:
        stop.set()
        swapper.join()
    completed = [one for one in ends if one["state"] == "completed"]
    assert completed, "none met the folder itself"
    for one in completed:
        assert one["size"] == 6 and shop.fake.object("videos", one["destination_path"]).body == b"inside"


def test_C14_a_file_replaced_after_it_was_taken(shop):
    """The file that exists when the upload begins counts; it is sent whole, and its size is reported."""
    shop.fake.play({"about": "waits", "rules": [{"operation": "PutObject", "fault": {"hold": True}}]})
    for number in range(5):
        make_file(shop.files / f"{number}.mp4", KIB)
        shop.queue(f"{number}.mp4", "videos")
    wait_until(lambda: len(shop.fake.seen("PutObject")) == 4, 10, "four are under way")
    waiting = next(one for one in shop.api.all() if one["state"] == "queued")
    name = waiting["destination_path"]
    make_file(shop.files / "new", 3 * KIB)
    content = (shop.files / "new").read_bytes()
    (shop.files / "new").rename(shop.files / name)
    shop.fake.play({"about": "no fault", "rules": []})
    assert shop.wait_for(waiting["id"], "completed")["size"] == 3 * KIB
    assert shop.fake.object("videos", name).body == content


@pytest.fixture
def mounted(new_site, fake, mount):
    """Makes a site whose account has a folder with another file system mounted on it."""

    def make(**config):
        site = new_site(**config)
        site.use(fake, "videos")
        (site.files / "disk").mkdir()
        mount("-t", "tmpfs", "tmpfs", site.files / "disk")
        (site.files / "bound").mkdir()
        outside = site.server.folder / "outside"
        outside.mkdir()
        make_file(outside / "film.mp4", 10)
        mount("--bind", outside, site.files / "bound")
        make_file(site.files / "disk/film.mp4", 10)
        return site

    return make


def test_C17_mounts_beneath_the_root_are_refused(mounted):
    site = mounted()
    make_file(site.files / "film.mp4", 10)
    for name in ("disk/film.mp4", "bound/film.mp4"):
        refused(site.api.upload(f"sestore4/jb/{name}", "x", "videos"), "2002", "mounted", "cross_mounts")
    listing = site.api.call("files.list", path="sestore4/jb").body
    assert [one["path"] for one in listing["data"]] == ["sestore4/jb/film.mp4"] and listing["skipped"] == 2
    refused(site.api.call("files.list", path="sestore4/jb/disk"), "2002", "mounted")


def test_C17_and_allowed_where_the_operator_says_so(mounted):
    site = mounted(storage="cross_mounts = true")
    for name in ("disk/film.mp4", "bound/film.mp4"):
        site.wait_for(site.queue(name, "videos"), "completed")
    assert site.api.call("files.list", path="sestore4/jb").body["total"] == 2


@pytest.mark.parametrize("size,puts", [(0, 1), (1, 1), (5 * MIB, None), (5 * MIB + 1, None)], ids=str)
def test_C23_small_files(shop, size, puts):
    make_file(shop.files / "film.mp4", size)
    ended = shop.wait_for(shop.queue("film.mp4", "videos"), "completed")
    assert ended["size"] == size and ended["percent"] == 100
    assert shop.fake.object("videos", "film.mp4").body == (shop.files / "film.mp4").read_bytes()
    if puts is not None:
        assert len(shop.fake.seen("PutObject")) == puts and not shop.fake.seen("CreateMultipartUpload")


def test_C23_more_than_an_object_holds(new_site, fake, mount):
    """A sparse file on tmpfs, which takes sizes that ext4 does not."""
    site = new_site(storage="cross_mounts = true")
    site.use(fake, "videos")
    (site.files / "disk").mkdir()
    mount("-t", "tmpfs", "tmpfs", site.files / "disk")
    limit = 10_000 * 5 * 1024 * MIB
    with open(site.files / "disk/film.mp4", "wb") as out:
        out.truncate(limit + 1)
    refused(site.api.upload("sestore4/jb/disk/film.mp4", "x", "videos"), "2001", str(limit), "48.8 TiB")
    os.truncate(site.files / "disk/film.mp4", 6 * 1024 * 1024 * MIB)
    fake.play({"about": "waits", "rules": [{"operation": "CreateMultipartUpload", "fault": {"hold": True}}]})
    upload_id = site.queue("disk/film.mp4", "videos", "6TiB")
    wait_until(lambda: fake.seen("CreateMultipartUpload"), 10, "it is begun in parts")
    assert site.api.status(upload_id)["size"] == 6 * 1024 * 1024 * MIB
    site.server.kill9()


def test_C27_a_file_that_is_still_open_for_writing(shop):
    """No lock is asked for. What the recorder adds meanwhile is noticed, and the object is one whole version."""
    with open(shop.files / "film.mp4", "wb") as recorder:
        recorder.write(os.urandom(2 * MIB))
        recorder.flush()
        assert shop.wait_for(shop.queue("film.mp4", "videos"), "completed")["size"] == 2 * MIB
        shop.fake.play({"about": "waits", "rules": [{"operation": "PutObject", "nth": 1, "fault": {"delay_s": 1}}]})
        upload_id = shop.queue("film.mp4", "videos", "growing.mp4")
        wait_until(lambda: shop.api.status(upload_id)["state"] == "uploading", 10, "it has begun")
        recorder.write(os.urandom(MIB))
        recorder.flush()
        ended = shop.wait_for(upload_id, "completed", "failed")
    if ended["state"] == "completed":
        assert shop.fake.object("videos", "growing.mp4").body[:ended["size"]] == \
            (shop.files / "film.mp4").read_bytes()[:ended["size"]]
        assert ended["size"] in (2 * MIB, 3 * MIB)
    else:
        assert ended["error"]["code"] == "source_changed"

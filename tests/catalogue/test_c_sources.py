"""C28–C34: a source is judged by its content where its times lie."""

import ctypes
import errno
import fcntl
import mmap
import os
import signal
import threading
import time

import pytest

from forms import refused
from support import KIB, MIB, build_dir, make_file, sha256, wait_until

PART = 16 * MIB
SIZE = 5 * PART + 1000


def linked(path):
    os.link(path, path.with_name("another name.mp4"))


def mode_changed(path):
    path.chmod(0o640)


def owner_set_again(path):
    os.chown(path, os.geteuid(), os.getegid())


def renamed(path):
    (path.parent / "done").mkdir()
    path.rename(path.parent / "done" / path.name)


def backed_up(path):
    """As backup tools do that put the time of the last access back."""
    times = path.stat()
    path.read_bytes()
    os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))


TOUCHES = [linked, mode_changed, owner_set_again, renamed, backed_up]


@pytest.fixture
def slow(new_site, fake):
    """A site that sends one part at a time, the first two slowly; `touch` is for the time between them."""
    site = new_site(parts=1)
    fake.play({"about": "slow", "rules": [{"operation": "UploadPart", "nth": [1, 2, 3], "fault": {"delay_s": 0.5}}]})
    site.use(fake, "videos")
    return site


def parts_sent(fake) -> int:
    return len(fake.seen("UploadPart"))


@pytest.mark.parametrize("touch", TOUCHES)
def test_C28_a_touch_while_it_is_sent_costs_nothing(slow, fake, touch):
    path = slow.files / "film.mp4"
    digest = make_file(path, SIZE)
    upload_id = slow.queue("film.mp4", "videos")
    wait_until(lambda: fake.seen("UploadPart"), 20, "the first part is under way")
    touch(path)
    upload = slow.wait_for(upload_id, "completed", within_s=60)
    assert sha256(fake.object("videos", "film.mp4").body) == digest
    assert upload["attempts"] == 1 and upload["error"] is None
    assert parts_sent(fake) == 6 and len(fake.seen("CreateMultipartUpload")) == 1, "nothing is sent twice"


def test_C28_one_that_is_touched_all_the_time(slow, fake):
    path = slow.files / "film.mp4"
    digest = make_file(path, SIZE)
    stop = threading.Event()

    def touch():
        while not stop.wait(0.02):
            mode_changed(path)

    toucher = threading.Thread(target=touch)
    toucher.start()
    try:
        upload = slow.wait_for(slow.queue("film.mp4", "videos"), "completed", within_s=60)
        make_file(slow.files / "small.mp4", 300 * KIB)
        slow.wait_for(slow.queue("small.mp4", "videos"), "completed")
    finally:
        stop.set()
        toucher.join()
    assert sha256(fake.object("videos", "film.mp4").body) == digest
    assert upload["attempts"] == 1 and parts_sent(fake) == 6


def killed_after_three_parts(site, fake):
    """An upload of film.mp4 whose daemon is dead; three parts are at the store. Returns its id and its file's digest."""
    fake.play({"about": "holds", "rules": [{"operation": "UploadPart", "if_part_above": 3, "fault": {"hold": True}}]})
    path = site.files / "film.mp4"
    digest = make_file(path, SIZE)
    upload_id = site.queue("film.mp4", "videos")
    wait_until(lambda: site.api.status(upload_id)["bytes_sent"] == 3 * PART, 30, "three parts are recorded")
    site.server.kill9()
    fake.play({"about": "no fault", "rules": []})
    return upload_id, digest


@pytest.mark.parametrize("touch", [linked, mode_changed, backed_up])
def test_C29_a_touch_between_two_attempts_costs_nothing(slow, fake, touch):
    upload_id, digest = killed_after_three_parts(slow, fake)
    touch(slow.files / "film.mp4")
    slow.server.start()
    slow.wait_for(upload_id, "completed", within_s=60)
    assert sha256(fake.object("videos", "film.mp4").body) == digest
    assert len(fake.seen("UploadPart", stored=True)) == 6 and len(fake.seen("CreateMultipartUpload")) == 1


@pytest.mark.parametrize("where", [0, 2 * PART, 4 * PART], ids=["first part", "last part sent", "not sent"])
def test_C29_a_rewrite_between_two_attempts_that_puts_the_times_back(slow, fake, where):
    """Whether the rewritten bytes were sent already or not: the object is the new version, as a whole."""
    upload_id, _ = killed_after_three_parts(slow, fake)
    rewrite(slow.files / "film.mp4", where)
    slow.server.start()
    slow.wait_for(upload_id, "completed", within_s=60)
    assert fake.object("videos", "film.mp4").body == (slow.files / "film.mp4").read_bytes()
    assert not fake.open_uploads()


def test_C29_a_renamed_file_is_not_looked_for_elsewhere(slow, fake):
    upload_id, _ = killed_after_three_parts(slow, fake)
    renamed(slow.files / "film.mp4")
    slow.server.start()
    assert slow.wait_for(upload_id, "failed")["error"]["code"] == "source_missing"
    wait_until(lambda: not fake.open_uploads(), 20, "nothing is left open")


def rewrite(path, where: int, size: int = 1000) -> None:
    """Other bytes of the same size, and the times put back."""
    times = path.stat()
    with open(path, "r+b") as out:
        out.seek(where)
        out.write(os.urandom(size))
    os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))


@pytest.mark.parametrize("where", [0, 4 * PART], ids=["sent", "not sent"])
@pytest.mark.parametrize("then", [lambda path: None, linked, lambda path: path.unlink()], ids=["", "linked", "deleted"])
def test_C30_a_rewrite_that_puts_the_times_back(slow, fake, where, then):
    path = slow.files / "film.mp4"
    make_file(path, SIZE)
    upload_id = slow.queue("film.mp4", "videos")
    wait_until(lambda: parts_sent(fake) >= 2, 20, "the first part is there")
    rewrite(path, where)
    now = path.read_bytes()
    then(path)
    upload = slow.wait_for(upload_id, "completed", "failed", within_s=60)
    if upload["state"] == "completed":
        assert fake.object("videos", "film.mp4").body == now
    else:
        assert upload["error"]["code"] == "source_missing" and not path.exists() and not fake.has_object("videos", "film.mp4")
    wait_until(lambda: not fake.open_uploads(), 20, "nothing is left open")


def test_C30_the_expected_checksum_is_that_of_what_was_sent(slow, fake):
    """It was right when it was checked. Then bytes changed that were not sent yet, and the times were put back."""
    path = slow.files / "film.mp4"
    digest = make_file(path, SIZE)
    upload_id = slow.queue("film.mp4", "videos", checksum=f"sha256:{digest}")
    wait_until(lambda: parts_sent(fake) >= 2, 20, "the first part is there")
    rewrite(path, 4 * PART)
    assert slow.wait_for(upload_id, "failed", within_s=60)["error"]["code"] == "source_mismatch"
    assert not fake.has_object("videos", "film.mp4")
    wait_until(lambda: not fake.open_uploads(), 20, "nothing is left open")


@pytest.mark.parametrize("quiet_s", [0, 1])
def test_C31_one_that_changes_again_and_again_is_waited_for(new_site, fake, quiet_s):
    """It is sent once it is left alone. What is written while it is sent costs no attempt."""
    site = new_site(parts=1, quiet_s=quiet_s)
    fake.play({"about": "slow", "rules": [{"operation": "UploadPart", "fault": {"delay_s": 0.3}}]})
    site.use(fake, "videos")
    path = site.files / "film.mp4"
    make_file(path, SIZE)
    os.utime(path, (1, 1))
    upload_id = site.queue("film.mp4", "videos")
    for _ in range(4):
        seen = parts_sent(fake)
        wait_until(lambda: parts_sent(fake) > seen, 30, "a part is under way")
        make_file(path, SIZE, in_place=True)
        os.utime(path, (1, time.time() - 60))
    upload = site.wait_for(upload_id, "completed", within_s=90)
    assert upload["attempts"] == 1
    assert fake.object("videos", "film.mp4").body == path.read_bytes() and not fake.open_uploads()


def test_C31_one_that_never_ends_to_change_fails_when_the_wait_is_over(site, fake):
    site.server.stop()
    text = site.server.config.read_text()
    site.server.config.write_text(text.replace("[worker]", "[worker]\nsource_wait_s = 1"))
    site.server.start()
    site.use(fake, "videos")
    path = site.files / "film.mp4"
    make_file(path, SIZE)
    stop = threading.Event()

    def write():
        while not stop.wait(0.02):
            with open(path, "r+b") as out:
                out.write(os.urandom(10))

    writer = threading.Thread(target=write)
    writer.start()
    try:
        upload = site.wait_for(site.queue("film.mp4", "videos"), "failed", within_s=60)
    finally:
        stop.set()
        writer.join()
    assert upload["error"]["code"] == "source_changed" and not fake.has_object("videos", "film.mp4")
    wait_until(lambda: not fake.open_uploads(), 20, "nothing is left open")


@pytest.mark.parametrize("seconds", [2**33, 2**33 + 2**32, -2**31, -1, 0], ids=str)
def test_C32_times_far_away(site, fake, seconds):
    """Beyond 2262, where nanoseconds leave 64 bits, and before 1970."""
    site.use(fake, "videos")
    path = site.files / "film.mp4"
    digest = make_file(path, SIZE)
    os.utime(path, ns=(seconds * 10**9, seconds * 10**9))
    site.wait_for(site.queue("film.mp4", "videos"), "completed")
    assert sha256(fake.object("videos", "film.mp4").body) == digest
    listed, = site.api.call("files.list", path="sestore4/jb").data
    assert listed["modified"] == int(path.stat().st_mtime)


def test_C32_the_last_time_of_all(new_site, fake, mount):
    site = new_site(storage="cross_mounts = true", quiet_s=3600)
    site.use(fake, "videos")
    (site.files / "disk").mkdir()
    mount("-t", "tmpfs", "tmpfs", site.files / "disk")
    path = site.files / "disk/film.mp4"
    digest = make_file(path, SIZE)
    libc = ctypes.CDLL(None, use_errno=True)
    of_now_in_64_bits = int(time.time()) + 2**64 // 10**9
    for seconds in (of_now_in_64_bits, 2**63 - 1, -2**62):
        times = (ctypes.c_int64 * 4)(seconds, 999_999_999, seconds, 999_999_999)
        assert libc.utimensat(-100, os.fsencode(path), times, 0) == 0, ctypes.get_errno()
        site.wait_for(site.queue("disk/film.mp4", "videos", f"{seconds}"), "completed")
        assert sha256(fake.object("videos", f"{seconds}").body) == digest
        assert site.api.call("files.list", path="sestore4/jb/disk").ok


@pytest.fixture
def reluctant(site, fake):
    """`site.refuse(errno, times)`: so many of the next opens of files fail with it."""
    site.use(fake, "videos")
    make_file(site.files / "film.mp4", KIB)
    site.server.stop()
    site.server.environment = {"LD_PRELOAD": str(build_dir() / "librefusing_open.so"),
                               "REFUSING_ROOT": str(site.server.storage), "REFUSING_FILE": str(site.server.folder / "refuse")}
    site.server.start()
    site.refuse = lambda number, times: (site.server.folder / "refuse").write_text(f"{number} {times}")
    return site


TRANSIENT = ["EAGAIN", "ETXTBSY", "EINTR", "ESTALE"]


@pytest.mark.parametrize("name", TRANSIENT)
def test_C33_an_open_that_is_refused_for_a_moment(reluctant, fake, name):
    reluctant.refuse(getattr(errno, name), 3)
    reluctant.wait_for(reluctant.queue("film.mp4", "videos"), "completed")


@pytest.mark.parametrize("name", TRANSIENT)
def test_C33_an_open_that_is_refused_for_long(reluctant, fake, name):
    """The file is told as busy, not the storage as unavailable; an upload that is queued waits for it."""
    fake.play({"about": "waits", "rules": [{"operation": "PutObject", "fault": {"hold": True}}]})
    for number in range(4):
        reluctant.queue("film.mp4", "videos", f"{number}")
    wait_until(lambda: len(fake.seen("PutObject")) == 4, 10, "four are under way")
    waiting = reluctant.queue("film.mp4", "videos", "waiting")
    reluctant.refuse(getattr(errno, name), 1000000)
    refused(reluctant.api.upload("sestore4/jb/film.mp4", "x", "videos"), "2002", "film.mp4", "try again")
    assert reluctant.api.call("files.getstorage").data[0]["available"]
    fake.play({"about": "no fault", "rules": []})
    tried = wait_until(lambda: (one := reluctant.api.status(waiting))["error"] and one, 20, "it is tried")
    assert (tried["state"], tried["error"]["code"]) == ("queued", "source_busy"), tried
    assert tried["attempts"] == 1 and tried["next_attempt"]
    reluctant.refuse(0, 0)
    assert reluctant.wait_for(waiting, "completed", within_s=30)["attempts"] == 1


def test_C33_a_file_that_another_program_holds_by_a_lease(site, fake):
    """As file servers for Windows clients do; an open with O_NONBLOCK gets EAGAIN until the lease is given back."""
    site.use(fake, "videos")
    path = site.files / "film.mp4"
    make_file(path, KIB)
    holder = os.open(path, os.O_RDWR)
    before = signal.signal(signal.SIGIO, signal.SIG_IGN)
    try:
        fcntl.fcntl(holder, fcntl.F_SETLEASE, fcntl.F_WRLCK)
        refused(site.api.upload("sestore4/jb/film.mp4", "x", "videos"), "2002", "film.mp4", "try again")
        fcntl.fcntl(holder, fcntl.F_SETLEASE, fcntl.F_UNLCK)
        site.wait_for(site.queue("film.mp4", "videos"), "completed")
    finally:
        os.close(holder)
        signal.signal(signal.SIGIO, before)


@pytest.fixture
def on_file_system(new_site, fake, mount):
    """Makes a site whose folder `disk` lies on such a file system."""

    def make(kind: str):
        site = new_site(parts=1, storage="cross_mounts = true")
        site.use(fake, "videos")
        disk = site.files / "disk"
        disk.mkdir()
        if kind == "tmpfs":
            mount("-t", "tmpfs", "tmpfs", disk)
        if kind == "overlay":
            layers = [site.server.folder / name for name in ("lower", "upper", "work")]
            for one in layers:
                one.mkdir()
            mount("-t", "overlay", "overlay", "-o", "lowerdir={},upperdir={},workdir={}".format(*layers), disk)
        return site

    return make


@pytest.mark.parametrize("again", [False, True], ids=["once", "all the time"])
@pytest.mark.parametrize("kind", ["ext4", "overlay", "tmpfs"])
def test_C34_stores_into_a_mapped_dirty_page(on_file_system, fake, kind, again):
    """They move no times until the page is written back: the object is one version all the same."""
    site = on_file_system(kind)
    fake.play({"about": "slow", "rules": [{"operation": "UploadPart", "nth": [1, 2], "fault": {"delay_s": 0.5}}]})
    path = site.files / "disk/film.mp4"
    make_file(path, SIZE)
    with open(path, "r+b") as file, mmap.mmap(file.fileno(), SIZE) as pages:
        def store():
            stamp = os.urandom(16)
            pages[:16] = stamp
            pages[-16:] = stamp

        store()  # now both pages are dirty
        upload_id = site.queue("disk/film.mp4", "videos")
        wait_until(lambda: parts_sent(fake) >= 2, 20, "the first part is there")
        store()
        stop = threading.Event()

        def store_all_the_time():
            while again and not stop.wait(0.001):
                store()

        writer = threading.Thread(target=store_all_the_time)
        writer.start()
        if again:
            waiting = wait_until(lambda: (one := site.api.status(upload_id))["error"] and one, 60, "it waits")
            assert (waiting["state"], waiting["error"]["code"]) == ("queued", "source_changed"), waiting
            assert not fake.has_object("videos", "disk/film.mp4")
            stop.set()
        writer.join()
        site.wait_for(upload_id, "completed", within_s=60)
    assert fake.object("videos", "disk/film.mp4").body == path.read_bytes()
    assert not fake.open_uploads()

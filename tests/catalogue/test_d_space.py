"""The database's disk is small, and full: no log of ours keeps it full, a start works, and nothing acknowledged is lost."""

import contextlib
import os
import shutil
import subprocess

import pytest

from support import KIB, MIB, make_file


@pytest.fixture(params=[1024, 4096], ids=["blocks of 1 KiB", "blocks of 4 KiB"])
def place(request, new_site, fake, mount):
    """A site whose database lies on a file system of 40 MiB; site.disk is where."""
    site = new_site()
    site.server.stop()
    image, site.disk = site.server.folder / "image", site.server.folder / "disk"
    site.disk.mkdir()
    with open(image, "wb") as made:
        made.truncate(40 * MIB)
    subprocess.run(["mkfs.ext4", "-q", "-m", "0", "-b", str(request.param), image], check=True)
    try:
        mount("-o", "loop", image, site.disk)
    except subprocess.CalledProcessError:
        # Without loop devices. It can be full too, only its blocks are pages.
        mount("-t", "tmpfs", "-o", f"size={40 * MIB}", "tmpfs", site.disk)
    for name in ("vodlift.db", "vodlift.db.mark", "master.key"):
        shutil.copy(site.server.folder / name, site.disk / name)
    site.server.store = site.disk / "vodlift.db"
    site.server.configure()
    site.server.start()
    site.use(fake, "videos")
    make_file(site.files / "film.mp4", KIB)
    yield site
    if site.server.process:
        site.server.stop()


def fill(folder, leave: int = 0) -> None:
    with contextlib.suppress(OSError), open(folder / "filler", "wb", buffering=0) as filler:
        about = os.statvfs(folder)
        for _ in range(max(0, (about.f_bavail * about.f_frsize - leave) // KIB)):
            filler.write(bytes(KIB))
        while leave == 0:
            filler.write(bytes(KIB))


def take_until_refused(site, most: int = 20_000) -> list[int]:
    taken = []
    while len(taken) < most and (answer := site.api.upload("sestore4/jb/film.mp4", f"film-{len(taken)}", "videos")).ok:
        taken.append(answer.data)
    return taken


def test_D66_a_full_disk_ends_no_process_and_is_left_again(place, fake):
    """Also where a block is smaller than a page of memory, and the log's index is mapped. What was queued goes on meanwhile."""
    fake.play({"about": "slow", "rules": [{"operation": "PutObject", "fault": {"hold": True}}]})
    fill(place.disk, leave=2 * MIB)
    taken = take_until_refused(place)
    assert taken and place.server.process.poll() is None, place.server.logs()[-2000:]
    fake.play({"about": "no fault", "rules": []})
    place.server.kill9()
    place.server.start()
    for upload_id in taken[:20]:
        place.wait_for(upload_id, "completed", within_s=60)
    (place.disk / "filler").unlink()
    for upload_id in taken[-20:]:
        place.wait_for(upload_id, "completed", within_s=60)
    assert place.api.upload("sestore4/jb/film.mp4", "after", "videos").ok


def test_D66_the_disk_is_full_at_the_start(place, fake):
    fake.play({"about": "slow", "rules": [{"operation": "PutObject", "fault": {"hold": True}}]})
    taken = [place.queue("film.mp4", "videos", f"film-{number}") for number in range(100)]
    place.server.kill9()
    fake.play({"about": "no fault", "rules": []})
    fill(place.disk)
    place.server.start()
    for upload_id in taken:
        place.wait_for(upload_id, "completed", within_s=60)
    assert not place.api.upload("sestore4/jb/film.mp4", "after", "videos").ok, "the reserve is for what was taken"
    (place.disk / "filler").unlink()
    assert place.api.upload("sestore4/jb/film.mp4", "after", "videos").ok


def test_D67_our_own_log_does_not_fill_the_disk(place, fake):
    """Load without a pause, as much as the disk has room for in the log alone: the log is emptied before that."""
    for round_ in range(1500):
        answer = place.api.upload("sestore4/jb/film.mp4", f"film-{round_}", "videos")
        assert answer.ok, (round_, answer, place.server.logs()[-1000:])
    log = place.server.store.with_name("vodlift.db-wal")
    assert log.stat().st_size < 20 * MIB


def test_D67_the_reserve_is_given_up_and_made_again(place, fake):
    reserve = place.server.store.with_name("vodlift.db.ballast")
    assert reserve.stat().st_size == MIB
    taken = [place.queue("film.mp4", "videos", f"film-{number}") for number in range(5)]
    fill(place.disk)
    taken += take_until_refused(place)
    assert not reserve.exists()
    for upload_id in taken[-20:]:
        place.wait_for(upload_id, "completed", within_s=30)
    (place.disk / "filler").unlink()
    assert place.api.upload("sestore4/jb/film.mp4", "after", "videos").ok
    assert reserve.stat().st_size == MIB

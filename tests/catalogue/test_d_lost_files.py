"""Files of the database that are damaged, cut short, lost or another one's: nothing acknowledged goes without a word, and no id
is given twice."""

import os
import pathlib
import random
import shutil
import sqlite3
import subprocess

import pytest

from support import binary, make_file

UPLOADS = 30


@pytest.fixture
def place(new_site, fake):
    """A site whose uploads wait; the newest are in the log only, which the server left behind."""
    site = new_site()
    site.use(fake, "videos")
    make_file(site.files / "film.mp4", 1000)
    site.server.restart()  # the account is in the file
    fake.play({"about": "slow", "rules": [{"operation": "PutObject", "fault": {"hold": True}}]})
    site.ids = [site.queue("film.mp4", "videos", f"{number}.mp4") for number in range(UPLOADS)]
    site.server.kill9()
    fake.play({"about": "no fault", "rules": []})
    site.log = beside(site, "-wal")
    return site


def beside(site, ending: str) -> pathlib.Path:
    return site.server.store.with_name(site.server.store.name + ending)


def vodlift(site, *arguments) -> subprocess.CompletedProcess:
    return subprocess.run([binary(), *arguments, "--config", site.server.config], capture_output=True, text=True, timeout=60,
                          env={"PATH": os.defpath})


def files_of(site) -> dict[str, bytes]:
    kept = {path.name: path.read_bytes() for path in site.server.folder.iterdir() if path.is_file()}
    return {name: data for name, data in kept.items() if not name.endswith((".lock", "-shm")) and not name.startswith("std")}


def refused(site, word: str) -> str:
    before = files_of(site)
    done = vodlift(site, "serve")
    assert done.returncode in (1, 2), done
    assert word in done.stderr, done.stderr
    assert files_of(site) == before, "nothing is touched"
    return done.stderr


def damage(log: pathlib.Path, kind: str, seed: int) -> None:
    """In the second half of the log, where uploads are."""
    data = bytearray(log.read_bytes())
    at = random.Random(seed).randrange(len(data) // 2, len(data) - 4096)
    if kind == "bit":
        data[at] ^= 1 << seed % 8
    elif kind == "sector":
        at -= at % 512
        data[at:at + 512] = bytes(byte ^ 0xa5 for byte in data[at:at + 512])
    elif kind == "cut":
        del data[at:]
    elif kind == "emptied":
        data.clear()
    elif kind == "header":
        data[seed % 32] ^= 1
    log.write_bytes(data)
    if kind == "deleted":
        log.unlink()


@pytest.mark.parametrize("seed", [3, 4])
@pytest.mark.parametrize("kind", ["bit", "sector", "cut", "emptied", "header", "deleted"])
def test_D55_a_damaged_log_is_refused_and_no_id_is_given_twice(place, kind, seed):
    whole = place.log.read_bytes()
    damage(place.log, kind, seed)
    told = refused(place, "accept-loss")
    assert str(place.log) in told
    if seed == 3:  # the right log is put back
        place.log.write_bytes(whole)
        place.server.start()
        assert {one["id"] for one in place.api.all()} == set(place.ids)
        assert place.queue("film.mp4", "videos", "next.mp4") == max(place.ids) + 1
        return
    done = vodlift(place, "accept-loss")
    assert done.returncode == 0, done
    assert beside(place, "-wal.aside-1").exists() == (kind not in ("deleted", "emptied")), "what there is of it is kept"
    place.server.start()
    left = {one["id"] for one in place.api.all()}
    assert left < set(place.ids), "some are lost, as was accepted"
    assert place.queue("film.mp4", "videos", "next.mp4") > max(place.ids)


def test_D56_a_log_of_another_database_is_refused(place, new_site):
    other = new_site()
    other.server.kill9()
    shutil.copy(beside(other, "-wal"), place.log)
    refused(place, "not the log of this database")


def moved(site, *endings: str) -> None:
    """The database lies on another volume now, with these of its files, and a link leads to it."""
    volume = site.server.folder / "volume"
    volume.mkdir()
    for ending in ("", *endings):
        beside(site, ending).rename(volume / f"moved.db{ending}")
    site.server.store.symlink_to(volume / "moved.db")


def test_D56_a_link_to_the_database_is_as_good_as_the_file(place):
    moved(place, "-wal", ".mark")
    place.log = place.server.folder / "volume/moved.db-wal"
    whole = place.log.read_bytes()
    for kind in ("bit", "cut", "deleted"):
        damage(place.log, kind, 5)
        refused(place, "accept-loss")
        place.log.write_bytes(whole)
    place.server.start()
    assert {one["id"] for one in place.api.all()} == set(place.ids)
    place.server.kill9()
    place.log.unlink()
    refused(place, "accept-loss")


@pytest.mark.parametrize("left, taken_along", [("-wal", [".mark"]), (".mark", ["-wal"]), ("-wal", [])])
def test_D56_what_was_left_behind_when_the_database_was_moved(place, left, taken_along):
    moved(place, *taken_along)
    assert str(beside(place, left)) in refused(place, "beside the link")


@pytest.mark.parametrize("left", ["-wal", ".mark", "master.key", "audit.log"])
@pytest.mark.parametrize("database", ["absent", "empty"])
def test_D57_a_missing_database_is_no_first_start(place, left, database):
    keep = place.server.folder / left if "." in left[1:] else beside(place, left)
    for path in [*place.server.folder.glob("vodlift.db*"), place.server.folder / "master.key", place.server.folder / "audit.log"]:
        if path != keep:
            path.unlink(missing_ok=True)
    if database == "empty":
        place.server.store.touch()
    assert keep.stat().st_size > 0
    assert str(keep) in refused(place, "no first start")


def test_D58_after_init_an_unmounted_volume_is_refused(new_site):
    site = new_site()
    site.server.stop()
    volume = site.server.folder / "volume"
    volume.mkdir()
    site.server.store = volume / "vodlift.db"
    site.server.configure(server=f'master_key_file = "{volume}/master.key"', extra=f'[audit]\npath = "{volume}/audit.log"')
    done = vodlift(site, "init")
    assert done.returncode == 0 and str(site.server.store) in done.stdout, done
    assert vodlift(site, "init").returncode == 0, "it may be run again"
    site.server.start()
    site.server.stop()
    volume.rename(volume.with_name("elsewhere"))
    volume.mkdir()
    refused(site, "no first start")
    assert not list(volume.iterdir()), "nothing is made"
    assert vodlift(site, "init").returncode == 2
    assert not list(volume.iterdir())


@pytest.mark.parametrize("seed", range(12))
def test_D65_a_bit_in_an_index_is_found_and_mended(new_site, fake, seed):
    """A start serves, with every upload carried out, or it refuses; the log says what was rebuilt."""
    site = new_site()
    site.use(fake, "videos")
    make_file(site.files / "film.mp4", 1000)
    fake.play({"about": "slow", "rules": [{"operation": "PutObject", "fault": {"hold": True}}]})
    ids = [site.queue("film.mp4", "videos", f"{number}.mp4") for number in range(60)]
    site.server.stop()
    fake.play({"about": "no fault", "rules": []})
    flip_in_index(site.server.store, random.Random(seed))
    try:
        site.server.start()
    except AssertionError:
        site.server.process = None
        assert "damaged" in site.server.logs(), site.server.logs()[-1000:]
        return
    for upload_id in ids:
        site.wait_for(upload_id, "completed", within_s=30)
    assert "the database refused" not in site.server.logs(), site.server.logs()[-2000:]


def flip_in_index(database: pathlib.Path, chance: random.Random) -> None:
    """One bit of a key in a leaf of one of the queue's indexes."""
    with sqlite3.connect(f"file:{database}?mode=ro&immutable=1", uri=True) as opened:
        roots = [root for (root,) in opened.execute(
            "SELECT rootpage FROM sqlite_schema WHERE type = 'index' AND tbl_name IN ('uploads', 'callbacks') AND rootpage > 0")]
    data = bytearray(database.read_bytes())
    filled = [root for root in roots if data[(root - 1) * 4096] == 0x0A and int.from_bytes(data[(root - 1) * 4096 + 3:][:2], "big")]
    page = (chance.choice(filled) - 1) * 4096
    begin = int.from_bytes(data[page + 5:page + 7], "big")
    data[page + chance.randrange(begin, 4096)] ^= 1 << chance.randrange(8)
    database.write_bytes(data)

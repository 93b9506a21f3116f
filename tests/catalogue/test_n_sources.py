"""Files of one account whose reads hang do not hold up those of others on the same storage."""

import os

import pytest

from api_client import ApiClient
from support import KIB, MIB, build_dir, make_file, sha256, wait_until


def make_cold(path, size: int) -> str:
    """A file that is on the disk and not in memory, so that reading it needs the disk."""
    digest = make_file(path, size)
    with open(path, "rb") as file:
        os.fsync(file.fileno())
        os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
    return digest


@pytest.fixture
def robot(new_site, fake):
    """A storage where reading a file `jb/tape…` hangs as long as the file `robot.switch` is there. `robot.other` is another
    account on it, with files `kc/film-N.mp4` that are not in memory."""
    site = new_site(uploads=8)
    site.use(fake, "videos")
    site.server.stop()
    site.switch = site.server.folder / "hangs"
    site.server.environment = {"LD_PRELOAD": str(build_dir() / "libhanging_storage.so"), "HANGING_READS_ONLY": "1",
                               "HANGING_ROOT": str(site.files / "tape"), "HANGING_SWITCH": str(site.switch)}
    site.server.start()
    site.server.add_account(7, "kc")
    key = site.server.add_key(7)
    site.server.add_bucket("videos", fake.endpoint, fake.access_key, fake.secret_key, cdn=7)
    site.other = ApiClient(site.server.url, key.api_key, key.secret, cdn=7)
    yield site
    site.switch.unlink(missing_ok=True)


@pytest.mark.parametrize("size", [300 * KIB, 17 * MIB], ids=["whole", "in parts"])
def test_N09_files_whose_reads_hang(robot, fake, size):
    tapes = {f"tape-{number}.mp4": make_file(robot.files / f"tape-{number}.mp4", size) for number in range(6)}
    films = {f"film-{number}.mp4": make_cold(robot.server.storage / "kc" / f"film-{number}.mp4", size) for number in range(6)}
    robot.switch.touch()
    hanging = [robot.queue(name, "videos") for name in tapes]
    wait_until(lambda: all(one["state"] == "uploading" for one in robot.api.all()), 20, "they are read")
    mine = {name: robot.other.upload(f"sestore4/kc/{name}", name, "videos").data for name in films}

    def all_completed():
        there = [robot.other.status(upload_id) for upload_id in mine.values()]
        assert not any(one["error"] for one in there), there
        return all(one["state"] == "completed" for one in there)

    wait_until(all_completed, 60, "the other account's files are sent")
    told = wait_until(lambda: (those := robot.api.all()) and all(one["error"] for one in those) and those, 60, "they are told")
    for one in told:
        assert (one["state"], one["error"]["code"]) == ("queued", "storage_unavailable"), one
    assert robot.api.call("files.getstorage").data[0]["available"]
    for name in films:
        make_cold(robot.server.storage / "kc" / name, size)
        again = robot.other.upload(f"sestore4/kc/{name}", f"again-{name}", "videos").data
        wait_until(lambda: robot.other.status(again)["state"] == "completed", 30, "others' files are sent while they hang")
        assert robot.other.status(again)["attempts"] == 1
    robot.switch.unlink()
    for upload_id, (name, digest) in zip(hanging, tapes.items()):
        robot.wait_for(upload_id, "completed", within_s=120)
        assert sha256(fake.object("videos", name).body) == digest

"""Files at the bounds of what 10,000 parts hold. They are sparse files in memory, which cost nothing."""

import pathlib
import tempfile

import pytest

from support import MIB, wait_until

GIB = 1024 * MIB
MOST = 10_000 * 5 * GIB  # 48.8 TiB


@pytest.fixture
def sparse():
    """Makes a file of `size` bytes beneath a folder in memory, and gives the folder."""
    with tempfile.TemporaryDirectory(prefix="vodlift-sparse-", dir="/dev/shm") as folder:
        def make(size: int) -> pathlib.Path:
            path = pathlib.Path(folder) / "jb/film.mp4"
            path.parent.mkdir(exist_ok=True)
            with open(path, "wb") as file:
                file.truncate(size)
            return pathlib.Path(folder)

        yield make


def site_of(new_site, fake, root):
    site = new_site(parts=1, uploads=1, extra=f'[[storage]]\nname = "sestore5"\nroot = "{root}"')
    site.use(fake, "videos")
    return site


@pytest.mark.parametrize("size,part", [
    (10_000 * 16 * MIB, 16 * MIB), (10_000 * 16 * MIB + 1, 17 * MIB), (10_000 * 16 * MIB - 1, 16 * MIB)],
    ids=["at 10,000 parts", "one byte above", "one byte below"])
def test_D49_parts_grow_where_there_would_be_more_than_ten_thousand(new_site, fake, sparse, size, part):
    site = site_of(new_site, fake, sparse(size))
    fake.play({"about": "parts get no answer", "rules": [{"operation": "UploadPart", "fault": {"hold": True}}]})
    answer = site.api.upload("sestore5/jb/film.mp4", "film.mp4", "videos")
    assert answer.ok, answer
    sent = wait_until(lambda: fake.seen("UploadPart"), 60, "a part is under way")[0]
    assert sent.content_bytes == part
    assert -(-size // part) <= 10_000
    assert site.api.call("aws.cancel", id=answer.data).ok
    site.wait_for(answer.data, "cancelled", within_s=20)


def test_D49_the_largest_object_and_one_byte_more(new_site, fake, sparse):
    root = sparse(MOST + 1)
    site = site_of(new_site, fake, root)
    fake.play({"about": "parts are lost", "rules": [{"operation": "UploadPart", "fault": {"drop": "before_body"}}]})
    refused = site.api.upload("sestore5/jb/film.mp4", "film.mp4", "videos")
    assert refused.code == "2001" and str(MOST) in refused.message, refused
    sparse(MOST)
    answer = site.api.upload("sestore5/jb/film.mp4", "film.mp4", "videos", priority=6)
    assert answer.ok, answer
    sent = wait_until(lambda: fake.seen("UploadPart"), 90, "a part is under way")[0]
    assert sent.content_bytes == 5 * GIB
    assert site.api.call("aws.cancel", id=answer.data).ok
    site.wait_for(answer.data, "cancelled", within_s=60)

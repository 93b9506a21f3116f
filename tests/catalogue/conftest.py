"""What the rows share."""

import re

import pytest

from fake_s3 import FakeS3
from server import Site
from support import KIB, make_file

PEAK_KIB = 96 * KIB  # far above what an idle server needs, far below what it could be talked into


def peak_kib(site) -> int:
    with open(f"/proc/{site.server.process.pid}/status") as status:
        return int(re.search(r"VmHWM:\s+(\d+) kB", status.read())[1])


def ids(site) -> list[int]:
    return [one["id"] for one in site.api.all()]


@pytest.fixture(scope="module")
def closed_site():
    """One for all tests of a file where nothing may get in: with a file and a bucket, so that something could."""
    site = Site()
    try:
        with FakeS3() as fake:
            fake.create_bucket("videos")
            site.use(fake, "videos")
            make_file(site.files / "film.mp4", KIB)
            yield site
    finally:
        site.close()


@pytest.fixture
def guarded(closed_site):
    """The same, and after each test no upload has come, the server answers, and it never needed much memory."""
    before = ids(closed_site)
    yield closed_site
    assert ids(closed_site) == before
    assert peak_kib(closed_site) < PEAK_KIB

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
    """One site for all tests of a file in which no upload may be queued. It has a file and a bucket, so that one could be."""
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
    """The same. After each test it checks that no upload was queued, that the server answers, and that it used little memory."""
    before = ids(closed_site)
    yield closed_site
    assert ids(closed_site) == before
    assert peak_kib(closed_site) < PEAK_KIB

"""Fixtures of the tests of sdk/, which are in two files."""

import pytest

from fake_s3 import FakeS3
from sdk_programs import LANGUAGES, Programs
from server import Key, Site
from support import KIB, make_file


@pytest.fixture(scope="module")
def sdk_site():
    """A site with a bucket and a file, for all tests of a file."""
    with FakeS3() as fake:
        fake.create_bucket("videos")
        site = Site()
        site.use(fake, "videos")
        make_file(site.files / "fïlm 1+2.mp4", KIB)
        yield site
        site.close()


@pytest.fixture(scope="module")
def programs(sdk_site, tmp_path_factory):
    """At the end, what the programs printed is searched for every secret."""
    all_of_them = Programs(tmp_path_factory.mktemp("sdk"))
    yield all_of_them
    for secret in sdk_site.server.secrets:
        assert secret.removeprefix("whsec_") not in all_of_them.printed, f"a program printed a secret: {secret[:7]}…"


@pytest.fixture(params=LANGUAGES)
def sdk(request, programs, sdk_site):
    """sdk(*calls, …): what a client in this language says, of the site, or of another url or key."""
    def run(*calls, url: str = "", key: Key = sdk_site.key, **options) -> list[dict]:
        return programs.run(request.param, url or f"{sdk_site.server.url}/stable/", key, *calls, **options)

    run.language = request.param
    return run

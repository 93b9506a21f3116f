"""Every code that docs/api.md lists, from the running server, as JSON and serialized. A code that is new there fails here
until there is a call that gets it."""

import re

import pytest

from api_client import Answer, hmac_base64, sign
from fake_s3 import FakeS3
from php_text import json_encode, serialize
from server import Site
from support import ROOT, make_file, wait_until

ENCODINGS = {"json": "application/json", "php": "application/vnd.php.serialized"}
UPLOAD = {"path": "sestore4/jb/film.mp4", "destination_path": "film.mp4", "bucket": "videos", "metadata": {},
          "acl": "private", "callback": ""}

# How a call differs from an upload that would be accepted (None: without this field), and what its message must say.
CALLS = {
    "0000": [({"command": "aws.uplaod"}, r"aws\.uplaod"), ({"command": None}, "command is missing")],
    "0001": [({"api_key": "APX4GKLM0RKQLSP2FBO1ROPKSSW47DZE"}, "key .*cdn"), ({"cdn": 159}, "key .*cdn"),
             ({"api_key": None}, "api_key"), ({"cdn": None}, "cdn")],
    "0002": [({"timestamp": 1_700_000_000}, r"timestamp .* server's time is \d{10}"),
             ({"timestamp": None}, r"timestamp .* server's time is \d{10}")],
    "0003": [({"secret": "f" * 64}, "signature")],
    "0005": [({"permissions": "status,files,manage"}, "needs the permission upload.* ask the operator")],
    "0006": [({"destination_path": None, "bucket": None}, "destination_path, bucket$")],
    "2001": [({"acl": "everyone"}, "^acl: must be private or public-read"),
             ({"command": "aws.status", "limit": 101}, "^limit: must be a whole number, 1 to 100")],
    "2002": [({"path": "sestore4/jb/absent.mp4"}, r"sestore4/jb/absent\.mp4 does not exist"),
             ({"path": "sestore4/jb/folder"}, "sestore4/jb/folder is a directory")],
    "2003": [({"path": "sestore9/jb/film.mp4"}, "sestore9"), ({"path": "sestore{#}/jb/film.mp4"}, r"files\.getstorage")],
    "2004": [({"bucket": "other-bucket"}, "other-bucket")],
    "2005": [({"command": "aws.status", "id": 4711}, "no such upload for this account"),
             ({"command": "aws.cancel", "id": 4711}, "no such upload for this account")],
}


def signed(site, encoding: str, secret: str | None = None, permissions: str | None = None, **changed) -> str:
    """An upload with these changes, as the field `encoding` takes it; by a key of its own where permissions are named."""
    key = site.server.add_key(permissions=permissions) if permissions else site.key
    request = site.api.request(**{"command": "aws.upload", **UPLOAD, "api_key": key.api_key, **changed})
    if encoding == "json":
        return sign(request, secret or key.secret)
    return serialize(request | {"signature": hmac_base64(secret or key.secret, json_encode(request))})


def ready(site, fake) -> Site:
    site.use(fake, "videos")
    make_file(site.files / "film.mp4", 1000)
    (site.files / "folder").mkdir()
    return site


@pytest.fixture(scope="module")
def place():
    """One site for all of CALLS, none of which may get anything queued."""
    site = Site()
    try:
        with FakeS3() as fake:
            yield ready(site, fake)
            assert site.api.all() == [] and not fake.requests
    finally:
        site.close()


def expect_failure(answer: Answer, code: str, encoding: str, tells: str) -> None:
    """Fails unless it is the whole envelope of this failure, and nothing else."""
    assert (answer.http_status, answer.content_type) == (200, ENCODINGS[encoding]), answer
    assert set(answer.body) == {"message", "status", "code", "data", "handle_time"}, answer
    assert (answer.body["status"], answer.body["code"]) == ("failure", code), answer
    assert type(answer.data) is int and answer.data == 0, answer
    assert isinstance(answer.body["handle_time"], float) and answer.body["handle_time"] >= 0, answer
    assert re.search(tells, answer.message), answer


@pytest.mark.parametrize("encoding", ENCODINGS)
@pytest.mark.parametrize("code", CALLS)
def test_code(place, code, encoding):
    for changed, tells in CALLS[code]:
        expect_failure(place.api.post(signed(place, encoding, **changed), field=encoding), code, encoding, tells)


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_code_0004(new_site, fake, encoding):
    """A full disk: only the operator learns the cause. Nothing was queued, and with room again the same bytes are accepted."""
    site = ready(new_site(), fake)
    text = signed(site, encoding)
    with site.server.full_disk():
        answer = site.api.post(text, field=encoding)
        expect_failure(answer, "0004", encoding,
                       "^unexpected error; try again, and if it happens again give the operator the reference [0-9a-f]{16}$")
        assert site.api.all() == []
    reference = answer.message.split()[-1]
    line, = (line for line in site.server.logs().splitlines() if reference in line)
    assert "store_failed" in line and str(site.server.store) in line, "the log tells the operator what it was"
    again = site.api.post(text, field=encoding)
    assert again.ok and [one["id"] for one in site.api.all()] == [again.data]
    site.wait_for(again.data, "completed")


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_code_1000(new_site, encoding):
    site = new_site(extra="[limits]\nkey_requests_per_s = 1\nkey_burst = 1")

    def refused():
        answer = site.api.post(signed(site, encoding, command="files.getstorage"), field=encoding)
        return None if answer.ok else answer

    answer = wait_until(refused, 10, "a call comes before the key may make another")
    expect_failure(answer, "1000", encoding, "^more traffic than usual.*try again")


def test_all_codes_have_a_test_and_are_documented():
    section = (ROOT / "docs/api.md").read_text().split("\n## Codes\n")[1].split("\n## ")[0]
    documented = re.findall(r"^\| (\d{4}) \|", section, re.MULTILINE)
    known = set(re.findall(r'^ +ErrcInfo\{Errc::\w+, "\w+", "(\d{4})",', (ROOT / "src/base/error.cc").read_text(), re.MULTILINE))
    of_their_own = {name.removeprefix("test_code_") for name in globals() if name.startswith("test_code_")}
    assert documented == sorted(known) == sorted({*CALLS, *of_their_own})

"""Refusals that say how to correct the request: where the bucket is, what time the store has."""

import pytest

from fake_s3 import FakeS3
from support import MIB, make_file, sha256, wait_until

SIZES = pytest.mark.parametrize("size", [65536, 40 * MIB], ids=["small", "in parts"])


def upload(site, fake, size, state="completed"):
    site.use(fake, "videos")
    name = f"film-{len(fake.requests)}.mp4"  # two equal calls within a second would be one
    digest = make_file(site.files / name, size)
    upload_id = site.queue(name, "videos")
    if state == "completed":
        site.wait_for(upload_id, state, within_s=30)
        assert sha256(fake.object("videos", name).body) == digest
    return upload_id


def refusals(fake):
    return [one for one in fake.requests if one.error]


@SIZES
def test_D22_the_stores_time_is_learned_once(site, fake, size):
    fake.clock_ahead_s = 20 * 60
    upload(site, fake, size)
    assert [one.error for one in refusals(fake)] == ["RequestTimeTooSkewed"]
    upload(site, fake, size)
    assert len(refusals(fake)) == 1, "what was learned is kept"
    assert "set this machine's clock right" in site.server.logs()


def test_D22_the_clock_is_set_right_meanwhile(site, fake):
    fake.clock_ahead_s = -20 * 60
    upload(site, fake, 65536)
    fake.clock_ahead_s = 0
    upload(site, fake, 65536)
    assert [one.error for one in refusals(fake)] == ["RequestTimeTooSkewed"] * 2


@SIZES
def test_D26_the_region_is_learned_once(site, fake, size):
    fake.region = "eu-west-1"
    upload(site, fake, size)
    assert [one.error for one in refusals(fake)] == ["AuthorizationHeaderMalformed"]
    upload(site, fake, size)
    assert len(refusals(fake)) == 1, "what was learned is kept"


def redirect(**fault):
    return {"about": "redirects", "rules": [{"operation": "PutObject", "nth": "every", "fault": fault}]}


def test_D26_regions_that_go_round_in_a_ring_end_soon(site, fake):
    fake.play({"about": "ring", "rules": [
        {"operation": "PutObject", "nth": n, "fault": {
            "status": 301, "code": "PermanentRedirect",
            "headers": {"x-amz-bucket-region": f"eu-west-{n % 2 + 1}"}}} for n in range(1, 30)]})
    upload_id = upload(site, fake, 65536, state="failed")
    error = site.wait_for(upload_id, "failed")["error"]
    assert error["code"] == "s3_region" and "the bucket is in region" in error["message"]
    assert len(fake.seen("PutObject")) == 4, "three corrections, no more"


@pytest.mark.parametrize("location", ["http://evil.example/", "http://169.254.169.254/latest/", "http://127.0.0.1:1/"])
def test_D27_a_redirect_is_never_followed(site, fake, location):
    """The request, signed by the customer's credentials, goes nowhere but to the configured endpoint."""
    fake.play(redirect(status=307, code="TemporaryRedirect", headers={"location": location}))
    upload_id = upload(site, fake, 65536, state="failed")
    error = site.wait_for(upload_id, "failed")["error"]
    assert error["code"] == "s3_region" and "evil" not in error["message"]
    assert len(fake.seen("PutObject")) == 1


def test_D27_a_redirect_to_another_server_reaches_it_never(site, fake):
    with FakeS3() as other:
        other.create_bucket("videos")
        fake.play(redirect(status=301, code="PermanentRedirect",
                           headers={"location": f"{other.endpoint}/videos/film.mp4", "x-amz-bucket-region": "eu-west-1"}))
        upload_id = upload(site, fake, 65536, state="failed")
        site.wait_for(upload_id, "failed")
        wait_until(lambda: len(fake.seen("PutObject")) == 2, 5, "one correction, to the same server")
        assert not other.requests

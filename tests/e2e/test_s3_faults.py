"""Every scenario file: the upload ends as the file expects, and no multipart upload is left open."""

import hashlib
import uuid

import pytest

import s3_faults
from server import Site
from support import MIB, make_file, wait_until

SCENARIOS = sorted(path.stem for path in s3_faults.SCENARIOS.glob("*.json"))
SIZE = 40 * MIB  # three parts


@pytest.fixture(scope="module")
def place():
    """One server for all scenarios: none of them may leave it in a state that hurts the next."""
    site = Site()
    try:
        site.digests = {size: make_file(site.files / f"{size}.mp4", size) for size in (SIZE, 65536)}
        yield site
    finally:
        site.close()


def begin(site, fake, scenario, **fields):
    bucket = f"videos-{uuid.uuid4().hex[:12]}"
    fake.create_bucket(bucket)
    fake.play(scenario)
    site.use(fake, bucket)
    size = fake.scenario.upload.get("size", SIZE)
    acl = fake.scenario.upload.get("acl", "private")
    return bucket, size, site.queue(f"{size}.mp4", bucket, "film.mp4", acl=acl, **fields)


@pytest.mark.parametrize("name", SCENARIOS)
def test_scenario(place, fake, name):
    bucket, size, upload_id = begin(place, fake, name)
    expect = fake.scenario.expect
    if expect["state"] == "queued":  # it waits for the cause to be mended
        waits = wait_until(lambda: (one := place.api.status(upload_id))["state"] == "queued" and one["error"] and one, 40,
                           "it waits")
        assert waits["error"]["code"] == expect["code"] and waits["error"]["retryable"], waits
        assert waits["attempts"] == 1 and not fake.has_object(bucket, "film.mp4") and not fake.open_uploads()
        assert place.api.call("aws.cancel", id=upload_id).ok
        return
    upload = place.wait_for(upload_id, expect["state"], within_s=40)
    if expect["state"] == "completed":
        stored = fake.object(bucket, "film.mp4")
        assert hashlib.sha256(stored.body).hexdigest() == place.digests[size]
        assert not upload["error"] and upload["etag"].strip('"') == expect.get("etag", stored.etag)
        kinds = ("crc32c:",) if fake.store.checksums else ("md5:", "etag-md5:")
        assert upload["checksum"].startswith(kinds), upload["checksum"]
        if stored.checksum:
            assert upload["checksum"] == f"crc32c:{stored.checksum}"
        assert place.api.status(upload_id)["size"] == upload["bytes_sent"] == size
    else:
        error = upload["error"]
        assert error["code"] == expect["code"] and error["retryable"] is False, error
        assert bucket in error["message"] and expect.get("message_has", "") in error["message"], error
        assert not fake.has_object(bucket, "film.mp4")
    wait_until(lambda: not fake.open_uploads(), 10, "no multipart upload is left open")
    assert all(rule.seen for rule in fake.scenario.rules), "a rule of the scenario met no request: it proves nothing"
    assert len(fake.requests) <= 40, "a storm of retries"


def test_a_wrong_checksum_never_becomes_completed(place, fake):
    bucket, _, upload_id = begin(place, fake, {
        "about": "The store never confirms the CRC32C that was sent.", "upload": {"size": 65536},
        "rules": [{"operation": "PutObject", "fault": {"headers": {"x-amz-checksum-crc32c": "AAAAAA=="}}}]})
    upload = wait_until(lambda: (one := place.api.status(upload_id))["attempts"] >= 1 and one["error"] and one, 30,
                        "the first attempt is over")
    assert upload["state"] == "queued" and upload["next_attempt"] >= upload["created"]
    assert upload["error"]["code"] == "s3_integrity" and upload["error"]["retryable"] is True
    assert 2 <= len(fake.seen("PutObject")) <= 5, "a few tries an attempt"


def test_one_bad_bucket_does_not_hold_up_another(place, fake):
    """Every worker could be busy with a store that does not answer; uploads to other stores continue."""
    fake.create_bucket("healthy")
    hanging, _, first = begin(place, fake, {
        "about": "hangs", "upload": {"size": 65536},
        "rules": [{"operation": "PutObject", "nth": 1, "fault": {"hold": True}}]})
    place.use(fake, "healthy")
    wait_until(lambda: fake.seen("PutObject"), 10, "the first upload hangs")
    place.wait_for(place.queue("65536.mp4", "healthy"), "completed", within_s=10)
    assert place.api.status(first)["state"] == "uploading"
    fake.release()
    place.wait_for(first, "completed", within_s=20)
    assert fake.has_object(hanging, "film.mp4")

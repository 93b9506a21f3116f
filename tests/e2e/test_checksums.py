"""Which checksum an upload is confirmed by: the strongest that the store has, found once for each endpoint; and that what no
store confirms is read back before it counts as completed."""

import hashlib
import json

import pytest

from support import KIB, MIB, make_file

SIZES = pytest.mark.parametrize("size", [KIB, 17 * MIB], ids=["whole", "in parts"])
NO_CRC = {"x-amz-checksum-crc32c": "", "x-amz-checksum-algorithm": "", "x-amz-checksum-type": ""}

# What a store is like, what `bucket check` says of it, and the form of an upload's checksum in one request and in parts.
STORES = {
    "full object": ({}, "CRC32C of the whole object", "crc32c", "crc32c"),
    "composite, full refused": ({"full_object": "refused"}, "composite", "crc32c", "crc32c-composite"),
    "composite, full ignored": ({"full_object": "ignored"}, "composite", "crc32c", "crc32c-composite"),
    "md5": ({"checksums": False}, "MD5 only, in ETags", "md5", "etag-md5"),
    "md5 in etags alone": ({"checksums": False, "content_md5": False}, "wrong Content-MD5 is ignored", "md5", "etag-md5"),
    "content-md5 alone": ({"checksums": False, "etags": "opaque"}, "wrong Content-MD5 is refused", "read-back-crc32c",
                          "part-md5"),
    "nothing": ({"checksums": False, "etags": "opaque", "content_md5": False}, "none", "read-back-crc32c",
                "read-back-crc32c"),
}
EVERY_STORE = pytest.mark.parametrize("kind", STORES)


def use(site, fake, kind: str):
    for name, value in STORES[kind][0].items():
        assert hasattr(fake.store, name)
        setattr(fake.store, name, value)
    site.use(fake, "videos")


def check(site) -> dict:
    done = site.server.run_cli("bucket", "check", "--cdn", 158, "--bucket", "videos", "--json")
    finding, = (one for one in json.loads(done.stdout)["findings"] if one["topic"] == "checksums")
    return finding


def form(upload: dict) -> str:
    return upload["checksum"].partition(":")[0]


@SIZES
@EVERY_STORE
def test_the_strongest_is_used_and_told(site, fake, kind, size):
    use(site, fake, kind)
    digest = make_file(site.files / "film.mp4", size)
    expected = STORES[kind][3 if size > 16 * MIB else 2]
    for name in ("first.mp4", "second.mp4"):
        upload = site.wait_for(site.queue("film.mp4", "videos", name), "completed")
        assert form(upload) == expected, upload
        assert hashlib.sha256(fake.object("videos", name).body).hexdigest() == digest
    assert not fake.open_uploads()


@SIZES
@EVERY_STORE
def test_a_bit_that_flips_on_the_wire_never_becomes_completed(site, fake, kind, size):
    use(site, fake, kind)
    digest = make_file(site.files / "film.mp4", size)
    fake.play({"about": "one bit arrives as another one", "rules": [
        {"operation": "UploadPart" if size > 16 * MIB else "PutObject", "nth": [1], "fault": {"flip": True}}]})
    upload = site.wait_for(site.queue("film.mp4", "videos"), "completed", within_s=60)
    assert fake.scenario.rules[0].seen and upload["checksum"]
    assert hashlib.sha256(fake.object("videos", "film.mp4").body).hexdigest() == digest


@EVERY_STORE
def test_bucket_check_shows_it_and_spares_uploads_the_search(site, fake, kind):
    use(site, fake, kind)
    finding = check(site)
    assert STORES[kind][1] in finding["message"], finding
    assert finding["finding"] == ("warn" if kind == "nothing" else "ok")
    assert not fake.open_uploads() and not fake.store.buckets["videos"]
    make_file(site.files / "film.mp4", 17 * MIB)
    make_file(site.files / "small.mp4", KIB)
    seen = len(fake.requests)
    site.wait_for(site.queue("film.mp4", "videos"), "completed")
    small = site.wait_for(site.queue("small.mp4", "videos"), "completed")
    after = fake.requests[seen:]
    assert all(one.status < 400 for one in after), [(one.operation, one.error) for one in after if one.status >= 400]
    if kind == "content-md5 alone":
        assert form(small) == "md5", "it is known by now that the store looks at it"


def test_the_search_is_made_once(site, fake):
    use(site, fake, "composite, full refused")
    make_file(site.files / "film.mp4", 17 * MIB)
    for name in ("a", "b", "c"):
        site.wait_for(site.queue("film.mp4", "videos", name), "completed")
    assert [one.error for one in fake.seen("CreateMultipartUpload")] == ["InvalidRequest", "", "", ""]


@SIZES
@pytest.mark.parametrize("operations", [
    ("PutObject", "CreateMultipartUpload", "UploadPart", "CompleteMultipartUpload", "HeadObject"),
    ("PutObject", "UploadPart"), ("CompleteMultipartUpload", "HeadObject")], ids=["all", "parts", "the whole"])
def test_answers_without_their_checksums(site, fake, size, operations):
    """A proxy removes the headers from the answers, and with them the store's checksum of the whole object."""
    site.use(fake, "videos")
    fake.play({"about": "stripped", "rules": [
        {"operation": one, "fault": {"headers": NO_CRC} if one != "CompleteMultipartUpload" else {
            "body": "<CompleteMultipartUploadResult><ETag>\"e\"</ETag></CompleteMultipartUploadResult>", "status": 200,
            "effect": True}} for one in operations]})
    digest = make_file(site.files / "film.mp4", size)
    upload = site.wait_for(site.queue("film.mp4", "videos"), "completed", within_s=60)
    assert hashlib.sha256(fake.object("videos", "film.mp4").body).hexdigest() == digest
    assert form(upload) in ("crc32c", "md5", "etag-md5", "read-back-crc32c"), upload
    if size > 16 * MIB and operations[0] == "CompleteMultipartUpload":
        assert form(upload) == "read-back-crc32c", upload


@SIZES
def test_a_key_that_may_not_read_back_completes_nothing(site, fake, size):
    use(site, fake, "nothing")
    fake.play({"about": "no s3:GetObject", "rules": [
        {"operation": "GetObject", "fault": {"status": 403, "code": "AccessDenied"}}]})
    make_file(site.files / "film.mp4", size)
    error = site.wait_for(site.queue("film.mp4", "videos"), "failed")["error"]
    assert error["code"] == "s3_access_denied" and "reading the object back" in error["message"], error


def test_an_empty_file_is_confirmed_by_its_size(site, fake):
    use(site, fake, "nothing")
    make_file(site.files / "film.mp4", 0)
    assert site.wait_for(site.queue("film.mp4", "videos"), "completed")["checksum"] == "read-back-crc32c:AAAAAA=="
    # HEAD told a size of 0, which a proxy may have made of a length that it dropped: one byte is asked for, and none is there.
    assert [one.status for one in fake.seen("GetObject")] == [416]


def test_a_real_store(site, rgw, rgw_bucket):
    site.use(rgw, rgw_bucket)
    make_file(site.files / "film.mp4", 17 * MIB)
    done = site.server.run_cli("bucket", "check", "--cdn", 158, "--bucket", rgw_bucket, "--json")
    finding, = (one for one in json.loads(done.stdout)["findings"] if one["topic"] == "checksums")
    assert finding["finding"] == "ok" and "MD5 only, in ETags" in finding["message"], finding
    assert "wrong Content-MD5 is refused" in finding["message"], finding
    assert form(site.wait_for(site.queue("film.mp4", rgw_bucket), "completed")) == "etag-md5"

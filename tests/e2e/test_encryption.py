"""Server-side encryption by the bucket's setting: what is requested, how uploads end, and what `bucket check` says."""

import hashlib
import json

import pytest

from support import KIB, MIB, make_file, wait_until

SSE = "x-amz-server-side-encryption"
SIZES = pytest.mark.parametrize("size", [KIB, 17 * MIB], ids=["whole", "in parts"])
KMS = ("--sse", "kms", "--kms-key", "films")


def asked(record) -> dict[str, str]:
    return {name.removeprefix(SSE): value for name, value in record.headers.items() if name.startswith(SSE)}


def policy(site, bucket="videos") -> str:
    return site.server.cli("bucket", "check", "--cdn", 158, "--bucket", bucket, "--policy")


def findings(site, bucket="videos", code=0) -> dict:
    done = site.server.run_cli("bucket", "check", "--cdn", 158, "--bucket", bucket, "--json")
    assert done.returncode == code, done
    return {one["topic"]: one for one in json.loads(done.stdout)["findings"]}


@SIZES
@pytest.mark.parametrize("options,headers", [
    ((), {}), (("--sse", "s3"), {"": "AES256"}), (("--sse", "kms"), {"": "aws:kms"}),
    ((*KMS, "--bucket-key"), {"": "aws:kms", "-aws-kms-key-id": "films", "-bucket-key-enabled": "true"})],
    ids=["default", "s3", "kms", "kms with a key"])
def test_what_begins_an_object_asks_for_it_and_nothing_else_does(site, fake, size, options, headers):
    site.use(fake, "videos", more=options)
    digest = make_file(site.files / "film.mp4", size)
    upload = site.wait_for(site.queue("film.mp4", "videos"), "completed")
    stored = fake.object("videos", "film.mp4")
    assert hashlib.sha256(stored.body).hexdigest() == digest and upload["checksum"] == f"crc32c:{stored.checksum}"
    for record in fake.requests:
        begins = record.operation in ("PutObject", "CreateMultipartUpload")
        assert asked(record) == (headers if begins else {}), record
        signed = record.headers["authorization"].partition("SignedHeaders=")[2].partition(",")[0].split(";")
        assert all(SSE + name in signed for name in asked(record))
    assert stored.headers.get(SSE) == headers.get("")


@SIZES
def test_under_kms_the_etag_is_not_taken_for_an_md5(site, fake, size):
    """A store without CRC32C, whose ETags look like MD5s but are not."""
    fake.store.checksums = False
    site.use(fake, "videos", more=KMS)
    digest = make_file(site.files / "film.mp4", size)
    upload = site.wait_for(site.queue("film.mp4", "videos"), "completed")
    assert hashlib.sha256(fake.object("videos", "film.mp4").body).hexdigest() == digest
    assert upload["checksum"].startswith("part-md5:" if size > 16 * MIB else "read-back-crc32c:"), upload
    assert not upload["error"] and len(fake.seen("UploadPart", stored=True)) in (0, 2), "no part is sent again"


@SIZES
def test_a_real_store_encrypts(site, rgw, rgw_bucket, size):
    site.use(rgw, rgw_bucket, more=KMS)
    digest = make_file(site.files / "film.mp4", size)
    site.wait_for(site.queue("film.mp4", rgw_bucket), "completed")
    there = rgw.client.get_object(Bucket=rgw_bucket, Key="film.mp4")
    assert (there["ServerSideEncryption"], there["SSEKMSKeyId"]) == ("aws:kms", "films")
    assert hashlib.sha256(there["Body"].read()).hexdigest() == digest
    found = findings(site, rgw_bucket)
    assert found["encryption"]["finding"] == "ok" and "films" in found["encryption"]["message"], found


@SIZES
def test_a_store_that_ignores_it_completes_nothing(site, fake, size):
    fake.store.encryption = False
    site.use(fake, "videos", more=("--sse", "s3"))
    make_file(site.files / "film.mp4", size)
    error = site.wait_for(site.queue("film.mp4", "videos"), "failed")["error"]
    assert error["code"] == "s3_rejected" and "not encrypted" in error["message"] and not error["retryable"], error
    found = findings(site, code=1)["encryption"]
    assert found["finding"] == "FAIL" and "(s3)" in found["message"] and found["fix"], found


@SIZES
@pytest.mark.parametrize("status,code,message,word,expected", [
    (400, "KMS.DisabledException", "", "s3_rejected", "enable the KMS key"),
    (400, "KMS.NotFoundException", "", "s3_rejected", "check the bucket's KMS key"),
    (400, "KMS.KMSInvalidStateException", "", "s3_rejected", "restore it"),
    (403, "AccessDenied", "User: arn:aws:iam::1:user/x is not authorized to perform: kms:GenerateDataKey on resource: y",
     "s3_access_denied", "kms:Decrypt")])
def test_what_kms_refuses_fails_and_says_what_to_do(site, fake, size, status, code, message, word, expected):
    site.use(fake, "videos", more=KMS)
    fake.play({"about": "KMS refuses", "rules": [
        {"operation": operation, "fault": {"status": status, "code": code, "message": message}}
        for operation in ("PutObject", "CreateMultipartUpload")]})
    make_file(site.files / "film.mp4", size)
    upload = site.wait_for(site.queue("film.mp4", "videos"), "failed")
    assert upload["error"]["code"] == word and expected in upload["error"]["message"], upload
    assert upload["attempts"] == 1
    found = findings(site, code=1)["encryption"]
    assert found["finding"] == "FAIL" and expected in found["fix"], found
    assert "--kms-key" in found["fix"] or "NotFound" not in code, "how an operator does it"


def test_a_kms_that_is_busy_is_tried_again(site, fake):
    site.use(fake, "videos", more=KMS)
    fake.play({"about": "KMS is busy", "rules": [
        {"operation": "PutObject", "nth": 1, "fault": {"status": 400, "code": "KMS.ThrottlingException"}}]})
    make_file(site.files / "film.mp4", KIB)
    site.wait_for(site.queue("film.mp4", "videos"), "completed")


def test_a_bucket_that_is_set_meanwhile_has_the_upload_begin_anew(site, fake):
    site.use(fake, "videos")
    make_file(site.files / "film.mp4", 40 * MIB)
    fake.play({"about": "a part hangs", "rules": [{"operation": "UploadPart", "nth": 3, "fault": {"hold": True}}]})
    upload_id = site.queue("film.mp4", "videos")
    wait_until(lambda: len(fake.seen("UploadPart")) == 3, 20, "the parts are under way")
    site.use(fake, "videos", more=KMS)
    site.server.kill9()
    fake.release()
    site.server.start()
    site.wait_for(upload_id, "completed", within_s=60)
    assert fake.object("videos", "film.mp4").headers[SSE] == "aws:kms" and not fake.open_uploads()


def test_the_setting_is_shown_kept_and_in_the_policy(site, fake):
    site.use(fake, "videos")
    assert "kms:" not in policy(site) and "encryption" not in findings(site)
    site.use(fake, "videos", more=(*KMS, "--bucket-key"))
    site.server.restart()
    assert "kms films, bucket key" in site.server.cli("bucket", "list")
    bucket, = json.loads(site.server.cli("bucket", "list", "--json"))
    assert (bucket["sse"], bucket["kms_key"], bucket["sse_bucket_key"]) == ("kms", "films", True)
    statement = json.loads(policy(site))["Statement"][-1]
    assert statement["Action"] == ["kms:GenerateDataKey", "kms:Decrypt"]
    assert statement["Resource"] == "arn:aws:kms:us-east-1:*:key/films"
    assert findings(site)["encryption"]["finding"] == "ok"
    site.use(fake, "videos", more=("--sse", "s3"))
    assert "kms:" not in policy(site)

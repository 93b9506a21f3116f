"""The fake S3 against boto3: what AWS accepts passes, and what AWS refuses is refused for the same reason."""

import concurrent.futures
import datetime
import hashlib
import http.client
import pathlib
import sys
import time

import boto3
import botocore.exceptions
import pytest
from botocore.config import Config

sys.path.insert(0, str(pathlib.Path(__file__).parent))

import s3_auth
import s3_faults
from fake_s3 import FakeS3
from s3_checksums import crc32c, crc32c_base64, crc32c_of_parts, md5_base64

MIB = 1024 * 1024


@pytest.fixture
def fake():
    with FakeS3() as server:
        server.create_bucket("videos")
        yield server


def client_of(server, **changed):
    options = {"aws_access_key_id": server.access_key, "aws_secret_access_key": server.secret_key,
               "region_name": server.region, **changed}
    return boto3.client("s3", endpoint_url=server.endpoint, **options,
                        config=Config(s3={"addressing_style": "path"}, retries={"max_attempts": 0},
                                      read_timeout=5, connect_timeout=5))


@pytest.fixture
def client(fake):
    return client_of(fake)


def refusal(call, **arguments):
    with pytest.raises(botocore.exceptions.ClientError) as caught:
        call(**arguments)
    return caught.value.response["Error"]["Code"]


def create_full_object(client, key="film.mp4"):
    """boto3 of Debian 12 knows no ChecksumType: the header is put in by hand, before the request is signed."""
    def add_type(params, **_):
        params["headers"]["x-amz-checksum-type"] = "FULL_OBJECT"
    client.meta.events.register("before-call.s3.CreateMultipartUpload", add_type)
    answer = client.create_multipart_upload(Bucket="videos", Key=key, ChecksumAlgorithm="CRC32C",
                                            Metadata={"param1": "value1"}, ContentType="video/mp4")
    client.meta.events.unregister("before-call.s3.CreateMultipartUpload", add_type)
    return answer["UploadId"]


def send_parts(client, upload_id, bodies, key="film.mp4", checksums=True):
    parts = []
    for number, body in enumerate(bodies, 1):
        extra = {"ChecksumCRC32C": crc32c_base64(body)} if checksums else {}
        answer = client.upload_part(Bucket="videos", Key=key, UploadId=upload_id, PartNumber=number, Body=body, **extra)
        parts.append({"PartNumber": number, "ETag": answer["ETag"], **extra})
    return parts


def test_crc32c_known_answers():
    assert crc32c(b"123456789") == 0xE3069283  # RFC 3720's check value
    assert crc32c(b"6789", crc32c(b"12345")) == 0xE3069283
    assert crc32c_base64(bytes(32)) == "ipE2qg=="


def test_signature_known_answer():
    """The GET example of the S3 documentation."""
    canonical = ("GET\n/test.txt\n\nhost:examplebucket.s3.amazonaws.com\nrange:bytes=0-9\n"
                 "x-amz-content-sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855\n"
                 "x-amz-date:20130524T000000Z\n\nhost;range;x-amz-content-sha256;x-amz-date\n"
                 "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855")
    assert s3_auth.signature("wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", "20130524", "us-east-1", "20130524T000000Z",
                             canonical) == "f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41"


def test_put_get_head_list(fake, client):
    body = b"frames" * 1000
    put = client.put_object(Bucket="videos", Key="a b/ü+%.mp4", Body=body, Metadata={"param1": "value1"},
                            ContentType="video/mp4", ChecksumCRC32C=crc32c_base64(body))
    assert put["ETag"] == f'"{hashlib.md5(body).hexdigest()}"' and put["ChecksumCRC32C"] == crc32c_base64(body)
    head = client.head_object(Bucket="videos", Key="a b/ü+%.mp4")
    assert head["Metadata"] == {"param1": "value1"} and head["ContentType"] == "video/mp4"
    assert head["ContentLength"] == len(body) and "ChecksumCRC32C" not in head
    head = client.head_object(Bucket="videos", Key="a b/ü+%.mp4", ChecksumMode="ENABLED")
    assert head["ChecksumCRC32C"] == crc32c_base64(body)
    assert client.get_object(Bucket="videos", Key="a b/ü+%.mp4")["Body"].read() == body
    listed = client.list_objects_v2(Bucket="videos", Prefix="a b/")["Contents"]
    assert [one["Key"] for one in listed] == ["a b/ü+%.mp4"]
    assert refusal(client.head_object, Bucket="videos", Key="absent") == "404"
    assert refusal(client.put_object, Bucket="absent", Key="a", Body=b"") == "NoSuchBucket"
    record = fake.seen("PutObject")[0]
    assert (record.key, record.body_bytes, record.status, record.stored) == ("a b/ü+%.mp4", len(body), 200, True)


@pytest.mark.parametrize("whole", [True, False], ids=["full_object", "composite"])
def test_multipart(fake, client, whole):
    bodies = [b"a" * 5 * MIB, b"b" * 5 * MIB, b"c"]
    if whole:
        upload_id = create_full_object(client)
    else:
        upload_id = client.create_multipart_upload(Bucket="videos", Key="film.mp4", Metadata={"param1": "value1"},
                                                   ChecksumAlgorithm="CRC32C")["UploadId"]
    parts = send_parts(client, upload_id, bodies)
    fake.page_size = 2
    listed = [part for page in client.get_paginator("list_parts").paginate(Bucket="videos", Key="film.mp4",
                                                                          UploadId=upload_id)
              for part in page["Parts"]]
    assert [(one["PartNumber"], one["Size"], one["ETag"], one["ChecksumCRC32C"]) for one in listed] == [
        (one["PartNumber"], len(body), one["ETag"], one["ChecksumCRC32C"]) for one, body in zip(parts, bodies)]
    assert len(fake.seen("ListParts")) == 2
    uploads = client.list_multipart_uploads(Bucket="videos")["Uploads"]
    assert [(one["Key"], one["UploadId"]) for one in uploads] == [("film.mp4", upload_id)]
    done = client.complete_multipart_upload(Bucket="videos", Key="film.mp4", UploadId=upload_id,
                                            MultipartUpload={"Parts": parts})
    whole_body = b"".join(bodies)
    expected = crc32c_base64(whole_body) if whole else crc32c_of_parts([one["ChecksumCRC32C"] for one in parts])
    assert done["ChecksumCRC32C"] == expected and done["ETag"].endswith('-3"')
    assert fake.object("videos", "film.mp4").body == whole_body
    assert client.head_object(Bucket="videos", Key="film.mp4")["Metadata"] == {"param1": "value1"}
    assert not fake.open_uploads() and "Uploads" not in client.list_multipart_uploads(Bucket="videos")


def test_complete_is_judged(fake, client):
    fake.store.complete_again = "no_such_upload"
    upload_id = create_full_object(client)
    parts = send_parts(client, upload_id, [b"a" * 5 * MIB, b"b"])

    def complete(listed, **headers):
        def add(params, **_):
            params["headers"].update({name.replace("_", "-"): value for name, value in headers.items()})
        client.meta.events.register("before-call.s3.CompleteMultipartUpload", add)
        try:
            return client.complete_multipart_upload(Bucket="videos", Key="film.mp4", UploadId=upload_id,
                                                    MultipartUpload={"Parts": listed})
        finally:
            client.meta.events.unregister("before-call.s3.CompleteMultipartUpload", add)

    assert refusal(complete, listed=parts[::-1]) == "InvalidPartOrder"
    assert refusal(complete, listed=[{**parts[0], "ETag": '"00"'}, parts[1]]) == "InvalidPart"
    assert refusal(complete, listed=[parts[0], {**parts[1], "ChecksumCRC32C": "AAAAAA=="}]) == "InvalidPart"
    assert refusal(complete, listed=parts, x_amz_mp_object_size="5") == "InvalidRequest"
    assert refusal(complete, listed=parts, x_amz_checksum_type="COMPOSITE") == "InvalidRequest"
    assert refusal(complete, listed=parts, x_amz_checksum_crc32c="AAAAAA==") == "BadDigest"
    right = crc32c_base64(b"a" * 5 * MIB + b"b")
    complete(parts, x_amz_mp_object_size=str(5 * MIB + 1), x_amz_checksum_crc32c=right,
             x_amz_checksum_type="FULL_OBJECT")
    assert refusal(complete, listed=parts) == "NoSuchUpload"
    fake.store.complete_again = "ok"
    assert complete(parts)["ChecksumCRC32C"] == right


def test_small_parts_and_aborts(fake, client):
    upload_id = create_full_object(client)
    parts = send_parts(client, upload_id, [b"a", b"b"])
    assert refusal(client.complete_multipart_upload, Bucket="videos", Key="film.mp4", UploadId=upload_id,
                   MultipartUpload={"Parts": parts}) == "EntityTooSmall"
    client.abort_multipart_upload(Bucket="videos", Key="film.mp4", UploadId=upload_id)
    assert not fake.open_uploads()
    assert refusal(client.list_parts, Bucket="videos", Key="film.mp4", UploadId=upload_id) == "NoSuchUpload"


def test_checksums_are_verified(fake, client):
    assert refusal(client.put_object, Bucket="videos", Key="a", Body=b"x", ChecksumCRC32C="AAAAAA==") == "BadDigest"
    assert refusal(client.put_object, Bucket="videos", Key="a", Body=b"x", ContentMD5=md5_base64(b"y")) == "BadDigest"
    plain = client.create_multipart_upload(Bucket="videos", Key="film.mp4")["UploadId"]
    part = {"Bucket": "videos", "Key": "film.mp4", "PartNumber": 1, "Body": b"x"}
    assert refusal(client.upload_part, UploadId=plain, ChecksumCRC32C=crc32c_base64(b"x"), **part) == "InvalidRequest"
    summed = create_full_object(client)
    assert refusal(client.upload_part, UploadId=summed, **part) == "InvalidRequest"
    assert not fake.has_object("videos", "a") and not fake.seen("UploadPart", stored=True)


def test_old_stores_ignore_checksums_but_not_md5(fake, client):
    fake.store.checksums = False
    put = client.put_object(Bucket="videos", Key="a", Body=b"x", ChecksumCRC32C="AAAAAA==")
    assert "ChecksumCRC32C" not in put
    assert "ChecksumCRC32C" not in client.head_object(Bucket="videos", Key="a", ChecksumMode="ENABLED")
    assert refusal(client.put_object, Bucket="videos", Key="a", Body=b"x", ContentMD5=md5_base64(b"y")) == "BadDigest"


@pytest.mark.parametrize("changed,code", [
    ({"aws_secret_access_key": "wrong"}, "SignatureDoesNotMatch"),
    ({"aws_access_key_id": "UNKNOWN"}, "InvalidAccessKeyId"),
    ({"region_name": "eu-west-1"}, "AuthorizationHeaderMalformed"),
])
def test_wrong_credentials(fake, changed, code):
    client = client_of(fake, **changed)
    try:
        client.put_object(Bucket="videos", Key="a", Body=b"x")
    except botocore.exceptions.ClientError:
        pass  # boto3 corrects a wrong region by itself; the first request is what counts
    first = fake.seen("PutObject")[0]
    assert (first.error, first.stored) == (code, False)


def test_what_is_not_signed_is_refused(fake, client):
    """A request is captured and sent again with one thing changed at a time."""
    client.put_object(Bucket="videos", Key="a", Body=b"x")
    captured = fake.seen("PutObject")[0]

    def replay(target=None, body=b"x", **changed):
        headers = {**captured.headers, **{name.replace("_", "-"): value for name, value in changed.items()}}
        connection = http.client.HTTPConnection("127.0.0.1", fake.port, timeout=5)
        connection.request("PUT", target or captured.target, body, headers)
        answer = connection.getresponse()
        return answer.status, fake.requests[-1].error

    assert replay() == (200, "")
    assert replay(body=b"y") == (400, "XAmzContentSHA256Mismatch")
    assert replay(target="/videos/b") == (403, "SignatureDoesNotMatch")
    assert replay(target=captured.target + "?acl=") == (403, "SignatureDoesNotMatch")
    assert replay(x_amz_meta_late="1") == (403, "AccessDenied")
    assert replay(authorization="") == (403, "AccessDenied")
    assert replay(authorization="AWS4-HMAC-SHA256 nonsense") == (400, "AuthorizationHeaderMalformed")


def test_old_requests_are_refused():
    now = datetime.datetime(2026, 1, 1, 12, 16, tzinfo=datetime.timezone.utc)
    headers = [("host", "h"), ("x-amz-date", "20260101T120000Z"), ("x-amz-content-sha256", "UNSIGNED-PAYLOAD"),
               ("authorization", "AWS4-HMAC-SHA256 Credential=K/20260101/us-east-1/s3/aws4_request, "
                                 "SignedHeaders=host;x-amz-content-sha256;x-amz-date, Signature=" + "0" * 64)]
    with pytest.raises(s3_auth.S3Error, match="RequestTimeTooSkewed"):
        s3_auth.verify("GET", "/b/k", headers, {"K": "secret"}, "us-east-1", now)
    with pytest.raises(s3_auth.S3Error, match="SignatureDoesNotMatch"):
        s3_auth.verify("GET", "/b/k", headers, {"K": "secret"}, "us-east-1", now - datetime.timedelta(minutes=2))


def rule(fault, operation="PutObject", **more):
    return {"about": "test", "rules": [{"operation": operation, "fault": fault, **more}]}


def test_rules_choose_their_requests(fake, client):
    fake.play(rule({"status": 503, "code": "SlowDown"}, nth=[1, 3]))
    put = {"Bucket": "videos", "Key": "a", "Body": b"x"}
    assert refusal(client.put_object, **put) == "SlowDown"
    client.put_object(**put)
    assert refusal(client.put_object, **put) == "SlowDown"
    client.put_object(**put)
    fake.play(rule({"status": 400, "code": "AccessControlListNotSupported"}, if_header="x-amz-acl"))
    client.put_object(**put)
    assert refusal(client.put_object, ACL="public-read", **put) == "AccessControlListNotSupported"
    assert [(one.error, one.stored) for one in fake.seen("PutObject")] == [
        ("SlowDown", False), ("", True), ("SlowDown", False), ("", True), ("", True),
        ("AccessControlListNotSupported", False)]


@pytest.mark.parametrize("drop,stored", [("before_body", False), ("mid_body", False), ("before_response", True),
                                         ("mid_response", True)])
def test_drops(fake, client, drop, stored):
    fake.play(rule({"drop": drop}, nth=1))
    with pytest.raises(botocore.exceptions.HTTPClientError):
        client.put_object(Bucket="videos", Key="a", Body=b"x" * MIB)
    assert fake.has_object("videos", "a") == stored
    record = fake.seen("PutObject")[0]
    assert record.stored == stored and record.status is None
    assert record.body_bytes == {"before_body": 0, "mid_body": MIB // 2}.get(drop, MIB)
    client.put_object(Bucket="videos", Key="a", Body=b"x")


def test_delay_hold_and_header_faults(fake, client):
    fake.play(rule({"delay_s": 0.3, "headers": {"etag": '"other"'}}, nth=1))
    began = time.monotonic()
    assert client.put_object(Bucket="videos", Key="a", Body=b"x")["ETag"] == '"other"'
    assert time.monotonic() - began >= 0.3
    fake.play(rule({"hold": True}))
    with pytest.raises(botocore.exceptions.ReadTimeoutError):
        boto3.client("s3", endpoint_url=fake.endpoint, aws_access_key_id=fake.access_key, region_name=fake.region,
                     aws_secret_access_key=fake.secret_key, config=Config(
                         retries={"max_attempts": 0}, read_timeout=0.5,
                         s3={"addressing_style": "path"})).put_object(Bucket="videos", Key="held", Body=b"x")
    fake.release()
    assert not fake.has_object("videos", "held")


def test_answers_in_turn(fake, client):
    fake.play(rule({"in_turn": True}))
    with concurrent.futures.ThreadPoolExecutor(3) as pool:
        calls = [pool.submit(client.put_object, Bucket="videos", Key=str(number), Body=b"x") for number in range(3)]
        assert not concurrent.futures.wait(calls, timeout=0.3).done
        fake.let_answer()
        done = concurrent.futures.wait(calls, return_when=concurrent.futures.FIRST_COMPLETED).done
        assert len(done) == 1
        fake.let_answer(2)


def test_vanishing_upload(fake, client):
    fake.play(rule({"vanish": True}, operation="UploadPart", nth=2))
    upload_id = create_full_object(client)
    send_parts(client, upload_id, [b"a"])
    with pytest.raises(botocore.exceptions.ClientError, match="NoSuchUpload"):
        send_parts(client, upload_id, [b"b"])
    assert not fake.open_uploads()


@pytest.mark.parametrize("document", [
    {"about": "x", "rules": [{"operation": "DeleteBucket", "fault": {}}]},
    {"about": "x", "rules": [{"operation": "PutObject", "fault": {"drop": "sometimes"}}]},
    {"about": "x", "rules": [{"operation": "PutObject", "nth": 0, "fault": {}}]},
    {"about": "x", "rules": [{"operation": "PutObject", "fault": {"statsu": 500}}]},
    {"about": "x", "rules": [], "ruels": []},
])
def test_misspelt_scenarios_are_refused(document):
    with pytest.raises((TypeError, ValueError)):
        s3_faults.parse(document)


def test_every_scenario_file_can_be_played(fake):
    names = sorted(path.stem for path in s3_faults.SCENARIOS.glob("*.json"))
    assert len(names) >= 30
    for name in names:
        fake.play(name)
        assert fake.scenario.about and fake.scenario.expect["state"] in ("completed", "failed", "queued"), name

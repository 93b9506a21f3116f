"""Our SigV4 against botocore's, over generated requests and over requests that boto3 itself makes."""

import datetime
import hashlib
import json
import os
import pathlib
import random
import subprocess
import urllib.parse

import boto3
import botocore.auth
import botocore.awsrequest
import botocore.credentials
import pytest
from botocore.config import Config

from support import build_dir

SEED = 20261123
CASES = 1500
KEYS = ["plain.mp4", "a b.mp4", "a+b.mp4", "a%2Fb.mp4", "a%b.mp4", "~tilde.mp4", "é/日本語/🎬.mp4", "//double//", "/",
        "a/./b", "a/../b", "a\\b", "=&?#;:@,!$'()*[]{}|^`\"<>", "\u202eevil", "tab\there", "k" * 1024, "-._~/AZaz09", "\x7f"]
REGIONS = ["us-east-1", "eu-central-1", "cn-north-1", "auto", "default", ""]
WORDS = ["value1", "", "two  spaces", " edges ", "tab\tinside", "a,b", "ü", "=?UTF-8?B?w7w=?=", "x" * 500, "100%",
         "a=b"]


class FixedTime(datetime.datetime):
    """Stands in for datetime.datetime inside botocore.auth, which offers no clock."""

    moment: datetime.datetime

    @classmethod
    def utcnow(cls):
        return cls.moment


def run_tool(cases: list[dict]) -> list[list[str]]:
    tool = pathlib.Path(os.environ.get("VODLIFT_SIGV4_TOOL", build_dir() / "sigv4_tool"))
    assert tool.exists(), f"{tool} is not built: build the target sigv4_tool"
    done = subprocess.run([tool], input="".join(json.dumps(case) + "\n" for case in cases), capture_output=True,
                          text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    answers = [line.split("\t") for line in done.stdout.splitlines()]
    assert len(answers) == len(cases)
    return answers


def generate(chance: random.Random) -> dict:
    key = chance.choice(KEYS) if chance.random() < 0.5 else "".join(
        chance.choice("ab/+%~é ?&=#'\"*()!日") for _ in range(chance.randrange(1, 40)))
    bucket = chance.choice(["", "videos", "my_bucket", "a.b"])  # empty: virtual-host style
    names = ["uploads", "uploadId", "partNumber", "max-parts", "part-number-marker", "prefix", "x-id", "versionId",
             "a b", "é"]
    metadata = [f"x-amz-meta-{name}" for name in ("param1", "a-b", "vodlift-upload", "title_2")]
    headers = chance.sample(metadata + ["content-type", "content-md5", "x-amz-acl", "x-amz-checksum-crc32c",
                                        "x-amz-checksum-algorithm", "x-amz-mp-object-size", "range", "content-length"],
                            chance.randrange(6))
    return {
        "method": chance.choice(["GET", "PUT", "POST", "HEAD", "DELETE"]),
        "host": chance.choice(["s3.amazonaws.com", "videos.s3.eu-west-1.amazonaws.com", "127.0.0.1:9000",
                               "[::1]:7480"]),
        "path": "/" + (f"{bucket}/{key}" if bucket else key),
        "query": [[name, chance.choice([*WORDS, "2", "a/b+c~=="])]
                  for name in chance.sample(names, chance.randrange(4))],
        "headers": [[name, chance.choice(WORDS)] for name in headers],
        "payload_hash": chance.choice(["UNSIGNED-PAYLOAD", hashlib.sha256(chance.randbytes(9)).hexdigest()]),
        "access_key": chance.choice(["AKIAIOSFODNN7EXAMPLE", "VODLIFT", "k-_."]),
        "secret_key": chance.choice(["wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", "short", "s" * 200, "é"]),
        "session_token": chance.choice(["", "", "IQoJb3JpZ2luX2VjE//+Token==" * 10]),
        "region": chance.choice(REGIONS),
        "time": chance.randrange(0, 4102444800),
    }


def quote(text: str, safe: str = "") -> str:
    return urllib.parse.quote(text.encode(), safe="-._~" + safe)


def botocore_answer(case: dict, monkeypatch) -> list[str]:
    path = quote(case["path"], "/")
    query = "&".join(f"{quote(name)}={quote(value)}" for name, value in case["query"])
    url = f"https://{case['host']}{path}" + (f"?{query}" if query else "")
    request = botocore.awsrequest.AWSRequest(case["method"], url, dict(case["headers"]))
    request.headers["X-Amz-Content-SHA256"] = case["payload_hash"]
    request.context["client_config"] = Config(s3={"payload_signing_enabled": True})
    moment = datetime.datetime.fromtimestamp(case["time"], datetime.timezone.utc).replace(tzinfo=None)
    monkeypatch.setattr(FixedTime, "moment", moment, raising=False)
    credentials = botocore.credentials.Credentials(case["access_key"], case["secret_key"],
                                                   case["session_token"] or None)
    signer = botocore.auth.S3SigV4Auth(credentials, "s3", case["region"])
    monkeypatch.setattr(signer, "payload", lambda _request: case["payload_hash"])
    signer.add_auth(request)
    sorted_query = "&".join(sorted(query.split("&"), key=lambda pair: pair.partition("=")[::2])) if query else ""
    return [request.headers["Authorization"], path + (f"?{sorted_query}" if query else "")]


def test_D50_generated_requests(monkeypatch):
    chance = random.Random(SEED)
    cases = [generate(chance) for _ in range(CASES)]
    monkeypatch.setattr(botocore.auth.datetime, "datetime", FixedTime)
    expected = [botocore_answer(case, monkeypatch) for case in cases]
    assert len({answer[0] for answer in expected}) > 1000, "the cases are too much alike to prove anything"
    for case, ours, theirs in zip(cases, run_tool(cases), expected):
        assert ours == theirs, json.dumps(case, indent=1)


@pytest.mark.parametrize("style", ["path", "virtual"])
def test_D50_requests_of_boto3(style):
    """What boto3 would send, caught before it is sent: encoding of keys and queries by a real client."""
    client = boto3.client("s3", region_name="eu-west-1", aws_access_key_id="AKIAIOSFODNN7EXAMPLE",
                          aws_secret_access_key="wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", aws_session_token="token/+=",
                          endpoint_url="https://s3.eu-west-1.amazonaws.com",
                          config=Config(s3={"addressing_style": style}))
    caught = []

    def catch(request, **_):
        caught.append(request)
        return botocore.awsrequest.AWSResponse(request.url, 404, {}, None)

    client.meta.events.register("before-send.s3", catch)
    calls = [(client.put_object, {"Body": b"x", "Metadata": {"param1": "value  1"}, "ACL": "public-read"}),
             (client.get_object, {"Range": "bytes=0-9"}), (client.head_object, {}),
             (client.create_multipart_upload, {"ContentType": "video/mp4"}),
             (client.upload_part, {"UploadId": "a/b+c~==", "PartNumber": 7, "Body": b"part"}),
             (client.list_parts, {"UploadId": "a/b+c~==", "PartNumberMarker": 1000}),
             (client.abort_multipart_upload, {"UploadId": "a/b+c~=="})]
    for key in ("plain.mp4", "a b+c%2F~é/日.mp4", "x//y", "&=?#"):
        for call, arguments in calls:
            try:
                call(Bucket="videos", Key=key, **arguments)
            except Exception:  # the caught request was answered with nothing of use
                pass
    assert len(caught) == 4 * len(calls)

    cases, expected = [], []
    for request in caught:
        url = urllib.parse.urlsplit(request.url)
        headers = {name.lower(): value.decode() if isinstance(value, bytes) else str(value)
                   for name, value in request.headers.items()}
        signed = headers["authorization"].partition("SignedHeaders=")[2].partition(",")[0].split(";")
        own = ("host", "x-amz-date", "x-amz-content-sha256", "x-amz-security-token")
        when = datetime.datetime.strptime(headers["x-amz-date"] + "+0000", "%Y%m%dT%H%M%SZ%z")
        cases.append({
            "method": request.method, "host": url.netloc, "path": urllib.parse.unquote(url.path),
            "query": urllib.parse.parse_qsl(url.query, keep_blank_values=True),
            "headers": [[name, headers[name]] for name in signed if name not in own],
            "payload_hash": headers["x-amz-content-sha256"], "access_key": "AKIAIOSFODNN7EXAMPLE",
            "secret_key": "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", "session_token": "token/+=",
            "region": "eu-west-1", "time": int(when.timestamp())})
        expected.append(headers["authorization"])
    for case, ours, theirs in zip(cases, run_tool(cases), expected):
        assert ours[0] == theirs, json.dumps(case, indent=1)

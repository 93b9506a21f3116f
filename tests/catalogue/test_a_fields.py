"""A49 to A60 and A24: what a client can put into the fields of a signed, well-formed request."""

import base64
import http.client
import time
import urllib.parse

import pytest

from api_client import sign
from fake_s3 import FakeS3
from forms import MULTIPART, multipart, part, refused
from server import Site
from support import make_file, wait_until


OLD_AND_TENANTS = ("Old_Bucket.Of.Aws-" + "b" * 237, "_old_", "old-", "tenant:films")


@pytest.fixture(scope="module")
def open_site():
    """One site for all tests here whose uploads are accepted: with a file, and buckets of every kind of name."""
    site = Site()
    try:
        with FakeS3() as fake:
            for bucket in ("videos", "my_bucket", "a.b", "abc", "b" * 63, *OLD_AND_TENANTS):
                fake.create_bucket(bucket)
                site.use(fake, bucket)
            make_file(site.files / "film.mp4", 1000)
            site.fake = fake
            yield site
    finally:
        site.close()


def upload(site, **fields):
    """Fields given as None are left out."""
    whole = {"path": "sestore4/jb/film.mp4", "destination_path": "film.mp4", "bucket": "videos", "callback": "",
             "metadata": {}, **fields}
    return site.api.call("aws.upload", **whole)


def stored(site, **fields):
    """The object of an upload that must be accepted."""
    answer = upload(site, **fields)
    assert answer.ok, answer
    done = site.wait_for(answer.data, "completed")
    return site.fake.object(done["bucket"], done["destination_path"]), done


@pytest.mark.parametrize("field, value", [
    ("path", 7), ("path", ["sestore4/jb/film.mp4"]), ("path", {}), ("destination_path", 1.5),
    ("destination_path", True), ("bucket", []), ("bucket", 158), ("acl", 1), ("acl", ["private"]), ("callback", False),
    ("callback", 0), ("metadata", "param1"), ("metadata", 1), ("priority", "high"), ("priority", 1.5), ("priority", 10)])
def test_A49_wrong_types_name_the_field(guarded, field, value):
    refused(upload(guarded, **{field: value}), "2001", field)


@pytest.mark.parametrize("field", ["path", "acl", "metadata", "callback", "bucket"])
def test_A49_null_is_no_value(guarded, field):
    request = guarded.api.request("aws.upload", path="sestore4/jb/film.mp4", destination_path="film.mp4", bucket="videos",
                                  metadata={}, callback="", acl="private")
    request[field] = None
    refused(guarded.api.post(sign(request, guarded.key.secret)), "2001", field)


def test_A49_a_timestamp_that_is_a_list(guarded):
    refused(guarded.api.call("aws.status", timestamp=[int(time.time())]), "0002", "timestamp")


@pytest.mark.parametrize("metadata", [[], {}, None, ""], ids=["list", "object", "absent", "empty text"])
def test_A50_no_metadata(open_site, metadata):
    kept, done = stored(open_site, destination_path=f"none-{time.time_ns()}.mp4", metadata=metadata)
    assert done["metadata"] == {}
    assert [name for name in kept.headers if name.startswith("x-amz-meta-")] == ["x-amz-meta-vodlift-upload"]


@pytest.mark.parametrize("metadata", [["a", "b"], {"a": {"b": "c"}}, {"a": ["b"]}, {"a": {}}, {"a": []}], ids=str)
def test_A51_metadata_of_another_shape(guarded, metadata):
    refused(upload(guarded, metadata=metadata), "2001", "metadata")


@pytest.mark.parametrize("name, value", [
    ("a", "x\r\nx-amz-acl: public-read"), ("a", "x\nb"), ("a", "x\rb"), ("a\r\nx-amz-acl", "public-read"),
    ("a: b\r\nc", "d"), ("a b", "c"), ("a:b", "c"), ("a", "\u007f")])
def test_A52_metadata_that_would_be_headers(guarded, name, value):
    refused(upload(guarded, metadata={name: value}), "2001", "metadata")


@pytest.mark.parametrize("name", ["vodlift-upload", "Vodlift-Upload", "x-amz-acl", "X-AMZ-meta", "", "naïve"])
def test_A53_metadata_names_that_are_reserved_or_none(guarded, name):
    refused(upload(guarded, metadata={name: "x"}), "2001", "metadata")


def test_A53_metadata_up_to_its_limit(open_site):
    own = len("vodlift-upload") + 32
    kept, _ = stored(open_site, destination_path="limit.mp4", metadata={"a": "v" * (2048 - own - 1)})
    assert len(kept.headers["x-amz-meta-a"]) == 2048 - own - 1
    refused(upload(open_site, metadata={"a": "v" * (2048 - own)}), "2001", "metadata", "2048")


def test_A53_metadata_beyond_ascii(open_site):
    kept, done = stored(open_site, destination_path="words.mp4", metadata={"title": "Größe 映画"})
    assert done["metadata"] == {"title": "Größe 映画"}
    word = kept.headers["x-amz-meta-title"]
    assert word.startswith("=?UTF-8?B?") and word.endswith("?=")
    assert base64.b64decode(word[10:-2]).decode() == "Größe 映画"


@pytest.mark.parametrize("bucket", ["my_bucket", "a.b", "abc", "b" * 63, *OLD_AND_TENANTS])
def test_A54_names_of_buckets(open_site, bucket):
    _, done = stored(open_site, bucket=bucket, destination_path="film.mp4")
    assert done["bucket"] == bucket


@pytest.mark.parametrize("bucket", ["x/../y", "evil.com/", "a@b", "a?b", "A%2f", "127.0.0.1", "192.168.1.1", "", "ab",
                                    "b" * 256, "a:b:c", ":abc", "abc--x-s3", "a..b", "-abc", "abc.", "a b", "a\r\nb", "bücket"])
def test_A55_what_is_no_name_of_a_bucket(guarded, bucket):
    refused(upload(guarded, bucket=bucket), "2001", "bucket")


@pytest.mark.parametrize("key", ["", ".", "../x", "a/../b", "a/./b", "a/", "/", "k" * 1025, "a\nb", "é" * 513])
def test_A56_what_is_no_key(guarded, key):
    refused(upload(guarded, destination_path=key), "2001", "destination_path")


@pytest.mark.parametrize("key", ["/x", "a//b", "k" * 1024, "a?b#c%20d+e é~映'(*)!&=;:@,$", "...", "a/.hidden", "%2e%2e/x",
                                 " x ", "\\", "a\u202eb"])
def test_A56_keys_are_taken_as_they_are(open_site, key):
    _, done = stored(open_site, destination_path=key)
    assert done["destination_path"] == key and open_site.fake.has_object("videos", key)


@pytest.mark.parametrize("acl", ["PUBLIC-READ", "authenticated-read", "", ["private"], "private ", "public-read-write"])
def test_A57_other_acls(guarded, acl):
    refused(upload(guarded, acl=acl), "2001", "acl", "private")


def test_A57_no_acl_is_private(open_site):
    kept, done = stored(open_site, destination_path="quiet.mp4", acl=None)
    assert done["acl"] == done["acl_applied"] == "private" and "x-amz-acl" not in kept.headers


@pytest.mark.parametrize("command", ["aws.nonsense", "aws.upload ", " aws.upload", "AWS.UPLOAD", "", "c" * 10240,
                                     "<script>alert(1)</script>", "a\u001b[2J\u202e\n"])
def test_A58_unknown_commands(guarded, command):
    answer = guarded.api.call(command)
    refused(answer, "0000", "unrecognized API command")
    assert len(answer.message) < 400 and "\u001b" not in answer.message and "\n" not in answer.message


def test_A59_cdn_and_cdn_id(guarded):
    assert guarded.api.call("aws.status", cdn_id=158).ok
    assert guarded.api.call("aws.status", cdn=None, cdn_id=158).ok
    assert guarded.api.call("aws.status", cdn=None, cdn_id="158").ok
    refused(guarded.api.call("aws.status", cdn_id=159), "2001", "cdn_id")


@pytest.mark.parametrize("cdn", [" 158 ", "1e9", "0x9e", "", "+158", "158.0", 158.5, -158.0, 1e300, "-158", False, None, [158], "１５８"])
def test_A60_what_is_no_cdn(guarded, cdn):
    request = guarded.api.request("aws.status")
    request["cdn"] = cdn
    answer = guarded.api.post(sign(request, guarded.key.secret))
    assert answer.code == "0001" and answer.data == 0, answer


@pytest.mark.parametrize("api_key", ["", False, True, None, 17, [], {}])
def test_A60_what_is_no_key(guarded, api_key):
    request = guarded.api.request("aws.status")
    request["api_key"] = api_key
    answer = guarded.api.post(sign(request, guarded.key.secret))
    assert answer.code == "0001" and answer.data == 0, answer


@pytest.mark.parametrize("how", [" {} ", "1e9", "0x1", "{}.0", "+{}"])
def test_A60_what_is_no_timestamp(guarded, how):
    refused(guarded.api.call("aws.status", timestamp=how.format(int(time.time()))), "0002", "timestamp")


def test_A60_digits(guarded):
    assert guarded.api.call("aws.status", cdn="158", timestamp=str(int(time.time()))).ok


def test_A60_whole_numbers_written_as_floats(guarded):
    """Some runtimes know no other numbers."""
    assert guarded.api.call("aws.status", cdn=158.0, timestamp=float(int(time.time())), limit=25.0, offset=0.0).ok
    refused(guarded.api.call("aws.status", limit=2.5), "2001", "limit")


def test_A24_the_client_is_gone_before_the_answer(open_site):
    """The job is kept, and the same bytes get its id."""
    text = sign(open_site.api.request("aws.upload", path="sestore4/jb/film.mp4", destination_path="gone.mp4",
                                      bucket="videos", metadata={}, callback=""), open_site.key.secret)
    connection = http.client.HTTPConnection(urllib.parse.urlsplit(open_site.server.url).netloc, timeout=30)
    connection.request("POST", "/stable/", multipart(part(text)), {"Content-Type": MULTIPART})
    connection.close()
    kept = wait_until(lambda: [one for one in open_site.api.all() if one["destination_path"] == "gone.mp4"], 10,
                      "the upload is there")
    answer = open_site.api.post(text)
    assert answer.ok and answer.data == kept[0]["id"]
    assert [one["id"] for one in open_site.api.all() if one["destination_path"] == "gone.mp4"] == [answer.data]

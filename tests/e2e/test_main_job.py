"""The job the product exists for: a file goes to a real S3 server, byte for byte, and the customer gets a callback."""

import email.header

import pytest

from api_client import sign
from support import KIB, MIB, make_file, sha256, wait_until


def upload_and_compare(site, rgw, bucket, name, size, destination=None, **fields):
    """Uploads a file of random bytes; gives back aws.status' object and S3's own view of the object."""
    destination = destination or name
    digest = make_file(site.files / name, size)
    upload = site.wait_for(site.queue(name, bucket, destination, **fields), "completed")
    stored = rgw.client.get_object(Bucket=bucket, Key=destination)
    assert sha256(stored["Body"].read()) == digest
    return upload, stored


@pytest.mark.parametrize("size", [0, 1, 64 * KIB, 16 * MIB, 16 * MIB + 1, 40 * MIB],
                         ids=["0", "1", "64KiB", "16MiB", "16MiB+1", "40MiB"])
def test_bytes_arrive(site, rgw, rgw_bucket, receiver, size):
    site.use(rgw, rgw_bucket)
    states = []
    receiver.on_receive = lambda callback: states.append(site.api.status(callback.json["data"]["id"])["state"])
    upload, stored = upload_and_compare(site, rgw, rgw_bucket, "film.mp4", size, "path/to/film.mp4",
                                        metadata={"param1": "value1", "Title": "Big Film"}, callback=receiver.url)
    assert stored["ContentLength"] == size and stored["ContentType"] == "video/mp4"
    assert {name: stored["Metadata"].get(name) for name in ("param1", "title")} == {
        "param1": "value1", "title": "Big Film"}
    assert (upload["state"], upload["size"], upload["bytes_sent"], upload["percent"]) == ("completed", size, size, 100)
    assert (upload["bucket"], upload["destination_path"], upload["acl"]) == (rgw_bucket, "path/to/film.mp4", "private")
    assert upload["path"] == "sestore4/jb/film.mp4" and upload["acl_applied"] == "private" and not upload["error"]
    assert upload["etag"].strip('"') == stored["ETag"].strip('"')
    assert ("-" in upload["etag"]) == (size > 16 * MIB), "whether it went in parts"
    assert upload["created"] <= upload["started"] <= upload["finished"]

    callback = wait_until(lambda: receiver.received and receiver.received[0], 10, "the callback arrives")
    callback.verify(site.account["webhook_secret"])
    assert states == ["completed"], "the callback comes after the end state is committed"
    assert callback.headers["content-type"].startswith("application/json")
    assert (callback.json["status"], callback.json["data"]["id"]) == ("success", upload["id"])
    assert callback.json["data"]["etag"] == upload["etag"]
    wait_until(lambda: site.api.status(upload["id"])["callback_state"] == "delivered", 10, "it is recorded")
    assert len(receiver.received) == 1


@pytest.mark.parametrize("name", [
    "with spaces.mp4", "plus+sign.mp4", "per%20cent %.mp4", "ünïcode 日本語 🎬.mp4", "q?&=#;'\"!$()*,:@[]{}|^`<>.mp4",
    "deep/er/folder/film.mp4", "tilde~-_.mp4", "back\\slash.mp4"])
def test_names_arrive_as_they_are(site, rgw, rgw_bucket, name):
    site.use(rgw, rgw_bucket)
    upload, _ = upload_and_compare(site, rgw, rgw_bucket, name, 10 * KIB)
    assert (upload["path"], upload["destination_path"]) == (f"sestore4/jb/{name}", name)
    assert [one["Key"] for one in rgw.client.list_objects_v2(Bucket=rgw_bucket)["Contents"]] == [name]


def test_odd_key_in_parts(site, rgw, rgw_bucket):
    """Every request of a multipart upload signs the key and the store's upload id."""
    site.use(rgw, rgw_bucket)
    upload_and_compare(site, rgw, rgw_bucket, "a+b %2F é.mp4", 17 * MIB)
    assert "Uploads" not in rgw.client.list_multipart_uploads(Bucket=rgw_bucket)


def test_unicode_metadata(site, rgw, rgw_bucket):
    """RFC 2047 where a value is not ASCII: what S3 itself uses to show such values."""
    site.use(rgw, rgw_bucket)
    _, stored = upload_and_compare(site, rgw, rgw_bucket, "film.mp4", 1,
                                   metadata={"title": "Füße 日本", "plain": "a b", "empty": ""})
    text = "".join(part.decode(charset or "ascii") if isinstance(part, bytes) else part
                   for part, charset in email.header.decode_header(stored["Metadata"]["title"]))
    assert text == "Füße 日本" and stored["Metadata"]["plain"] == "a b"


def test_public_read_is_applied(site, rgw, rgw_bucket):
    site.use(rgw, rgw_bucket)
    upload, _ = upload_and_compare(site, rgw, rgw_bucket, "film.mp4", 17 * MIB, acl="public-read")
    assert upload["acl_applied"] == "public-read"
    grants = rgw.client.get_object_acl(Bucket=rgw_bucket, Key="film.mp4")["Grants"]
    assert any(one["Grantee"].get("URI", "").endswith("/AllUsers") and one["Permission"] == "READ" for one in grants)


def test_many_at_once(site, rgw, rgw_bucket):
    site.use(rgw, rgw_bucket)
    digests = {f"{number}.mp4": make_file(site.files / f"{number}.mp4", 100 * KIB + number) for number in range(30)}
    ids = [site.queue(name, rgw_bucket) for name in digests]
    assert len(set(ids)) == len(ids)
    for upload_id in ids:
        site.wait_for(upload_id, "completed")
    for name, digest in digests.items():
        assert sha256(rgw.client.get_object(Bucket=rgw_bucket, Key=name)["Body"].read()) == digest
    listed = site.api.call("aws.status", limit=10, offset=5).data
    assert [one["id"] for one in listed] == sorted(ids, reverse=True)[5:15], "newest first, paged"
    asked = site.api.call("aws.status", id=[ids[3], ids[7]]).data
    assert sorted(one["id"] for one in asked) == sorted([ids[3], ids[7]])


def test_same_key_ends_with_the_later_upload(site, rgw, rgw_bucket):
    site.use(rgw, rgw_bucket)
    make_file(site.files / "first.mp4", 20 * MIB)
    second = make_file(site.files / "second.mp4", KIB)
    first_id = site.queue("first.mp4", rgw_bucket, "film.mp4")
    second_id = site.queue("second.mp4", rgw_bucket, "film.mp4")
    site.wait_for(first_id, "completed")
    site.wait_for(second_id, "completed")
    assert sha256(rgw.client.get_object(Bucket=rgw_bucket, Key="film.mp4")["Body"].read()) == second


@pytest.mark.parametrize("form", ["multipart", "urlencoded"])
@pytest.mark.parametrize("path", ["/stable/", "/stable", "/dev/", "/dev"])
def test_every_door(site, form, path):
    text = sign(site.api.request("files.getstorage"), site.key.secret)
    answer = site.api.post(text, form, path)
    assert answer.http_status == 200 and answer.ok, answer
    assert [(one["storage"], one["path"], one["available"]) for one in answer.data] == [
        ("sestore4", "sestore4/jb", True)]
    assert answer.data[0]["bytes_free"] > 0 and str(site.server.folder) not in str(answer.body)
    assert isinstance(answer.body["handle_time"], float) and answer.body["handle_time"] >= 0

"""The documentation's PHP example, with only URL, keys, paths, bucket and callback changed."""

import socket
import urllib.parse

import pytest

from api_client import sign
from old_clients import run_page_example
from support import KIB, MIB, make_file, sha256, wait_until


@pytest.mark.parametrize("name,size", [("path/to/file.mp4", 17 * MIB), ("path/to/fïle 日本 \"1/2\".mp4", 10 * KIB)])
def test_page_example(site, rgw, receiver, name, size):
    """The page's own bucket name, too: its underscore is no DNS name, so it works by path style only."""
    if "my_bucket" not in [one["Name"] for one in rgw.client.list_buckets()["Buckets"]]:
        rgw.client.create_bucket(Bucket="my_bucket")
    site.use(rgw, "my_bucket")
    digest = make_file(site.files / name, size)
    # The page's example has a callback without a scheme: http:// is meant.
    answer = run_page_example(site, VODLIFT_PATH=f"sestore4/jb/{name}", VODLIFT_DESTINATION=name, VODLIFT_BUCKET="my_bucket",
                         VODLIFT_CALLBACK=receiver.url.removeprefix("http://"))
    assert answer["message"] == "Queued file for upload" and answer["status"] == "success"
    assert isinstance(answer["data"], int) and answer["data"] >= 1 and isinstance(answer["handle_time"], float)
    upload = site.wait_for(answer["data"], "completed")
    assert upload["callback"] == receiver.url
    stored = rgw.client.get_object(Bucket="my_bucket", Key=name)
    assert sha256(stored["Body"].read()) == digest and stored["Metadata"]["param1"] == "value1"
    callback = wait_until(lambda: receiver.received and receiver.received[0], 10, "the callback arrives")
    assert callback.json["data"]["id"] == answer["data"] and callback.json["data"]["state"] == "completed"


def test_page_example_is_refused_plainly(site, rgw):
    answer = run_page_example(site, VODLIFT_PATH="sestore{#}/jb/path/to/file.mp4", VODLIFT_DESTINATION="path/to/file.mp4",
                         VODLIFT_BUCKET="my_bucket", VODLIFT_CALLBACK="")
    assert (answer["status"], answer["code"], answer["data"]) == ("failure", "2003", 0)
    assert "files.getstorage" in answer["message"] and site.api.all() == []


def test_expect_100_continue(site):
    """curl and others wait for 100 Continue before they send the body."""
    body = urllib.parse.urlencode({"json": sign(site.api.request("files.getstorage"), site.key.secret)}).encode()
    address = urllib.parse.urlsplit(site.server.url)
    with socket.create_connection((address.hostname, address.port), timeout=10) as connection:
        connection.sendall(f"POST /stable/ HTTP/1.1\r\nHost: {address.netloc}\r\nExpect: 100-continue\r\n"
                           f"Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {len(body)}\r\n"
                           f"Connection: close\r\n\r\n".encode())
        stream = connection.makefile("rb")
        assert stream.readline().startswith(b"HTTP/1.1 100") and stream.readline() == b"\r\n"
        connection.sendall(body)
        answer = stream.read()
    assert answer.startswith(b"HTTP/1.1 200") and b'"status":"success"' in answer

"""Bad input is answered with a clear message and the right code, and nothing is queued."""

import json
import os
import pathlib
import re
import socket
import time

import pytest

from api_client import hmac_base64, sign
from fake_s3 import FakeS3
from server import Site
from support import make_file, wait_until


@pytest.fixture(scope="module")
def place():
    """One strict site for all refusals, however many come: no callback to private addresses, an S3 server that must never
    be asked."""
    with FakeS3() as fake:
        site = Site(allow_networks=(), extra="[limits]\nfailures_per_s = 0")
        try:
            site.use(fake, "videos")
            make_file(site.files / "film.mp4", 1000)
            yield site
            assert not fake.requests
        finally:
            site.close()


def refused(site, answer, code: str, *words: str) -> None:
    """Fails unless the answer is the envelope of a failure with this code and these words, and nothing is queued."""
    assert answer.http_status == 200 and answer.body["status"] == "failure" and answer.data == 0, answer
    assert answer.code == code, answer
    for word in words:
        assert word in answer.message, answer
    assert isinstance(answer.body["handle_time"], float) and site.api.all() == []


def upload(site, **changed):
    return site.api.upload(**{"path": "sestore4/jb/film.mp4", "destination": "film.mp4", "bucket": "videos", **changed})


def test_missing_fields_are_all_named(place):
    refused(place, place.api.call("aws.upload"), "0006", "path", "destination_path", "bucket")
    answer = place.api.call("aws.upload", path="sestore4/jb/film.mp4", metadata={}, callback="")
    refused(place, answer, "0006", "destination_path", "bucket")
    assert not re.search(r"(?<![a-z_])path", answer.message), "what is there is not missing"


@pytest.mark.parametrize("changed,code,words", [
    ({"bucket": "unknown-bucket"}, "2004", ["unknown-bucket"]),
    ({"path": "sestore4/jb/absent.mp4"}, "2002", ["absent.mp4"]),
    ({"path": "sestore4/jb/folder/absent.mp4"}, "2002", []),
    ({"path": "sestore4/jb/film.mp4/x"}, "2002", []),
    ({"path": "sestore4/other/film.mp4"}, "2002", ["does not exist"]),
    ({"path": "sestore9/jb/film.mp4"}, "2003", ["sestore9"]),
    ({"path": "sestore{#}/jb/film.mp4"}, "2003", ["files.getstorage"]),
    ({"path": "sestore4/jb/../jb/film.mp4"}, "2001", ["path", ".."]),
    ({"path": "sestore4/jb/./film.mp4"}, "2001", ["path"]),
    ({"path": "sestore4/jb//film.mp4"}, "2001", ["path"]),
    ({"path": "/etc/passwd"}, "2001", ["path"]),
    ({"path": "sestore4/jb"}, "2001", ["path"]),
    ({"path": ""}, "2001", ["path"]),
    ({"path": "sestore4/jb/film.mp4\0.jpg"}, "2001", []),
    ({"path": "sestore4/jb/" + "a" * 4096}, "2001", ["path", "4095"]),
    ({"path": 5}, "2001", ["path"]),
    ({"destination": ""}, "2001", ["destination_path"]),
    ({"destination": "k" * 1025}, "2001", ["destination_path", "1024"]),
    ({"destination": "a/../b"}, "2001", ["destination_path"]),
    ({"bucket": "x/../y"}, "2001", ["bucket"]),
    ({"bucket": "evil.example/"}, "2001", ["bucket"]),
    ({"bucket": "127.0.0.1"}, "2001", ["bucket"]),
    ({"bucket": "ab"}, "2001", ["bucket"]),
    ({"acl": "authenticated-read"}, "2001", ["acl", "private", "public-read"]),
    ({"acl": "PUBLIC-READ"}, "2001", ["acl"]),
    ({"acl": ["private"]}, "2001", ["acl"]),
    ({"metadata": {"a": "b\r\nx-amz-acl: public-read"}}, "2001", ["metadata"]),
    ({"metadata": {"x-amz-acl": "public-read"}}, "2001", ["metadata"]),
    ({"metadata": {"vodlift-upload": "x"}}, "2001", ["metadata"]),
    ({"metadata": {"Name": "1", "name": "2"}}, "2001", ["metadata"]),
    ({"metadata": {"big": "x" * 2048}}, "2001", ["metadata", "2048"]),
    ({"metadata": {"nested": {"a": "b"}}}, "2001", ["metadata"]),
    ({"metadata": ["a", "b"]}, "2001", ["metadata"]),
    ({"metadata": "a"}, "2001", ["metadata"]),
    ({"callback": "ftp://example.com/"}, "2001", ["callback"]),
    ({"callback": "http://user:password@example.com/"}, "2001", ["callback"]),
    ({"callback": "http://example.com:22/"}, "2001", ["callback", "port"]),
    ({"callback": "http://example.com/a b"}, "2001", ["callback"]),
    ({"callback": "http:///x"}, "2001", ["callback"]),
    ({"callback": 7}, "2001", ["callback"]),
], ids=lambda value: json.dumps(value)[:60] if isinstance(value, dict) else "")
def test_fields(place, changed, code, words):
    refused(place, upload(place, **changed), code, *words)


def test_files_that_are_no_files(place):
    secret = place.server.folder / "secret.txt"
    secret.write_text("outside")
    (place.files / "folder").mkdir()
    (place.files / "final-link.mp4").symlink_to(secret)
    (place.files / "inner-link.mp4").symlink_to("film.mp4")
    (place.files / "linked-folder").symlink_to(place.server.folder)
    (place.files / "up").symlink_to("..")
    os.mkfifo(place.files / "pipe.mp4")
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(place.files / "socket.mp4"))
        for name, words in {
            "final-link.mp4": ["link"], "inner-link.mp4": ["link"], "linked-folder/secret.txt": ["link"],
            "up/jb/film.mp4": ["link"], "folder": ["directory"], "pipe.mp4": ["regular"], "socket.mp4": ["regular"],
        }.items():
            began = time.monotonic()
            refused(place, upload(place, path=f"sestore4/jb/{name}"), "2002", *words)
            assert time.monotonic() - began < 5, f"{name}: nobody may wait for a FIFO's other end"


def test_absent_and_foreign_files_look_the_same(place):
    (place.server.storage / "other").mkdir()
    make_file(place.server.storage / "other" / "there.mp4", 10)
    answers = [upload(place, path=f"sestore4/other/{name}.mp4") for name in ("there", "gone")]
    assert answers[0].message.replace("there", "gone") == answers[1].message and answers[0].code == answers[1].code


@pytest.mark.parametrize("host", [
    "127.0.0.1", "10.0.0.1", "169.254.169.254", "localhost", "[::1]", "2130706433", "127.1", "0x7f000001", "0",
    "192.168.1.1", "172.16.0.1", "100.64.0.1", "[::ffff:127.0.0.1]", "[fd00:ec2::254]", "[fe80::1]", "a.localhost"])
def test_private_callbacks_are_refused(place, host):
    for url in (f"http://{host}/done", f"https://{host}:8443/", f"{host}/done"):
        refused(place, upload(place, callback=url), "2001", "callback")


def test_who_may_call(place):
    api = place.api
    request = api.request("files.getstorage")
    now = time.time()

    def post(changed, secret=place.key.secret):
        whole = {name: value for name, value in {**request, **changed}.items() if value is not None}
        return api.post(sign(whole, secret))

    refused(place, post({}, secret="f" * 64), "0003")
    hex_decoded = bytes.fromhex(place.key.secret).decode("latin-1")
    refused(place, post({}, secret=hex_decoded), "0003")
    refused(place, api.post(json.dumps(request)), "0003")
    unknown = post({"api_key": "APX4GKLM0RKQLSP2FBO1ROPKSSW47DZE"})
    refused(place, unknown, "0001")
    wrong_cdn = post({"cdn": 159})
    refused(place, wrong_cdn, "0001")
    assert unknown.message == wrong_cdn.message
    refused(place, post({"api_key": None}), "0001")
    refused(place, post({"cdn_id": 159}), "2001", "cdn")
    for offset in (-310, 310, -10**9):
        answer = post({"timestamp": int(now) + offset})
        refused(place, answer, "0002")
        told = [int(word) for word in re.findall(r"\d{10}", answer.message)]
        assert any(abs(one - time.time()) < 10 for one in told), f"the server's time is not told: {answer.message}"
    refused(place, post({"timestamp": None}), "0002")
    refused(place, post({"command": "aws.unknown"}), "0000", "aws.unknown")
    refused(place, post({"command": None}), "0000")
    for honest in ({"timestamp": int(now) - 280}, {"timestamp": str(int(now))}, {"cdn": "158"}, {"cdn_id": 158},
                   {"cdn_id": "158", "cdn": None}):
        assert post(honest).ok, honest


def test_one_changed_bit_is_noticed(place):
    text = sign(place.api.request("aws.upload", path="sestore4/jb/film.mp4", destination_path="film.mp4",
                                  metadata={}, bucket="videos", callback=""), place.key.secret)
    for position in range(1, len(text) - 1):
        changed = text[:position] + chr(ord(text[position]) ^ 1) + text[position + 1:]
        answer = place.api.post(changed)
        assert answer.body["status"] == "failure" and answer.data == 0, changed
    assert place.api.all() == []


def test_ambiguous_and_broken_requests(place):
    secret = place.key.secret
    whole = json.dumps(place.api.request("files.getstorage"))

    def signed(text):
        return f'{text[:-1]}, "signature": {json.dumps(hmac_base64(secret, text))}}}'

    assert place.api.post(signed(whole)).ok
    for text in (signed(whole[:-1] + ', "command": "files.getstorage"}'),
                 signed(whole[:-1] + ', "c\\u006fmmand": "files.getstorage"}'),
                 signed(whole)[:-1] + ', "signature": "x"}', signed(whole) + "x", signed(whole)[:-1] + ",}",
                 signed(whole[:-1] + ', "deep": ' + "[" * 500 + "]" * 500 + "}"), "", "null", "[]", '"x"', "{",
                 signed(whole[:-1] + ', "lone": "\\ud800"}')):
        answer = place.api.post(text)
        assert answer.http_status in (200, 400) and answer.body["status"] == "failure" and answer.data == 0, text
    assert place.api.all() == []


def test_signature_may_stand_anywhere(place):
    """Clients in other languages splice it in first, in the middle or last, with their own spaces and escapes."""
    request = place.api.request("files.getstorage")
    plain = json.dumps(request)
    compact = json.dumps(request, separators=(",", ":"))
    for text, member in ((plain, '"signature": {}, '), (compact, '"signature":{},')):
        value = json.dumps(hmac_base64(place.key.secret, text))
        assert place.api.post("{" + member.format(value) + text[1:]).ok
        middle = text.index('"timestamp"')
        assert place.api.post(text[:middle] + member.format(value) + text[middle:]).ok
        assert place.api.post(f'{text[:-1]} , "signature" : {value}}}').ok is False, "the spaces belong to the text"
    php = compact.replace("files.getstorage", "files\\u002egetstorage")
    assert place.api.post(f'{php[:-1]},"signature":{json.dumps(hmac_base64(place.key.secret, php))}}}').ok


def test_ids_of_others_are_unknown(place):
    for ids in (999999, [1, 2, 3]):
        refused(place, place.api.call("aws.status", id=ids), "2005")
    refused(place, place.api.call("aws.status", limit=101), "2001", "limit")
    refused(place, place.api.call("aws.status", id=-1), "2001", "id")


def other_loopback_name() -> str:
    """A name, other than localhost, that this machine's own hosts file gives a loopback address."""
    for line in pathlib.Path("/etc/hosts").read_text().splitlines():
        address, *names = line.partition("#")[0].split() or [""]
        for name in names:
            if (address.startswith("127.") or address == "::1") and "localhost" not in name:
                return name
    raise AssertionError("/etc/hosts has no other loopback name than localhost: add one, such as 127.0.0.1 loopback")


def deliveries(site) -> list[dict]:
    return [json.loads(line) for line in site.server.logs().splitlines()
            if line.startswith("{") and '"callback ' in line]


def test_a_name_that_means_loopback_is_not_contacted(new_site, fake, receiver):
    """The name passes at submit, where nothing is resolved; the address is judged when the connection is made."""
    name = other_loopback_name()
    site = new_site(allow_networks=())
    site.use(fake, "videos")
    make_file(site.files / "film.mp4", 10)
    upload_id = site.queue("film.mp4", "videos", callback=f"http://{name}:{receiver.port}/done")
    site.wait_for(upload_id, "completed")
    attempt = wait_until(lambda: deliveries(site), 20, "the delivery is tried")[0]
    assert not receiver.received and "loopback" in json.dumps(attempt), attempt
    assert site.api.status(upload_id)["callback_state"] in ("pending", "failed")


def test_the_guard_judges_again_at_delivery(new_site, fake, receiver):
    """An address that was allowed at submit and is not any more when the callback is due."""
    site = new_site()
    site.use(fake, "videos")
    make_file(site.files / "film.mp4", 10)
    fake.play({"about": "waits", "rules": [{"operation": "PutObject", "fault": {"hold": True}}]})
    upload_id = site.queue("film.mp4", "videos", callback=receiver.url)
    wait_until(lambda: fake.seen("PutObject"), 10, "the upload is under way")
    site.server.configure(allow_networks=())
    site.server.kill9()
    fake.play({"about": "no fault", "rules": []})
    site.server.start()
    site.wait_for(upload_id, "completed")
    wait_until(lambda: deliveries(site), 20, "the delivery is tried")
    assert not receiver.received

"""The trace of an upload: from the client's request through log, store and callback."""

import json
import re

import pytest

from api_client import sign
from rest_client import RestClient
from support import MIB, make_file, wait_until

ID = "4bf92f3577b34da6a3ce929d0e0e4736"
PARENT = "00f067aa0ba902b7"


def queue(site, receiver, traceparent: str | None, **fields) -> int:
    """Queues a film by a signed request with this header."""
    request = site.api.request("aws.upload", path="sestore4/jb/film.mp4", destination_path="film.mp4", metadata={}, acl="private",
                               bucket="videos", callback=receiver.url, **fields)
    headers = {"traceparent": traceparent} if traceparent is not None else {}
    answer = site.api.post(sign(request, site.api.secret), headers=headers)
    assert answer.ok, answer
    return int(answer.body["id"])


def traces_of(site, fake, receiver, upload: int) -> tuple[set, set, set]:
    """The trace ids in the lines of the log, in the requests to the store, and in the callback; with the flags of the headers."""
    site.wait_for(upload, "completed")

    def told() -> dict[str, str]:
        lines = [json.loads(line) for line in site.server.logs().splitlines() if line.startswith("{")]
        return {line["message"]: line["trace"] for line in lines if line.get("upload") == upload and "trace" in line}

    wait_until(lambda: "callback delivered" in told(), 20, "the callback's line")
    assert set(told()) == {"upload queued", "upload began", "upload ended", "callback delivered"}

    def read(headers: dict) -> tuple[str, str]:
        found = re.fullmatch("00-([0-9a-f]{32})-([0-9a-f]{16})-(0[01])", headers["traceparent"])
        assert found and found[2] not in (PARENT, "0" * 16), headers["traceparent"]
        return found[1], found[3]

    sent = [record for record in fake.requests if record.key == "film.mp4"]
    assert {record.operation for record in sent} > {"UploadPart"}
    return set(told().values()), {read(record.headers) for record in sent}, {read(receiver.received[-1].headers)}


@pytest.fixture
def ready(site, fake):
    site.use(fake, "videos")
    make_file(site.files / "film.mp4", 40 * MIB)
    return site


@pytest.mark.parametrize("flags", ["00", "01"])
def test_the_trace_of_the_client_goes_on_to_store_and_receiver(ready, fake, receiver, flags):
    upload = queue(ready, receiver, f"00-{ID}-{PARENT}-{flags}")
    in_log, at_store, at_receiver = traces_of(ready, fake, receiver, upload)
    assert in_log == {ID} and at_store == at_receiver == {(ID, flags)}
    assert RestClient(ready.server.socket).call("GET", f"/uploads/{upload}").data["trace_id"] == ID


@pytest.mark.parametrize("header", [None, "", "00-" + "0" * 32 + f"-{PARENT}-01", f"00-{ID.upper()}-{PARENT}-01", "x" * 4000, "\xff\xfe"])
def test_an_upload_without_a_usable_header_has_a_trace_of_its_own(ready, fake, receiver, header):
    upload = queue(ready, receiver, header)
    in_log, at_store, at_receiver = traces_of(ready, fake, receiver, upload)
    own, = in_log
    assert own != ID and own.strip("0") and at_store == at_receiver == {(own, "01")}
    assert RestClient(ready.server.socket).call("GET", f"/uploads/{upload}").data["trace_id"] == own


def test_many_uploads_of_one_request_share_its_trace_and_a_retry_keeps_it(ready, fake):
    rest = RestClient(ready.server.socket)
    fake.play("put_access_denied")
    for number in range(3):
        make_file(ready.files / f"many/{number}.mp4", 100)
    answer = rest.call("POST", "/uploads/batch", {"cdn": 158, "bucket": "videos", "path": "sestore4/jb/many"},
                       headers={"traceparent": f"00-{ID}-{PARENT}-01"})
    assert answer.status in (200, 201), answer
    ids = [one["id"] for one in answer.data["items"]]
    assert {rest.call("GET", f"/uploads/{one}").data["trace_id"] for one in ids} == {ID}
    ready.wait_for(ids[0], "failed")
    again = rest.call("POST", f"/uploads/{ids[0]}/retry", {}).data["id"]
    assert again != ids[0] and rest.call("GET", f"/uploads/{again}").data["trace_id"] == ID

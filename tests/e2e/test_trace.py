"""The trace of an upload: from the client's request through log, store and callback."""

import json
import re
import socket
import subprocess

import pytest

from api_client import sign
from rest_client import RestClient
from support import MIB, binary, make_file, wait_until

ID = "4bf92f3577b34da6a3ce929d0e0e4736"
PARENT = "00f067aa0ba902b7"


def queue(site, receiver, traceparent: str | None, **fields) -> int:
    """Queues a film by a signed request with this header."""
    request = site.api.request("aws.upload", path="sestore4/jb/film.mp4", destination_path="film.mp4", metadata={}, acl="private",
                               bucket="videos", callback=receiver.url, **fields)
    headers = {"traceparent": traceparent} if traceparent is not None else {}
    answer = site.api.post(sign(request, site.api.secret), headers=headers)
    assert answer.ok, answer
    return int(answer.data)


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


@pytest.mark.parametrize("header", [None, "", "00-" + "0" * 32 + f"-{PARENT}-01", f"00-{ID.upper()}-{PARENT}-01", "x" * 4000, "\xff\xfe"],
                         ids=["none", "empty", "zeros", "upper case", "long", "not ASCII"])
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


def spans_of(collector) -> list[dict]:
    spans = []
    for request in list(collector.received):
        assert request.headers["x-key"] == "very-secret"
        for of_resource in request.json["resourceSpans"]:
            names = {one["key"]: one["value"] for one in of_resource["resource"]["attributes"]}
            assert names["service.name"] == {"stringValue": "vodlift"}
            spans += [span for scope in of_resource["scopeSpans"] for span in scope["spans"]]
    return spans


def attributes_of(span: dict) -> dict:
    return {one["key"]: next(iter(one["value"].values())) for one in span["attributes"]}


@pytest.fixture
def traced(new_site, fake, receiver, tmp_path):
    """A server that sends its spans to `receiver`."""
    headers = tmp_path / "headers"
    headers.write_text("X-Key: very-secret\n")
    site = new_site(extra=f'[traces]\nurl = "{receiver.url}/v1/traces"\nheaders_file = "{headers}"\n')
    site.server.secrets.append("very-secret")
    site.use(fake, "videos")
    return site


def test_a_collector_gets_a_span_of_upload_attempt_and_parts(traced, fake, receiver, new_receiver):
    make_file(traced.files / "film.mp4", 40 * MIB)
    upload = queue(traced, new_receiver((200, {})), f"00-{ID}-{PARENT}-01")
    traced.wait_for(upload, "completed")
    wait_until(lambda: any(span["name"] == "upload" for span in spans_of(receiver)), 20, "the last span")
    spans = spans_of(receiver)
    assert {span["traceId"] for span in spans} == {ID} and len({span["spanId"] for span in spans}) == len(spans)
    whole, = (span for span in spans if span["name"] == "upload")
    attempt, = (span for span in spans if span["name"] == "attempt")
    parts = [span for span in spans if span["name"] == "part"]
    assert whole["parentSpanId"] == PARENT and attempt["parentSpanId"] == whole["spanId"]
    sent = [record for record in fake.requests if record.operation == "UploadPart"]
    assert len(parts) == len(sent) > 1 and {part["parentSpanId"] for part in parts} == {attempt["spanId"]}
    assert {record.headers["traceparent"] for record in sent} == {f"00-{ID}-{attempt['spanId']}-01"}
    assert sorted(int(attributes_of(part)["vodlift.part"]) for part in parts) == list(range(1, len(parts) + 1))
    assert sum(int(attributes_of(part)["vodlift.bytes"]) for part in parts) == 40 * MIB
    about = attributes_of(whole)
    assert about["vodlift.upload"] == str(upload) and about["vodlift.state"] == "completed" and about["vodlift.bytes"] == str(40 * MIB)
    for inner, outer in [(attempt, whole)] + [(part, attempt) for part in parts]:
        slack = 5_000_000  # times are whole milliseconds
        assert int(outer["startTimeUnixNano"]) - slack <= int(inner["startTimeUnixNano"]) <= int(inner["endTimeUnixNano"])
        assert int(inner["endTimeUnixNano"]) <= int(outer["endTimeUnixNano"]) + slack


def test_a_failed_upload_is_a_failed_span_and_one_that_is_not_sampled_is_none(traced, fake, receiver, new_receiver):
    make_file(traced.files / "film.mp4", 1000)
    fake.play("put_access_denied")
    unsampled = queue(traced, new_receiver((200, {})), f"00-{'1' * 32}-{PARENT}-00")
    traced.wait_for(unsampled, "failed")
    failed = queue(traced, new_receiver((200, {})), f"00-{ID}-{PARENT}-01", priority=9)
    traced.wait_for(failed, "failed")
    wait_until(lambda: any(span["name"] == "upload" for span in spans_of(receiver)), 20, "the span of the upload")
    spans = spans_of(receiver)
    assert {span["traceId"] for span in spans} == {ID}
    whole, = (span for span in spans if span["name"] == "upload")
    assert whole["status"]["code"] == 2 and whole["status"]["message"]
    assert attributes_of(whole)["vodlift.code"] == "s3_access_denied"


def test_a_collector_comes_changes_and_goes_without_a_restart(new_site, fake, receiver, new_receiver, tmp_path):
    headers = tmp_path / "headers"
    headers.write_text("X-Key: very-secret\n")
    site = new_site()
    site.server.secrets.append("very-secret")
    site.use(fake, "videos")
    make_file(site.files / "film.mp4", 1000)
    other = new_receiver()
    for collector in (None, receiver, other, None):
        site.server.configure(extra=f'[traces]\nurl = "{collector.url}/v1/traces"\nheaders_file = "{headers}"\n' if collector else "")
        site.server.cli("reload")
        seen = [len(spans_of(one)) for one in (receiver, other)]
        site.wait_for(queue(site, new_receiver((200, {})), f"00-{ID}-{PARENT}-01"), "completed")
        if collector:
            wait_until(lambda: any(span["name"] == "upload" for span in spans_of(collector)), 20, "the spans arrive")
        else:
            assert seen == [len(spans_of(one)) for one in (receiver, other)]
    assert len(spans_of(receiver)) == len(spans_of(other)) == 2


def test_a_collector_that_hangs_holds_up_no_upload(new_site, fake):
    with socket.create_server(("127.0.0.1", 0), backlog=8) as hanging:
        site = new_site(extra=f'[traces]\nurl = "http://127.0.0.1:{hanging.getsockname()[1]}/"\n')
        site.use(fake, "videos")
        make_file(site.files / "film.mp4", 1000)
        for number in range(20):
            site.wait_for(site.queue("film.mp4", "videos", f"{number}.mp4"), "completed")
        site.server.stop()


@pytest.mark.parametrize("lines", ["no header here\n", "X-Key: a\x00b\n", "X: y\n" * 17],
                         ids=["no header", "control character", "too many"])
def test_a_faulty_file_of_headers_is_named_with_its_line_and_not_shown(new_site, tmp_path, lines):
    headers = tmp_path / "headers"
    headers.write_text(lines)
    site = new_site()
    site.server.stop()
    site.server.configure(extra=f'[traces]\nurl = "http://127.0.0.1:1/"\nheaders_file = "{headers}"\n')
    checked = subprocess.run([binary(), "config", "check", site.server.config], capture_output=True, text=True, timeout=30)
    assert "[traces] headers_file: line" in checked.stdout and "no header here" not in checked.stdout, checked
    with pytest.raises(AssertionError, match="ended at start: 1") as failed:
        site.server.start()
    site.server.process = None
    told = str(failed.value)
    assert "[traces] headers_file: line" in told and "no header here" not in told

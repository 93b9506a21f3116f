"""A05 to A23: the HTTP front. Requests over raw sockets, and what must come of them: an answer, the end of the connection,
and never a second request that was hidden in the first."""

import collections
import concurrent.futures
import gzip
import json
import socket
import time

import pytest

import http_probe
from api_client import sign
from forms import URLENCODED, refused, send, urlencoded
from http_probe import request, sized
from raw_http import connect, exchange, receive
from support import KIB, MIB, wait_until

AT_ONCE = 16


def form(site, **fields) -> bytes:
    """The body of an upload that would be accepted."""
    text = sign(site.api.request("aws.upload", path="sestore4/jb/film.mp4", destination_path="film.mp4", bucket="videos",
                                 metadata={}, acl="private", callback="", **fields), site.key.secret)
    return urlencoded(("json", text))


def upload(site, *fields: str, **extra) -> bytes:
    """The same as a whole request."""
    body = form(site, **extra)
    return request(f"Content-Type: {URLENCODED}", f"Content-Length: {len(body)}", *fields) + body


def many(site, cases, judge):
    """judge(case, exchange) for each case, several at once; all differences are reported together."""
    def one(case):
        try:
            judge(case)
        except AssertionError as wrong:
            return f"{case.name}: {wrong}"
        return None

    with concurrent.futures.ThreadPoolExecutor(AT_ONCE) as pool:
        wrong = [text for text in pool.map(one, cases) if text]
    assert not wrong, "\n".join(wrong)


def probe(site, case) -> None:
    """If the server must close: a valid upload follows, and is never handled. If it must not close: the next request is answered."""
    if case.closes:
        seen = exchange(site, case.request + upload(site), finish=True)
        assert seen.closed and len(seen.answers) <= 1 and not seen.rest, f"{seen}"
        assert seen.answers, "closed without an answer"
        assert seen.answers[0].headers.get("connection") == "close", f"{seen}"
    else:
        seen = exchange(site, case.request + request(method="GET", target="/next"), answers=2)
        assert seen.statuses[1:] == [404] and not seen.rest, f"the next request was not answered: {seen}"
        assert "connection" not in seen.answers[0].headers, f"{seen}"
    answer = seen.answers[0]
    assert answer.status in case.statuses, f"{answer.status} instead of {case.statuses}: {answer.body!r}"
    if answer.body:
        body = json.loads(answer.body)
        assert body["status"] == "failure" and body["code"] and body["message"], f"{body}"


def closed_with(site, data: bytes, *statuses: int) -> None:
    probe(site, http_probe.Case("one", data, statuses, True))


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "TRACE", "PATCH", "OPTIONS"])
@pytest.mark.parametrize("path", ["/stable/", "/stable", "/dev/", "/dev"])
def test_A05_other_methods_are_405(guarded, method, path):
    answer = exchange(guarded, request(method=method, target=path), answers=1).answers[0]
    assert (answer.status, answer.headers["allow"]) == (405, "POST")
    assert json.loads(answer.body)["status"] == "failure"


def test_A05_head_is_answered_without_body(guarded):
    with connect(guarded) as connection:
        connection.sendall(request("Connection: close", method="HEAD"))
        received = b"".join(iter(lambda: connection.recv(65536), b""))
    assert received.startswith(b"HTTP/1.1 405 ") and b"\r\nAllow: POST\r\n" in received
    assert received.endswith(b"\r\n\r\n") and received.count(b"\r\n\r\n") == 1


def test_A05_connect_opens_no_tunnel(guarded):
    answer = exchange(guarded, request(method="CONNECT", target="127.0.0.1:22"), answers=1).answers[0]
    assert answer.status in (404, 405)


@pytest.mark.parametrize("path", ["/", "//", "/stable/x", "/stable//x", "/stabl", "/STABLE/", "/dev/null", "/%73table/", "/admin",
                                  "/metrics", "/../stable/"])
def test_A06_unknown_paths_are_404(guarded, path):
    answer = exchange(guarded, request(target=path), answers=1).answers[0]
    assert answer.status == 404 and "/stable/" in json.loads(answer.body)["message"]


@pytest.mark.parametrize("path", ["//stable", "/stable//", "//dev///?a=b", "///stable/"])
def test_A06_doubled_slashes_are_one(guarded, path):
    data = request(target=path)
    assert exchange(guarded, data, answers=1).statuses == exchange(guarded, request(), answers=1).statuses == [200]


@pytest.mark.parametrize("content_type", [None, "text/plain", "application/json", "application/octet-stream",
                                          "multipart/mixed; boundary=x", "application/x-www-form-urlencode"])
def test_A07_other_types_are_415(guarded, content_type):
    refused(send(guarded, form(guarded), content_type), "2001", "multipart/form-data", http_status=415)


@pytest.mark.parametrize("coding", ["gzip", "deflate", "br", "zstd", "compress", "x-gzip", "gzip, gzip", "identity, gzip"])
def test_A08_nothing_is_inflated(guarded, coding):
    refused(send(guarded, gzip.compress(form(guarded)), URLENCODED, Content_Encoding=coding), "2001", "content-encoding",
            http_status=415)


def test_A08_bomb(guarded):
    """100 KiB that would be 100 MiB. The fixture looks at the memory that was needed."""
    bomb = gzip.compress(b"\0" * (100 * MIB), 1)[:100 * KIB]
    refused(send(guarded, bomb, URLENCODED, Content_Encoding="gzip"), "2001", "content-encoding", http_status=415)


@pytest.mark.parametrize("length", [10 * 1024 * MIB, 128 * KIB + 1, 10**17])
def test_A09_too_large_is_413_at_the_header(guarded, length):
    closed_with(guarded, request(f"Content-Length: {length}", f"Content-Type: {URLENCODED}"), 413)


@pytest.mark.parametrize("length", ["-1", "+5", "0x10", "007", "5 5", str(2**64), str(2**63), "", "5,", "1e3", "5\t", "٥"])
def test_A10_lengths_that_are_no_numbers(guarded, length):
    field = f"Content-Length: {length}".encode().decode("latin-1")
    closed_with(guarded, request(field, f"Content-Type: {URLENCODED}"), 400)


@pytest.mark.parametrize("fields", [("Content-Length: 5", "Content-Length: 6"), ("Content-Length: 5", "content-length: 5"),
                                    ("Content-Length: 5, 6",), ("Content-Length: 5, 5",)], ids=str)
def test_A11_more_than_one_length(guarded, fields):
    closed_with(guarded, request(*fields, body="hello"), 400)


@pytest.mark.parametrize("order", [1, -1])
def test_A12_length_and_chunks(guarded, order):
    fields = ["Content-Length: 5", "Transfer-Encoding: chunked"][::order]
    closed_with(guarded, request(*fields, body="0\r\n\r\n"), 400)


@pytest.mark.parametrize("field", [
    "Transfer-Encoding: xchunked", "Transfer-Encoding: chunked, identity", "Transfer-Encoding: identity",
    "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked", "Transfer-Encoding:\tchunked", "Transfer-Encoding: chunked\t",
    "Transfer-Encoding:\r\n chunked", "Transfer-Encoding : chunked", "Transfer-Encoding: gzip, chunked"])
def test_A13_other_transfer_codings(guarded, field):
    closed_with(guarded, request(field, body="0\r\n\r\n"), 400, 501)


@pytest.mark.parametrize("body", ["fffffffffffffffff\r\n", "-5\r\nhello", "0x5\r\nhello\r\n0\r\n\r\n", "5\nhello\n0\n\n",
                                  "5\r\nhello\r\n0\r\nbad trailer\r\n\r\n", "5\r\nhelloX\r\n0\r\n\r\n", "5 \r\nhello\r\n0\r\n\r\n",
                                  *[f"5;{extension}\r\nhello\r\n0\r\n\r\n" for extension in
                                    ("", "b[d=1", "a=", "a=\"b", "a;", "a b", "=1", "a=\"b\"c")]])
def test_A14_chunks_that_are_none(guarded, body):
    closed_with(guarded, request("Transfer-Encoding: chunked", body=body), 400)


def test_A15_a_request_in_a_body_is_never_executed(guarded):
    """The hidden request is a valid upload; the fixture sees whether it was queued."""
    hidden = upload(guarded)
    for field in ("Content-Length: 4", "Content-Length: 0"):
        closed_with(guarded, request(field, "Transfer-Encoding: chunked") + b"0\r\n\r\n" + hidden, 400)
    # What a body holds is a body, whatever it looks like.
    seen = exchange(guarded, request(f"Content-Length: {len(hidden)}") + hidden + request(method="GET", target="/x"),
                    answers=2)
    assert seen.statuses == [415, 404], seen
    chunk = f"{len(hidden):x}\r\n".encode() + hidden + b"\r\n0\r\n\r\n"
    seen = exchange(guarded, request("Transfer-Encoding: chunked") + chunk + request(method="GET", target="/x"), answers=2)
    assert seen.statuses == [415, 404], seen


def test_A16_sizes_of_the_header(guarded):
    for data, status in ((request("X: " + "y" * 64 * KIB), 431), (request(*[f"X-{i}: y" for i in range(10000)]), 431),
                         (request(target="/stable/?" + "x" * MIB), 414), (request(target="/stable/?" + "x" * 16 * KIB), 414)):
        closed_with(guarded, data, status)
    seen = exchange(guarded, request("X: " + "y" * 15 * KIB, target="/stable/?" + "x" * 500), answers=1)
    assert seen.statuses == [200], "what the documents allow is taken"


@pytest.mark.parametrize("field", ["X: a\0b", "X: a\rb", "X: a\x01b", "X: a\x7fb", "X : y", "X\t: y", "no colon", ": y",
                                   "X\0: y", "X: y\n"])
def test_A17_characters_that_no_header_has(guarded, field):
    closed_with(guarded, request(field), 400)


@pytest.mark.parametrize("hosts", [[], ["Host: a", "Host: b"], ["Host: a", "Host: a"], ["Host: user@a"],
                                   ["Host: user:password@a:80"], ["Host: a/b"], ["Host: a b"]], ids=str)
def test_A18_hosts(guarded, hosts):
    closed_with(guarded, request(*hosts, host=None), 400)


@pytest.mark.parametrize("data,statuses", [
    (b"GET /stable/\r\n\r\n", (400,)), (b"GET /\r\n\r\n", (400,)), (request(version="HTTP/2.0"), (505,)),
    (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", (400, 505)), (bytes.fromhex("16030100c8010000c40303") + bytes(200), (400,)),
    (bytes((i * i * 31 + 200) % 256 for i in range(4096)), (400,)), (b"\x80" * 100 + b"\r\n\r\n", (400,))],
    ids=["0.9", "0.9-root", "2.0", "http2-preface", "tls-hello", "noise", "high-bytes"])
def test_A19_what_is_no_http_1(guarded, data, statuses):
    closed_with(guarded, data, *statuses)


def test_A19_version_1_0_works_and_closes(guarded):
    body = urlencoded(("json", sign(guarded.api.request("files.getstorage"), guarded.key.secret)))
    seen = exchange(guarded, request("Connection: keep-alive", f"Content-Type: {URLENCODED}", f"Content-Length: {len(body)}",
                                     version="HTTP/1.0", host=None) + body + upload(guarded))
    assert seen.statuses == [200] and seen.closed and seen.answers[0].headers["connection"] == "close"
    assert json.loads(seen.answers[0].body)["status"] == "success"


@pytest.mark.parametrize("group", ["COMPLIANCE", "SMUGGLING", "MALFORMED", "NORMALISATION"])
def test_A20_probe(guarded, group):
    """The table of http_probe.py; after each request that must be the last one comes an upload, which must stay unread."""
    cases = getattr(http_probe, group)
    many(guarded, cases, lambda case: probe(guarded, case))


def test_A20_probe_is_whole():
    names = collections.Counter(case.name for case in http_probe.CASES)
    assert len(names) >= 150 and names.most_common(1)[0][1] == 1


def test_A21_continue(guarded):
    data = form(guarded, checksum_that_nobody_asked_for="x")
    head = request("Expect: 100-continue", f"Content-Length: {len(data)}")
    with connect(guarded) as connection:
        connection.sendall(head)
        assert receive(connection, 1).statuses == [100]
        connection.sendall(data)
        assert receive(connection, 1).statuses == [415]


@pytest.mark.parametrize("expectation", ["foo", "100-continue, foo", "200-ok", ""])
def test_A21_other_expectations_are_417(guarded, expectation):
    closed_with(guarded, request(f"Expect: {expectation}", "Content-Length: 2"), 417)


def test_A21_no_continue_for_what_is_refused(guarded):
    for field, status in ((f"Content-Length: {10 * MIB}", 413), ("Content-Length: x", 400)):
        closed_with(guarded, request("Expect: 100-continue", field), status)


@pytest.fixture(scope="module")
def slow_exchanges(closed_site):
    """Clients that send too slowly, all of them at once since each takes as long as the server's patience: a header of which
    a byte comes each second, a body of which one does, and a body that stops half way."""
    body = form(closed_site)
    head = request(f"Content-Type: {URLENCODED}", f"Content-Length: {len(body)}")
    slow_head = b"POST /stable/ HTTP/1.1\r\nHost: a\r\nX: " + b"y" * 100
    plans = {"header": (slow_head[:1], slow_head[1:]), "body": (head + body[:1], body[1:]),
             "half": (head + body[:len(body) // 2], b""),
             "chunk": (request("Transfer-Encoding: chunked"), b"1;" + b"x" * 100)}

    def play(plan):
        first, trickle = plans[plan]
        started = time.monotonic()
        with connect(closed_site) as connection:
            connection.sendall(first)
            connection.settimeout(1)
            left = trickle
            while time.monotonic() - started < 45:
                try:
                    if connection.recv(1, socket.MSG_PEEK) is not None:
                        break
                except TimeoutError:
                    connection.sendall(left[:1])
                    left = left[1:]
            connection.settimeout(20)
            return receive(connection, 1), time.monotonic() - started

    with concurrent.futures.ThreadPoolExecutor(len(plans)) as pool:
        return dict(zip(plans, pool.map(play, plans)))


def test_A22_slow_header_is_408(guarded, slow_exchanges):
    seen, took = slow_exchanges["header"]
    assert seen.statuses == [408] and 9 < took < 15, (seen, took)
    assert seen.answers[0].headers["connection"] == "close"


@pytest.mark.parametrize("plan", ["body", "half", "chunk"])
def test_A23_slow_body_is_408_and_leaves_nothing(guarded, slow_exchanges, plan):
    seen, took = slow_exchanges[plan]
    assert seen.statuses == [408] and 29 < took < 40, (seen, took)


def test_A23_body_that_ends_half_way_leaves_nothing(guarded):
    whole = upload(guarded)
    for left in (1, 10, len(form(guarded))):
        seen = exchange(guarded, whole[:-left], finish=True)
        assert seen.closed and all(status == 400 for status in seen.statuses), seen


def patient(site, count: int, source: str) -> list[socket.socket]:
    return [connect(site, source) for _ in range(count)]


def test_A22_connections_of_one_address_are_bounded(new_site):
    site = new_site(server="connections_per_address = 5")
    held = patient(site, 5, "127.0.0.2")
    try:
        with connect(site, "127.0.0.2") as one_more:
            seen = receive(one_more)
        assert seen.statuses == [429] and seen.closed and seen.answers[0].headers["connection"] == "close"
        assert json.loads(seen.answers[0].body)["code"] == "1000"
        assert site.api.call("files.getstorage").ok, "others are served"
        held.pop().close()

        def place_again():
            with connect(site, "127.0.0.2") as connection:
                connection.sendall(request(method="GET", target="/x"))
                return receive(connection, 1).statuses == [404]

        wait_until(place_again, 10, "a place is free again")
    finally:
        for connection in held:
            connection.close()


def test_A22_connections_in_all_are_bounded(new_site):
    site = new_site(server="connections = 5")
    held = patient(site, 5, "127.0.0.2")
    try:
        with connect(site, "127.0.0.3") as one_more:
            seen = receive(one_more)
        assert seen.statuses == [503] and seen.closed
        assert json.loads(seen.answers[0].body)["code"] == "1000"
    finally:
        for connection in held:
            connection.close()


def test_A22_a_trusted_proxy_has_no_cap_of_its_own(new_site):
    site = new_site(server='connections_per_address = 2\ntrusted_proxies = ["127.0.0.2/32"]')
    held = patient(site, 5, "127.0.0.2")
    try:
        held[-1].sendall(request(method="GET", target="/x"))
        assert receive(held[-1], 1).statuses == [404]
    finally:
        for connection in held:
            connection.close()

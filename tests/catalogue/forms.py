"""Forms that no library would make: a test puts the bytes together itself; and the answers to them."""

import http.client
import urllib.parse

from api_client import Answer, read_answer

URLENCODED = "application/x-www-form-urlencoded"
BOUNDARY = "tEsT"
MULTIPART = f"multipart/form-data; boundary={BOUNDARY}"


def send(site, body: bytes | None, content_type: str | None, **headers: str) -> Answer:
    """POSTs these very bytes; None: no body, and no Content-Length. Headers are named with _ for -."""
    connection = http.client.HTTPConnection(urllib.parse.urlsplit(site.server.url).netloc, timeout=30)
    try:
        connection.putrequest("POST", "/stable/", skip_accept_encoding=True)
        if content_type is not None:
            connection.putheader("Content-Type", content_type)
        if body is not None:
            connection.putheader("Content-Length", str(len(body)))
        for name, value in headers.items():
            connection.putheader(name.replace("_", "-"), value)
        connection.endheaders(body)
        return read_answer(connection.getresponse())
    finally:
        connection.close()


def urlencoded(*fields: tuple[str, str]) -> bytes:
    return urllib.parse.urlencode(fields).encode()


def part(value: str, disposition: str = 'form-data; name="json"', *headers: str) -> bytes:
    lines = [f"Content-Disposition: {disposition}", *headers, "", value]
    return "\r\n".join(lines).encode()


def multipart(*parts: bytes, before: str = "", after: str = "", boundary: str = BOUNDARY) -> bytes:
    line = f"--{boundary}\r\n".encode()
    return before.encode() + b"".join(line + one + b"\r\n" for one in parts) + f"--{boundary}--{after}".encode()


def refused(answer: Answer, code: str, *words: str, http_status: int = 200) -> None:
    """A failure answer of this code whose message holds these words."""
    body = answer.body
    assert (answer.http_status, body["status"], body["data"], body["code"]) == (http_status, "failure", 0, code), answer
    assert isinstance(body["handle_time"], float), answer
    for word in words:
        assert word.lower() in body["message"].lower(), f"{word!r} is not in {body['message']!r}"

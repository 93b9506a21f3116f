"""Calls of the REST API through the daemon's Unix socket."""

import http.client
import json
import pathlib
import socket
import urllib.parse


class _OverUnix(http.client.HTTPConnection):
    def __init__(self, path: pathlib.Path, timeout_s: float):
        super().__init__("vodlift", timeout=timeout_s)
        self._path = path

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(str(self._path))


class Answer:
    def __init__(self, status: int, headers, body: bytes):
        self.status, self.headers, self.body = status, headers, body
        self.data = json.loads(body) if body else None

    def __repr__(self):
        return f"{self.status} {self.body[:2000]!r}"


class RestClient:
    def __init__(self, path: pathlib.Path):
        self._path = path

    def call(self, method: str, path: str, body=None, query: dict | None = None, headers: dict | None = None) -> Answer:
        """`path` is below /api/v1 and encoded. `body` is sent as JSON; bytes are sent as they are."""
        connection = _OverUnix(self._path, 60)
        target = "/api/v1" + path + ("?" + urllib.parse.urlencode(query) if query else "")
        sent = dict(headers or {})
        if body is not None and not isinstance(body, bytes):
            body = json.dumps(body).encode()
            sent.setdefault("Content-Type", "application/json")
        connection.request(method, target, body=body, headers=sent)
        response = connection.getresponse()
        answer = Answer(response.status, response.headers, response.read())
        connection.close()
        return answer

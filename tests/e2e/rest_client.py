"""Calls of the REST API: through the daemon's Unix socket, and over TCP as people and programs make them."""

import http.client
import json
import pathlib
import socket
import ssl
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

    def _connect(self) -> http.client.HTTPConnection:
        return _OverUnix(self._path, 60)

    def _own_headers(self, method: str) -> dict[str, str]:
        return {}

    def call(self, method: str, path: str, body=None, query: dict | None = None, headers: dict | None = None) -> Answer:
        """`path` is below /api/v1 and encoded. `body` is sent as JSON; bytes are sent as they are."""
        connection = self._connect()
        target = "/api/v1" + path + ("?" + urllib.parse.urlencode(query) if query else "")
        sent = self._own_headers(method) | (headers or {})
        if body is not None and not isinstance(body, bytes):
            body = json.dumps(body).encode()
            sent.setdefault("Content-Type", "application/json")
        connection.request(method, target, body=body, headers=sent)
        response = connection.getresponse()
        answer = Answer(response.status, response.headers, response.read())
        connection.close()
        return answer


class TcpClient(RestClient):
    """Over TCP: with a session once sign_in() or set_up() was called, or with a bearer token, or as nobody."""

    def __init__(self, url: str, token: str = "", address: str = "", tls: ssl.SSLContext | None = None):
        """`address`: where it comes from, such as 127.0.0.7. `tls`: what it believes, where it speaks HTTPS."""
        self._tls = tls
        self._where = urllib.parse.urlsplit(url)
        self._source = (address, 0) if address else None
        self.token = token
        self.cookie = ""
        self.csrf = ""

    def _connect(self) -> http.client.HTTPConnection:
        if self._tls:
            return http.client.HTTPSConnection(self._where.hostname, self._where.port, timeout=60, context=self._tls)
        return http.client.HTTPConnection(self._where.hostname, self._where.port, timeout=60, source_address=self._source)

    def _own_headers(self, method: str) -> dict[str, str]:
        headers = {"Authorization": f"Bearer {self.token}"} if self.token else {}
        if self.cookie:
            headers["Cookie"] = self.cookie
        if self.csrf and method != "GET":
            headers["X-CSRF-Token"] = self.csrf
        return headers

    def call(self, *arguments, **named) -> Answer:
        """Keeps the cookie and the csrf of an answer that begins a session, as the panel does."""
        answer = super().call(*arguments, **named)
        if cookie := answer.headers["Set-Cookie"]:
            self.cookie = cookie.partition(";")[0]
            self.csrf = answer.data.get("csrf", "")
        return answer

    def sign_in(self, name: str, password: str) -> Answer:
        return self.call("POST", "/session", {"name": name, "password": password})

    def set_up(self, token: str, password: str, name: str | None = None) -> Answer:
        return self.call("POST", "/setup", {"token": token, "password": password} | ({"name": name} if name else {}))

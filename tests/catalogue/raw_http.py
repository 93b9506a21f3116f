"""Requests byte by byte over a socket, and everything that comes back until the server is done with the connection."""

import dataclasses
import socket
import ssl
import urllib.parse


@dataclasses.dataclass
class RawAnswer:
    status: int
    headers: dict[str, str]  # names in lower case
    body: bytes


@dataclasses.dataclass
class Exchange:
    answers: list[RawAnswer]
    closed: bool  # by the server
    rest: bytes   # what is no whole answer

    @property
    def statuses(self) -> list[int]:
        return [one.status for one in self.answers]


def connect(site, source: str | None = None, within_s: float = 20) -> socket.socket:
    """A connection to the server, from the loopback address `source` if one is given."""
    url = urllib.parse.urlsplit(site.server.url)
    return socket.create_connection((url.hostname, url.port), within_s, (source, 0) if source else None)


def split_answers(received: bytes) -> tuple[list[RawAnswer], bytes]:
    answers = []
    while b"\r\n\r\n" in received:
        head, rest = received.split(b"\r\n\r\n", 1)
        lines = head.decode("latin-1").split("\r\n")
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines[1:])}
        length = int(headers.get("content-length", 0))
        if len(rest) < length:
            break
        answers.append(RawAnswer(int(lines[0].split()[1]), headers, rest[:length]))
        received = rest[length:]
    return answers, received


def receive(connection: socket.socket, answers: int | None = None) -> Exchange:
    """Reads until the server closes, or until this many answers have come. A connection that is reset counts as closed."""
    received = b""
    while True:
        found, rest = split_answers(received)
        if answers is not None and len(found) >= answers:
            return Exchange(found, False, rest)
        try:
            data = connection.recv(65536)
        except (ConnectionResetError, ssl.SSLError):
            data = b""
        if not data:
            return Exchange(found, True, rest)
        received += data


def exchange(site, data: bytes, answers: int | None = None, finish: bool = False, within_s: float = 20) -> Exchange:
    """Sends `data` on a connection of its own; `finish` ends sending. Waits for `answers`, or for the end of the connection."""
    with connect(site, within_s=within_s) as connection:
        try:
            connection.sendall(data)
            if finish:
                connection.shutdown(socket.SHUT_WR)
        except (BrokenPipeError, ConnectionResetError):
            pass  # refused before all was sent: what was answered can still be read
        return receive(connection, answers)

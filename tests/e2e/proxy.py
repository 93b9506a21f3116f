"""An HTTP proxy in front of a real S3 server: counts requests, holds bodies back to a rate, and can be cut."""

import dataclasses
import socket
import threading
import time
import urllib.parse


@dataclasses.dataclass
class Seen:
    method: str
    target: str
    answered: int = 0  # HTTP status; 0 while or where there was none

    @property
    def part(self) -> int:
        query = urllib.parse.parse_qs(self.target.partition("?")[2])
        return int(query.get("partNumber", ["0"])[0]) if self.method == "PUT" else 0


class Proxy:
    """Passes HTTP/1.1 on to `endpoint`, one server connection for each client connection."""

    def __init__(self, endpoint: str, bytes_per_s: float | None = None):
        address = urllib.parse.urlsplit(endpoint)
        self._target = (address.hostname, address.port)
        self.bytes_per_s = bytes_per_s  # of request bodies, each connection
        self.loses = lambda seen: False  # whose answers never reach the client: the connection ends instead
        self.seen: list[Seen] = []
        self._lock = threading.Lock()
        self._sockets: set[socket.socket] = set()
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=128)
        self.port = self._listener.getsockname()[1]
        self.endpoint = f"http://127.0.0.1:{self.port}"
        threading.Thread(target=self._accept, daemon=True).start()

    def __enter__(self) -> "Proxy":
        return self

    def __exit__(self, *_) -> None:
        # shutdown() wakes the accepting thread; close() alone would leave it waiting.
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self.cut()

    def cut(self) -> None:
        """Breaks every open connection, on both sides."""
        with self._lock:
            sockets = list(self._sockets)
        for one in sockets:
            try:
                one.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass

    def parts(self) -> list[int]:
        """The numbers of the parts that were begun, in order."""
        with self._lock:
            return [one.part for one in self.seen if one.part]

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        server = None
        try:
            server = socket.create_connection(self._target, timeout=60)
            with self._lock:
                self._sockets.update((client, server))
            requests, answers = client.makefile("rb"), server.makefile("rb")
            while self._exchange(client, server, requests, answers):
                pass
        except OSError:
            pass
        finally:
            for one in (client, server):
                if one:
                    with self._lock:
                        self._sockets.discard(one)
                    one.close()

    def _exchange(self, client, server, requests, answers) -> bool:
        """One request and its answer; false when the connection has ended."""
        head = read_head(requests)
        if not head:
            return False
        method, target, _ = head[0].decode("latin-1").split(" ", 2)
        seen = Seen(method, target)
        with self._lock:
            self.seen.append(seen)
        server.sendall(b"".join(head))
        if header(head, "expect"):
            # The server decides whether it wants the body.
            answer = read_head(answers)
            client.sendall(b"".join(answer))
            if status_of(answer) != 100:
                seen.answered = status_of(answer)
                return False
        self._pass_body(requests, server, int(header(head, "content-length") or 0), self.bytes_per_s)
        answer = read_head(answers)
        if not answer:
            return False
        seen.answered = status_of(answer)
        if self.loses(seen):
            return False
        client.sendall(b"".join(answer))
        if header(answer, "transfer-encoding"):
            return self._pass_chunks(answers, client)
        if method != "HEAD":
            self._pass_body(answers, client, int(header(answer, "content-length") or 0), None)
        return header(answer, "connection").lower() != "close"

    @staticmethod
    def _pass_body(source, sink, length: int, bytes_per_s: float | None) -> None:
        while length > 0:
            chunk = source.read(min(length, 64 * 1024))
            if not chunk:
                raise OSError("cut")
            if bytes_per_s:
                time.sleep(len(chunk) / bytes_per_s)
            sink.sendall(chunk)
            length -= len(chunk)

    @staticmethod
    def _pass_chunks(source, sink) -> bool:
        while True:
            line = source.readline()
            size = int(line.split(b";")[0], 16)
            sink.sendall(line + source.read(size + 2))
            if size == 0:
                return True


def read_head(stream) -> list[bytes]:
    """Start line, headers and the empty line; nothing at the end of the stream."""
    lines = []
    while not lines or lines[-1] != b"\r\n":
        line = stream.readline()
        if not line:
            return []
        lines.append(line)
    return lines


def header(head: list[bytes], name: str) -> str:
    for line in head[1:]:
        found, _, value = line.decode("latin-1").partition(":")
        if found.strip().lower() == name:
            return value.strip()
    return ""


def status_of(head: list[bytes]) -> int:
    return int(head[0].split(b" ")[1]) if head else 0

"""A stop under load: no request that was sent is lost."""

import signal
import socket
import threading
import urllib.parse

from raw_http import receive
from support import wait_until

GET = b"GET /x HTTP/1.1\r\nHost: a\r\n\r\n"


class Load:
    """Clients that ask without a pause, on connections that they keep (or on new ones) until the server is gone."""

    def __init__(self, url: str, clients: int):
        self.address = (urllib.parse.urlsplit(url).hostname, urllib.parse.urlsplit(url).port)
        self.answered = 0
        self.wrong: list[str] = []
        self.last_told = 0  # clients whose last answer said that it is the last
        self._lock = threading.Lock()
        self._threads = [threading.Thread(target=self._run, args=(number % 2 == 0,)) for number in range(clients)]
        for thread in self._threads:
            thread.start()

    def join(self) -> None:
        for thread in self._threads:
            thread.join(60)
            assert not thread.is_alive()

    def _run(self, keeps: bool) -> None:
        while True:
            try:
                connection = socket.create_connection(self.address, 20)
            except ConnectionRefusedError:
                return
            with connection:
                if not self._ask(connection, 10**9 if keeps else 1):
                    return

    def _ask(self, connection: socket.socket, times: int) -> bool:
        for _ in range(times):
            try:
                connection.sendall(GET)
                answer = connection.recv(65536)
            except OSError as error:
                return self._lost(f"{error}")
            if not answer.startswith(b"HTTP/1.1 404 "):
                return self._lost(f"answered {answer!r}")
            last = b"\r\nConnection: close\r\n" in answer
            with self._lock:
                self.answered += 1
                self.last_told += last
            if last:
                return True
        return True

    def _lost(self, what: str) -> bool:
        with self._lock:
            self.wrong.append(what)
        return False


def test_stop_loses_no_request_that_was_sent(site):
    load = Load(site.server.url, 8)
    wait_until(lambda: load.answered > 2000, 30, "the load runs")
    site.server.stop(within_s=15)
    load.join()
    assert not load.wrong
    assert load.last_told >= 1


def test_stop_closes_idle_connections(site):
    url = urllib.parse.urlsplit(site.server.url)
    idle = [socket.create_connection((url.hostname, url.port), 20) for _ in range(50)]
    idle[0].sendall(GET)
    assert receive(idle[0], 1).statuses == [404]
    site.server.process.send_signal(signal.SIGTERM)
    for connection in idle:
        with connection:
            assert connection.recv(1) == b""
    wait_until(lambda: site.server.process.poll() is not None, 15, "it ends")
    assert site.server.process.returncode == 0
    site.server.process = None

"""What slow and idle clients cost an honest one: its p99 with them over its p99 without, both in one run.

    /usr/bin/python3 bench/slow_clients.py [--slow 2000] [--idle 10000] [--rounds 5] [--requests 4000]

Each round measures the honest client (signed files.getstorage, one connection) twice: with the server left alone, then beside
clients that send a byte of a header each second and others that send nothing. The last line has the medians.
"""

import argparse
import json
import multiprocessing
import pathlib
import resource
import select
import socket
import statistics
import sys
import time
import urllib.parse

TESTS = pathlib.Path(__file__).resolve().parents[1] / "tests"
for folder in ("e2e", "catalogue"):
    sys.path.insert(0, str(TESTS / folder))

from api_client import sign
from forms import urlencoded
from server import Site

TICKS_PER_S = 250  # clients of the crowd know nothing of one another: their bytes come spread over the second
INTERVAL_S = 0.003  # of the honest client: a measurement lasts longer than the server's patience with slow headers
CONNECTIONS_PER_ADDRESS = 500  # of the crowd, below what the server allows one


class Crowd:
    """Slow and idle clients, in a process of their own."""

    def __init__(self, address: tuple[str, int], slow: int, idle: int):
        self.address, self.slow_count, self.idle_count = address, slow, idle
        self.here, there = multiprocessing.Pipe()
        self.process = multiprocessing.Process(target=self._run, args=(there,))
        self.process.start()
        if self.here.recv() != "ready":
            raise RuntimeError("the crowd did not come")

    def leave(self) -> dict:
        self.here.send("leave")
        told = self.here.recv()
        self.process.join(60)
        return told

    def _connect(self, number: int) -> socket.socket:
        source = f"127.0.1.{1 + number // CONNECTIONS_PER_ADDRESS}"
        connection = socket.create_connection(self.address, 60, (source, 0))
        connection.setblocking(False)
        return connection

    def _open_slow(self, number: int) -> None:
        connection = self._connect(number)
        connection.send(b"POST /stable/ HTTP/1.1\r\nHost: a\r\nX: ")
        self.slow[connection.fileno()] = (number, connection)
        self.connections[number] = connection
        self.poll.register(connection.fileno(), select.EPOLLIN)

    def _run(self, pipe) -> None:
        self.poll, self.slow, self.told_408, self.wrong = select.epoll(), {}, 0, 0
        self.connections = {}  # the slow ones, by number
        self.idle = [self._connect(self.slow_count + number) for number in range(self.idle_count)]
        for number in range(self.slow_count):
            self._open_slow(number)
        pipe.send("ready")
        tick = 0
        while not pipe.poll(1 / TICKS_PER_S):
            tick += 1
            # Only those whose turn it is are gone through: what the crowd takes of the machine is not the server's cost.
            for number in range(tick % TICKS_PER_S, self.slow_count, TICKS_PER_S):
                try:
                    self.connections[number].send(b"y")
                except OSError:
                    pass  # the answer is read below
            for descriptor, _ in self.poll.poll(0):
                self._replace(descriptor)
        # All idle clients are still connected: the measurement ran with as many as it says.
        alive = sum(self._is_open(connection) for connection in self.idle)
        pipe.send({"told_408": self.told_408, "wrong": self.wrong, "idle_at_the_end": alive})

    def _replace(self, descriptor: int) -> None:
        """The server has lost patience, as it should: another one comes."""
        number, connection = self.slow.pop(descriptor)
        self.poll.unregister(descriptor)
        try:
            answer = connection.recv(4096)
        except OSError:
            answer = b""
        if answer.startswith(b"HTTP/1.1 408 "):
            self.told_408 += 1
        else:
            self.wrong += 1
        connection.close()
        self._open_slow(number)

    @staticmethod
    def _is_open(connection: socket.socket) -> bool:
        try:
            return connection.recv(1) != b""
        except BlockingIOError:
            return True
        except OSError:
            return False


def honest_request(site: Site) -> bytes:
    body = urlencoded(("json", sign(site.api.request("files.getstorage"), site.key.secret)))
    head = ("POST /stable/ HTTP/1.1\r\nHost: a\r\nContent-Type: application/x-www-form-urlencoded\r\n"
            f"Content-Length: {len(body)}\r\n\r\n")
    return head.encode() + body


def measure(site: Site, address: tuple[str, int], requests: int) -> dict:
    """Milliseconds of each request; one begins every INTERVAL_S."""
    data, times = honest_request(site), []
    with socket.create_connection(address, 60) as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for _ in range(requests):
            time.sleep(INTERVAL_S)
            start = time.perf_counter()
            connection.sendall(data)
            answer = connection.recv(65536)
            times.append((time.perf_counter() - start) * 1000)
            if not answer.startswith(b"HTTP/1.1 200 ") or b'"status":"success"' not in answer:
                raise RuntimeError(f"the honest client got {answer!r}")
    times.sort()
    return {"p50_ms": times[requests // 2], "p99_ms": times[requests * 99 // 100], "max_ms": times[-1]}


def resident_mib(site: Site) -> float:
    with open(f"/proc/{site.server.process.pid}/status") as status:
        return next(int(line.split()[1]) for line in status if line.startswith("VmRSS:")) / 1024


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    for name, default in (("slow", 2000), ("idle", 10000), ("rounds", 5), ("requests", 4000)):
        parser.add_argument(f"--{name}", type=int, default=default)
    options = parser.parse_args()
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    site = Site(server="connections_per_address = 1000")
    rounds = []
    try:
        url = urllib.parse.urlsplit(site.server.url)
        address = (url.hostname, url.port)
        measure(site, address, options.requests // 10)
        for number in range(options.rounds):
            calm = measure(site, address, options.requests)
            crowd = Crowd(address, options.slow, options.idle)
            beside, memory = measure(site, address, options.requests), resident_mib(site)
            told = crowd.leave()
            rounds.append({"calm": calm, "beside": beside, "ratio": beside["p99_ms"] / calm["p99_ms"]})
            print(f"round {number + 1}: p50 {calm['p50_ms']:.3f} -> {beside['p50_ms']:.3f} ms, p99 {calm['p99_ms']:.3f} -> "
                  f"{beside['p99_ms']:.3f} ms, ratio {rounds[-1]['ratio']:.2f}; server {memory:.0f} MiB; {json.dumps(told)}",
                  flush=True)
    finally:
        site.close()
    print(f"median of {options.rounds}: p99 {statistics.median(one['calm']['p99_ms'] for one in rounds):.3f} -> "
          f"{statistics.median(one['beside']['p99_ms'] for one in rounds):.3f} ms, "
          f"ratio {statistics.median(one['ratio'] for one in rounds):.2f}")
    return 0


if __name__ == "__main__":
    sys.exit(main())

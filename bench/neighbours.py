"""Section (n). An honest account uploads alone, and then beside the flood of a hostile account on the same server.

The flood comes from one account, in one process, from addresses of its own. All at once:
- 64 uploads of 60 MB to a store that reads 2.5 kB a second, and 500 to a bucket whose every PUT is answered 500;
- 1,000 uploads whose callbacks go to a receiver that answers after 4 s;
- 8 connections that ask for lists of 100 uploads, one after the other, as fast as they are answered;
- 150 connections that ask for such a list and read nothing, and 400 that send a request without its last byte.
"""

import asyncio
import contextlib
import http.client
import json
import multiprocessing
import os
import sys
import tempfile
import time
import urllib.parse
from pathlib import Path

from measure import BenchError
from services import Sink

TESTS = Path(__file__).resolve().parents[1] / "tests"
for folder in ("e2e", "catalogue"):
    sys.path.insert(0, str(TESTS / folder))

from api_client import ApiClient, sign
from forms import MULTIPART, multipart, part
from server import Site
from support import make_file

HOSTILE = 159
INTERVAL_S = 0.02  # between two honest uploads
SLOW_BYTES_PER_S = 2500
RECEIVER_S = 4
SLOW_UPLOADS, SLOW_BYTES = 64, 60_000_000
POISONED, WITH_CALLBACK = 500, 1000
LISTING, DEAF, UNFINISHED = 8, 150, 400
SETTLE_S = 3  # the flood takes its places and connections in this time
GIVE_UP_S = 120


def posted(body: bytes, missing: int = 0) -> bytes:
    """A POST of this body; `missing` bytes of it do not come."""
    head = (f"POST /stable/ HTTP/1.1\r\nHost: a\r\nContent-Type: {MULTIPART}\r\n"
            f"Content-Length: {len(body) + missing}\r\n\r\n")
    return head.encode() + body


def signed(api: ApiClient, command: str, **fields) -> bytes:
    return posted(multipart(part(sign(api.request(command, **fields), api.secret))))


def upload(api: ApiClient, path: str, destination: str, bucket: str, callback: str = "", **more) -> bytes:
    return signed(api, "aws.upload", path=path, destination_path=destination, metadata=more.get("metadata", {}), acl="private",
                  bucket=bucket, callback=callback)


class Honest:
    """Uploads of 1 KiB, one each INTERVAL_S, over one connection."""

    def __init__(self, site: Site, sink: Sink):
        self.site, self.sink, self.made = site, sink, 0
        url = urllib.parse.urlsplit(site.server.url)
        self.connection = http.client.HTTPConnection(url.hostname, url.port, timeout=60, source_address=("127.0.0.77", 0))

    def measure(self, uploads: int) -> dict:
        """Milliseconds from sending the call until its answer, the object's first bytes at the store, and its callback."""
        begun = []
        times = {"accept": [], "first byte": [], "callback": []}
        for _ in range(uploads):
            self.made += 1
            key = f"honest-{self.made}"
            time.sleep(INTERVAL_S)
            body = multipart(part(sign(self.site.api.request(
                "aws.upload", path="sestore4/jb/small.bin", destination_path=key, metadata={}, acl="private", bucket="bench",
                callback=f"{self.sink.url}/callbacks/{key}"), self.site.key.secret)))
            start = time.monotonic_ns()
            self.connection.request("POST", "/stable/", body, {"Content-Type": MULTIPART})
            answer = json.loads(self.connection.getresponse().read())
            times["accept"].append((time.monotonic_ns() - start) / 1e6)
            if answer["status"] != "success":
                raise BenchError(f"the honest account was answered {answer}")
            begun.append((key, start))
        with contextlib.closing(http.client.HTTPConnection("127.0.0.1", self.sink.port, timeout=60)) as store:
            for key, start in begun:
                times["first byte"].append((self._arrival(store, f"/bench/{key}") - start) / 1e6)
                times["callback"].append((self._arrival(store, f"/callbacks/{key}") - start) / 1e6)
        return {what: percentiles(found) for what, found in times.items()}

    @staticmethod
    def _arrival(store: http.client.HTTPConnection, path: str) -> int:
        """When the request came, in nanoseconds. The sink and time.monotonic_ns() read the same clock."""
        limit = time.monotonic() + GIVE_UP_S
        while time.monotonic() < limit:
            store.request("HEAD", path)
            answer = store.getresponse()
            answer.read()
            if answer.status == 200:
                return int(answer.getheader("x-sink-arrived-ns"))
            time.sleep(0.05)
        raise BenchError(f"nothing came to {path} within {GIVE_UP_S} s")


def percentiles(times: list[float]) -> dict:
    times = sorted(times)
    return {"p50": times[len(times) // 2], "p99": times[len(times) * 99 // 100]}


class Flood:
    """The hostile account's clients, its store and its receiver, in a process of their own. Leaving ends the process."""

    def __init__(self, site: Site, sink: Sink):
        self.site, self.sink = site, sink

    def __enter__(self) -> "Flood":
        site = self.site
        self.here, there = multiprocessing.Pipe()
        self.process = multiprocessing.Process(target=lambda: asyncio.run(self._run(there)), daemon=True)
        key = site.server.add_key(HOSTILE)
        self.api = ApiClient(site.server.url, key.api_key, key.secret, HOSTILE)
        self.process.start()
        self.store_port, self.receiver_port = self.here.recv()
        for bucket, port in (("slow", self.store_port), ("poison", self.sink.port), ("bench", self.sink.port)):
            site.server.add_bucket(bucket, f"http://127.0.0.1:{port}", "AKIAFLOOD", "secret-of-the-flood", cdn=HOSTILE)
        self.here.send("flood")
        if (told := self.here.recv()) != "flooding":
            raise BenchError(f"the flood did not come: {told}")
        time.sleep(SETTLE_S)
        return self

    def lists(self) -> int:
        """How many lists the flood has got until now."""
        self.here.send("lists")
        return self.here.recv()

    def __exit__(self, *_) -> None:
        self.process.kill()
        self.process.join()

    async def _run(self, parent) -> None:
        self.listed = 0
        store = await asyncio.start_server(self._store, "127.0.0.1", limit=4096)
        receiver = await asyncio.start_server(self._receiver, "127.0.0.1")
        parent.send((store.sockets[0].getsockname()[1], receiver.sockets[0].getsockname()[1]))
        loop = asyncio.get_running_loop()
        await loop.run_in_executor(None, parent.recv)
        try:
            await self._queue(receiver.sockets[0].getsockname()[1])
            lists = signed(self.api, "aws.status", limit=100)
            held = [await self._send(number, lists, limit=1024) for number in range(DEAF)]
            held += [await self._send(DEAF + number, posted(b"x" * 100_000, missing=1)) for number in range(UNFINISHED)]
            tasks = [asyncio.create_task(self._list(number)) for number in range(LISTING)]
            parent.send("flooding")
        except (OSError, KeyError, ValueError) as error:
            parent.send(repr(error))
            return
        while await loop.run_in_executor(None, parent.recv) == "lists":
            parent.send(self.listed)
        del held, tasks

    async def _store(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Opens every multipart upload, and reads whatever is sent as slowly as it can be read without being given up."""
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
            while head := await reader.readuntil(b"\r\n\r\n"):
                if head.startswith(b"POST ") and b"uploads" in head.split(b"\r\n", 1)[0]:
                    text = b"<InitiateMultipartUploadResult><UploadId>u</UploadId></InitiateMultipartUploadResult>"
                    writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(text), text))
                    continue
                while await reader.read(SLOW_BYTES_PER_S):
                    await asyncio.sleep(1)
                break
        writer.close()

    async def _receiver(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError):
            await reader.read(65536)
            await asyncio.sleep(RECEIVER_S)
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
            await writer.drain()
        writer.close()

    async def _send(self, number: int, request: bytes, limit: int = 65536):
        url = urllib.parse.urlsplit(self.api.url)
        reader, writer = await asyncio.open_connection(url.hostname, url.port, limit=limit,
                                                       local_addr=(f"127.0.1.{number % 200 + 1}", 0))
        writer.write(request)
        return reader, writer

    async def _queue(self, receiver_port: int) -> None:
        reader, writer = await self._send(0, b"")
        wanted = [("large.bin", "slow", "")] * SLOW_UPLOADS + [("small.bin", "poison", "")] * POISONED
        wanted += [("small.bin", "bench", f"http://127.0.0.1:{receiver_port}/")] * WITH_CALLBACK
        for number, (file, bucket, callback) in enumerate(wanted):
            writer.write(upload(self.api, f"sestore4/eve/{file}", f"{number}-{'d' * 500}", bucket, callback,
                                metadata={"m": "v" * 1000}))
            if (answer := await self._answer(reader))["status"] != "success":
                raise ValueError(answer)
        writer.close()

    async def _list(self, number: int) -> None:
        reader, writer = await self._send(number, b"")
        while True:
            writer.write(signed(self.api, "aws.status", limit=100))
            await self._answer(reader)
            self.listed += 1

    @staticmethod
    async def _answer(reader: asyncio.StreamReader) -> dict:
        head = (await reader.readuntil(b"\r\n\r\n")).lower()
        length = next(int(line.split(b":")[1]) for line in head.split(b"\r\n") if line.startswith(b"content-length"))
        return json.loads(await reader.readexactly(length))


def measure(bench) -> list[dict]:
    """Each round starts a server, and measures the honest account alone and then beside the flood."""
    rounds = []
    os.environ["VODLIFT_BINARY"] = str(bench.binary)
    tempfile.tempdir = str(bench.work)
    for number in range(bench.neighbour_runs):
        with Sink(bench.binaries, bench.work) as sink, contextlib.closing(Site(uploads=8)) as site:
            site.server.add_account(HOSTILE, "eve")
            make_file(site.files / "small.bin", 1024)
            make_file(site.server.storage / "eve" / "small.bin", 1024)
            make_file(site.server.storage / "eve" / "large.bin", SLOW_BYTES)
            site.server.add_bucket("bench", sink.url, "AKIABENCH", "secret-of-the-bench")
            honest = Honest(site, sink)
            honest.measure(bench.neighbour_uploads // 5)
            alone = honest.measure(bench.neighbour_uploads)
            with Flood(site, sink) as flood:
                before = flood.lists()
                beside = honest.measure(bench.neighbour_uploads)
                lists = flood.lists() - before
            rounds.append({"alone": alone, "beside": beside, "lists": lists})
            bench.say(f"  neighbours {number + 1}: p99 ms " + ", ".join(
                f"{what} {alone[what]['p99']:.1f} -> {beside[what]['p99']:.1f}" for what in alone) + f"; {lists} lists")
    return rounds

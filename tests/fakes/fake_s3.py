#!/usr/bin/python3
"""A scriptable S3 server for tests: verifies signatures and checksums, stores bytes, and fails on request.

As a library: `with FakeS3() as s3: s3.create_bucket("b"); s3.play("slow_down_then_ok")`. By hand, to try a client:
`fake_s3.py --bucket videos --scenario slow_down_then_ok`. Debian's Python and libisal2 are all it needs.
"""

import argparse
import contextlib
import dataclasses
import datetime
import http.server
import pathlib
import socket
import sys
import threading
import time
import urllib.parse

sys.path.insert(0, str(pathlib.Path(__file__).parent))

import s3_answers
import s3_auth
import s3_faults
import s3_streaming
from s3_errors import S3Error
from s3_store import Multipart, Object, Store


@dataclasses.dataclass
class Record:
    """One request as the fake saw it. `stored`: its operation was carried out."""

    number: int
    at: float  # time.monotonic()
    method: str
    target: str  # as received
    operation: str
    bucket: str
    key: str
    query: dict[str, str]
    headers: dict[str, str]  # names lower-case; trailers among them, once the body was taken apart
    body_bytes: int = 0
    status: int | None = None  # None: no answer was sent
    error: str = ""  # S3's error code
    stored: bool = False
    principal: str | None = None  # who asked, if the fake names initiators

    @property
    def content_bytes(self) -> int:
        """Of the body, as announced, without the frame of a checksum behind it."""
        return int(self.headers.get("x-amz-decoded-content-length") or self.headers.get("content-length", 0))

    @property
    def part(self) -> int:
        return int(self.query.get("partNumber") or 0)


class FakeS3:
    """One server on 127.0.0.1. Everything may be called from any thread."""

    def __init__(self, access_key: str = "FAKEACCESSKEY", secret_key: str = "fake/secret+key",
                 region: str = "us-east-1", port: int = 0, page_size: int = 1000):
        self.access_key, self.secret_key, self.region, self.page_size = access_key, secret_key, region, page_size
        self.temporary: dict = {}  # access key: what FakeAws issued (secret_key, token, expires)
        self.clock_ahead_s = 0  # how far the store's clock is ahead of this machine's
        self.path = ""  # of the endpoint, before the bucket; signed as sent
        self.largest_body: int | None = None  # a proxy before the store answers 413 to larger requests
        self.anonymous_answer: tuple[int, bytes] | None = None  # of a proxy before the store, to requests without a signature
        self.tells_initiators = True  # as AWS does: who opened a multipart upload is listed with it
        self.renames: dict[str, str] = {}  # operation: the root of its answer, which gets another name and a prefix
        self.store = Store()
        self.scenario = s3_faults.parse(s3_faults.NOTHING)
        self.requests: list[Record] = []
        self._lock = threading.Lock()
        self._released = threading.Event()
        self._turns = threading.Semaphore(0)
        self._connections: set[socket.socket] = set()
        self._server = _Server(("127.0.0.1", port), self)
        self.port = self._server.server_address[1]
        self.endpoint = f"http://127.0.0.1:{self.port}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)

    def __enter__(self) -> "FakeS3":
        self._thread.start()
        return self

    def __exit__(self, *_) -> None:
        self._released.set()
        self.let_answer(1000)
        self._server.shutdown()
        self._server.server_close()
        self.cut_connections()
        self._thread.join()

    def create_bucket(self, name: str) -> None:
        with self.store.lock:
            self.store.buckets.setdefault(name, {})

    def play(self, scenario: str | dict) -> None:
        """Faults from now on: a name in scenarios/, or a document of that form. Its counts start again at 0."""
        self.release()
        self.scenario = s3_faults.parse(scenario) if isinstance(scenario, dict) else s3_faults.load(scenario)
        for name, value in self.scenario.store.items():
            if not hasattr(self.store, name):
                raise ValueError(f"store: no such setting: {name}")
            setattr(self.store, name, value)
        self._released = threading.Event()
        self._turns = threading.Semaphore(0)

    def let_answer(self, requests: int = 1) -> None:
        """Lets so many of the requests that wait `in_turn`, now or later, have their answers."""
        self._turns.release(requests)

    def release(self) -> None:
        """Releases the requests that a `hold` keeps: their connections are closed without an answer."""
        self._released.set()

    def cut_connections(self) -> None:
        with self._lock:
            connections = list(self._connections)
        for connection in connections:
            try:
                connection.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass

    def object(self, bucket: str, key: str) -> Object:
        return self.store.object(bucket, key)

    def has_object(self, bucket: str, key: str) -> bool:
        return key in self.store.buckets.get(bucket, {})

    def open_uploads(self) -> list[Multipart]:
        with self.store.lock:
            return list(self.store.uploads.values())

    def seen(self, operation: str, stored: bool | None = None) -> list[Record]:
        """The requests of one operation in order; only those carried out, or not, where `stored` is given."""
        with self._lock:
            return [one for one in self.requests
                    if one.operation == operation and (stored is None or one.stored == stored)]

    def _add(self, record: Record) -> None:
        with self._lock:
            record.number = len(self.requests) + 1
            self.requests.append(record)


class _Server(http.server.ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = 256

    def __init__(self, address, fake: FakeS3):
        self.fake = fake
        super().__init__(address, _Handler)

    def handle_error(self, request, client_address) -> None:
        # Clients that go away in the middle are what the faults provoke; anything else must be seen.
        if not isinstance(sys.exc_info()[1], (ConnectionError, TimeoutError)):
            super().handle_error(request, client_address)


class _Drop(Exception):
    """The connection ends here, with or without an answer."""


class _Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: _Server

    def log_message(self, *_) -> None:
        pass

    def setup(self) -> None:
        super().setup()
        with self.server.fake._lock:
            self.server.fake._connections.add(self.connection)

    def finish(self) -> None:
        with self.server.fake._lock:
            self.server.fake._connections.discard(self.connection)
        super().finish()

    def handle_one_request(self) -> None:
        try:
            super().handle_one_request()
        except _Drop:
            self.close_connection = True
            try:
                self.connection.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass

    def _serve(self) -> None:
        fake = self.server.fake
        record = self._record()
        fake._add(record)
        released, turns = fake._released, fake._turns
        fault = fake.scenario.fault_for(record.operation, record.headers, record.part) or s3_faults.Fault()
        if fault.vanish:
            fake.store.abort(record.bucket, record.key, record.query["uploadId"])
        if fault.drop == "before_body":
            raise _Drop
        body = self._read_body(record, fault)
        if fake.largest_body is not None and len(body) > fake.largest_body:
            fault = s3_faults.Fault(status=413, body="<html>413 Request Entity Too Large</html>")
        if fake.anonymous_answer is not None and "authorization" not in record.headers:
            answer = s3_answers.Answer(*fake.anonymous_answer)
        else:
            answer = self._answer(record, body, fault)
        if fault.hold:
            released.wait()
            raise _Drop
        if fault.in_turn:
            turns.acquire()
        time.sleep(fault.delay_s)
        if fault.drop == "before_response":
            raise _Drop
        self._send(record, answer, fault)

    do_GET = do_PUT = do_POST = do_HEAD = do_DELETE = _serve

    def _record(self) -> Record:
        path, _, query_text = self.path.partition("?")
        query = dict(urllib.parse.parse_qsl(query_text, keep_blank_values=True))
        # Only the slash that ends the bucket's name is dropped: keys may begin with slashes.
        bucket, _, key = urllib.parse.unquote(path.removeprefix(self.server.fake.path)[1:]).partition("/")
        headers = {name.lower(): value for name, value in self.headers.items()}
        operation = s3_answers.operation(self.command, key, query)
        return Record(0, time.monotonic(), self.command, self.path, operation, bucket, key, query, headers)

    def _read_body(self, record: Record, fault: s3_faults.Fault) -> bytes:
        length = int(record.headers.get("content-length", 0))
        wanted = length // 2 if fault.drop == "mid_body" else length
        body = bytearray()
        while len(body) < wanted:
            chunk = self.rfile.read(min(wanted - len(body), 256 * 1024))
            if not chunk:
                raise _Drop
            body += chunk
            record.body_bytes = len(body)
            if fault.bytes_per_s:
                time.sleep(len(chunk) / fault.bytes_per_s)
        if fault.drop == "mid_body":
            raise _Drop
        if fault.flip:
            body[length // 2] ^= 1
        return bytes(body)

    def _answer(self, record: Record, body: bytes, fault: s3_faults.Fault) -> s3_answers.Answer:
        fake = self.server.fake
        try:
            body = self._check(record, body)
            answer = s3_answers.Answer(200)
            if fault.effect:
                answer = s3_answers.perform(fake.store, record, body, fake.page_size)
                record.stored = True
            if fault.late_s:
                threading.Thread(target=self._perform_late, args=(record, body, fault.late_s), daemon=True).start()
            if fault.code is not None and fault.body is None:
                raise S3Error(fault.status or 400, fault.code, fault.message)
            if fault.status is not None or fault.body is not None:
                answer = s3_answers.Answer(fault.status or 200, (fault.body or "").encode(),
                                           {"content-type": "application/xml"})
        except S3Error as error:
            record.error = error.code
            answer = s3_answers.Answer(error.status, error.xml(f"req-{record.number}"),
                                       {"content-type": "application/xml"})
        if root := fake.renames.get(record.operation):
            text = answer.body.decode().replace(f"<{root} xmlns=", "<s3:Result xmlns:s3=").replace(f"</{root}>", "</s3:Result>")
            answer.body = text.encode()
        answer.headers.update(fault.headers)
        for name in fault.without:
            answer.headers[name] = None
        return answer

    def _perform_late(self, record: Record, body: bytes, late_s: float) -> None:
        fake = self.server.fake
        held = fake.store.take(record.query.get("uploadId", "")) if fake.store.hides_late else None
        time.sleep(late_s)
        with contextlib.suppress(S3Error):
            fake.store.give_back(held)
            s3_answers.perform(fake.store, record, body, fake.page_size)
            record.stored = True

    def _check(self, record: Record, body: bytes) -> bytes:
        """The body as it is to be stored. Raises S3Error."""
        fake = self.server.fake
        if "transfer-encoding" in record.headers:
            raise S3Error(411, "MissingContentLength", "You must provide the Content-Length HTTP header.")
        if "authorization" not in record.headers and fake.store.anyone_may(record.operation, record.bucket, record.key):
            return body
        now = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(seconds=fake.clock_ahead_s)
        temporary = dict(fake.temporary)
        keys = {fake.access_key: fake.secret_key} | {key: one.secret_key for key, one in temporary.items()}
        tokens = {key: one.token for key, one in temporary.items()}
        payload_hash = s3_auth.verify(record.method, record.target, list(self.headers.items()), keys, fake.region, now,
                                      tokens=tokens)
        key = record.headers["authorization"].partition("Credential=")[2].partition("/")[0]
        if key in temporary and temporary[key].expires <= now:
            raise S3Error(400, "ExpiredToken", "The provided token has expired.")
        record.principal = f"arn:aws:iam::1:user/{key}" if fake.tells_initiators else None
        if payload_hash != s3_streaming.UNSIGNED_TRAILER or fake.store.trailers == "refused":
            s3_auth.check_payload(payload_hash, body)
        elif fake.store.trailers != "kept":
            body, trailers = s3_streaming.decode(record.headers, body)
            record.headers |= trailers
        return body

    def _send(self, record: Record, answer: s3_answers.Answer, fault: s3_faults.Fault) -> None:
        content = b"" if record.method == "HEAD" else answer.body
        length = answer.headers.pop("content-length", str(len(answer.body)))
        head = [f"HTTP/1.1 {answer.status} {http.server.BaseHTTPRequestHandler.responses.get(answer.status, ('',))[0]}",
                *([] if length is None else [f"content-length: {length}"]), f"x-amz-request-id: req-{record.number}", "server: fake-s3",
                f"date: {self.date_time_string(time.time() + self.server.fake.clock_ahead_s)}"]
        head += [f"{name}: {value}" for name, value in answer.headers.items() if value is not None]
        message = "\r\n".join([*head, "", ""]).encode("latin-1") + content
        if fault.drop == "mid_response":
            # Without a body the break comes within the status line: lenient clients take half a header for a whole one.
            self.wfile.write(message[:-len(content) // 2] if content else message[:len("HTTP/1.1 2")])
            raise _Drop
        record.status = answer.status
        self.wfile.write(message)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--bucket", action="append", default=[])
    parser.add_argument("--scenario")
    parser.add_argument("--without-checksums", action="store_true", help="behave as stores that know no CRC32C")
    options = parser.parse_args()
    with FakeS3(port=options.port) as fake:
        fake.store.checksums = not options.without_checksums
        for bucket in options.bucket:
            fake.create_bucket(bucket)
        if options.scenario:
            fake.play(options.scenario)
        print(f"{fake.endpoint}  access key {fake.access_key}  secret key {fake.secret_key}", flush=True)
        shown = 0
        try:
            while True:
                time.sleep(0.2)
                for record in fake.requests[shown:]:
                    print(f"{record.operation} {record.target} {record.status} {record.error}", flush=True)
                    shown += 1
        except KeyboardInterrupt:
            pass


if __name__ == "__main__":
    main()

"""The processes a measurement needs: the null sink and the real vodlift, both on loopback."""

import base64
import hashlib
import hmac
import http.client
import json
import os
import re
import select
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.parse
from pathlib import Path

from measure import BenchError, clean_environment

CDN = 158
USER = "jb"
BUCKET = "bench"
STORAGE = "sestore1"
START_S = 30
STOP_S = 40


class Service:
    """A child process that prints `listening on http://127.0.0.1:PORT`. A context manager: stopped on leaving."""

    def __init__(self, argv, log, env=None):
        self.log = Path(log)
        with self.log.open("ab") as errors:
            self.process = subprocess.Popen(argv, env=clean_environment(env), stdin=subprocess.DEVNULL,
                                            stdout=subprocess.PIPE, stderr=errors)
        self.pid = self.process.pid
        try:
            self.port = self._await_port()
        except BaseException:
            self.kill()
            raise

    def _await_port(self):
        text = b""
        limit = time.monotonic() + START_S
        while time.monotonic() < limit:
            if not select.select([self.process.stdout], [], [], 0.1)[0]:
                continue
            chunk = os.read(self.process.stdout.fileno(), 4096)
            text += chunk
            match = re.search(rb"listening on http://127\.0\.0\.1:(\d+)\s", text)
            if match:
                return int(match.group(1))
            if not chunk:
                break
        tail = self.log.read_text(errors="replace")[-2000:]
        raise BenchError(f"{self.process.args[0]} did not start listening; its log ends with:\n{tail}")

    def stop(self):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(STOP_S)
            except subprocess.TimeoutExpired:
                self.kill()

    def kill(self):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()


class Sink(Service):
    """bench_null_sink; `delay_ms` holds every answer back."""

    def __init__(self, binaries, work, delay_ms=0):
        super().__init__([str(binaries / "bench_null_sink"), "--delay-ms", str(delay_ms)], work / "sink.log")
        self.url = f"http://127.0.0.1:{self.port}"

    def _ask(self, method, path):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        try:
            connection.request(method, path)
            answer = connection.getresponse()
            return answer, answer.read()
        finally:
            connection.close()

    def stats(self):
        return json.loads(self._ask("GET", "/_sink/stats")[1])

    def reset(self):
        self._ask("POST", "/_sink/reset")

    def check_object(self, key, size):
        """Raises BenchError unless the sink was given an object of that size."""
        answer, _ = self._ask("HEAD", f"/{BUCKET}/{key}")
        stored = answer.getheader("Content-Length") if answer.status == 200 else "nothing"
        if stored != str(size):
            raise BenchError(f"the sink holds {stored} under {key}, not {size} bytes")


class TlsFront:
    """stunnel before a sink: `url` is https, `certificate` what its clients have to trust. Its cost counts for no client."""

    def __init__(self, sink, work):
        self.certificate = work / "tls.pem"
        key = work / "tls.key"
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
                        "-days", "2", "-subj", "/CN=localhost", "-addext", "subjectAltName=IP:127.0.0.1,DNS:localhost",
                        "-keyout", key, "-out", self.certificate], check=True, capture_output=True)
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        config = work / "stunnel.conf"
        config.write_text(f"foreground = yes\npid =\n[sink]\naccept = 127.0.0.1:{port}\nconnect = 127.0.0.1:{sink.port}\n"
                          f"cert = {self.certificate}\nkey = {key}\n")
        with (work / "stunnel.log").open("wb") as log:
            self.process = subprocess.Popen(["stunnel4", config], stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        self.url = f"https://127.0.0.1:{port}"
        limit = time.monotonic() + START_S
        while True:
            try:
                socket.create_connection(("127.0.0.1", port), 1).close()
                return
            except OSError:
                if time.monotonic() > limit:
                    self.process.kill()
                    raise BenchError(f"stunnel did not start: {(work / 'stunnel.log').read_text()}") from None
                time.sleep(0.05)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait(10)


class EventStreams:
    """So many open streams of events, read by a process of their own. A context manager."""

    def __init__(self, server, streams):
        self.streams = streams
        if not streams:
            return
        script = Path(__file__).resolve().parent / "event_streams.py"
        self.process = subprocess.Popen([sys.executable, str(script), str(server.socket), "--streams", str(streams)],
                                        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE)
        if b"all streams are open" not in self.process.stdout.readline():
            self.process.wait()
            raise BenchError(f"{streams} streams of events cannot be opened")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.streams:
            self.process.terminate()
            self.process.wait()


class Vodlift(Service):
    """The real server with one account, key and bucket. `directory` keeps its database; a second start continues it."""

    def __init__(self, binary, directory, storage_root, worker, env=None):
        self.binary, self.directory = binary, Path(directory)
        self.directory.mkdir(parents=True, exist_ok=True)
        self.socket = self.directory / "admin.sock"
        config = self.directory / "vodlift.toml"
        config.write_text(
            f'[server]\nlisten = "127.0.0.1:0"\nadmin_socket = "{self.socket}"\n\n'
            f'[store]\npath = "{self.directory / "vodlift.db"}"\n\n'
            f'[[storage]]\nname = "{STORAGE}"\nroot = "{storage_root}"\n\n'
            f'[worker]\nuploads = {worker["uploads"]}\nparts_per_upload = {worker["parts_per_upload"]}\nsource_quiet_s = 0\n')
        super().__init__([str(binary), "serve", "--config", str(config)], self.directory / "vodlift.log", env)
        self.connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        self.secret_file = self.directory / "secret"
        key_file = self.directory / "api_key"
        self.api_key = key_file.read_text() if key_file.exists() else ""

    def set_up(self, endpoint):
        """Makes account, key and bucket through the administration's own door."""
        self._cli("account", "add", "--cdn", str(CDN), "--user", USER)
        key = json.loads(self._cli("key", "add", "--cdn", str(CDN), "--json"))
        self.api_key = key["api_key"]
        (self.directory / "api_key").write_text(self.api_key)
        self._write_private(self.secret_file, key["secret"])
        s3_secret = self.directory / "s3_secret"
        self._write_private(s3_secret, "bench-secret")
        self._cli("bucket", "add", "--cdn", str(CDN), "--bucket", BUCKET, "--endpoint", endpoint, "--region",
                  "us-east-1", "--access-key", "AKIABENCH", "--secret-key-file", str(s3_secret), "--path-style")
        return self

    @staticmethod
    def _write_private(path, text):
        path.touch(mode=0o600)
        path.write_text(text)

    def _cli(self, *arguments):
        result = subprocess.run([str(self.binary), *arguments, "--socket", str(self.socket)], env=clean_environment(),
                                capture_output=True, text=True, timeout=60)
        if result.returncode != 0:
            raise BenchError(f"vodlift {' '.join(arguments[:2])} failed: {result.stderr.strip()}")
        return result.stdout

    def call(self, command, **fields):
        """One signed call of the legacy API over a kept connection; its `data`."""
        request = json.dumps({"command": command, "api_key": self.api_key, "timestamp": int(time.time()), "cdn": CDN,
                              **fields}, separators=(",", ":"))
        mac = hmac.new(self.secret_file.read_bytes(), request.encode(), hashlib.sha256).digest()
        signed = f'{request[:-1]},"signature":"{base64.b64encode(mac).decode()}"}}'
        try:
            answer = self._post(signed)
        except (ConnectionError, http.client.HTTPException):  # closed, because other clients had their turn for long
            self.connection.close()
            answer = self._post(signed)
        if answer["status"] != "success":
            raise BenchError(f"{command} was answered {answer.get('code')}: {answer.get('message')}")
        return answer["data"]

    def _post(self, signed):
        self.connection.request("POST", "/stable/", urllib.parse.urlencode({"json": signed}),
                                {"Content-Type": "application/x-www-form-urlencoded"})
        return json.loads(self.connection.getresponse().read())

    def upload(self, file, key):
        return self.call("aws.upload", path=f"{STORAGE}/{USER}/{file}", destination_path=key, metadata={},
                         acl="private", bucket=BUCKET, callback="")

    def all_completed(self, ids):
        """Whether these (at most 100) uploads are completed. Raises BenchError when one ended otherwise."""
        found = self.call("aws.status", id=ids)
        for upload in found:
            if upload["state"] in ("failed", "cancelled") or upload.get("error"):
                raise BenchError(f"upload {upload['id']} is {upload['state']}: {upload.get('error')}")
        return len(found) == len(ids) and all(upload["state"] == "completed" for upload in found)


def fresh_directory(path):
    shutil.rmtree(path, ignore_errors=True)
    path.mkdir(parents=True)
    return path


def enqueue(binaries, server, requests, file, destination, connections=64, ids_file=None):
    """Runs bench_enqueue_load; its report. Every call accepted, every id distinct, or BenchError."""
    argv = [str(binaries / "bench_enqueue_load"), "--port", str(server.port), "--requests", str(requests),
            "--connections", str(connections), "--api-key", server.api_key, "--secret-file", str(server.secret_file),
            "--cdn", str(CDN), "--bucket", BUCKET, "--path", f"{STORAGE}/{USER}/{file}", "--destination", destination]
    if ids_file:
        argv += ["--ids-file", str(ids_file)]
    result = subprocess.run(argv, env=clean_environment(), capture_output=True, text=True)
    if result.returncode != 0:
        raise BenchError(f"enqueue_load: {result.stderr.strip()}")
    return json.loads(result.stdout)

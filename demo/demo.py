#!/usr/bin/python3
"""The whole job, step by step: one video goes from a local storage to a bucket of a real S3 server.

    ./do demo [FILE]

Everything runs on this machine, on loopback, in temporary folders that are removed at the end: Debian's radosgw as the
S3 server, the real vodlift with SQLite, and a small web server that plays the customer and waits for the callback.
"""

import argparse
import concurrent.futures
import errno
import hashlib
import json
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import tempfile
import textwrap
import time

ROOT = pathlib.Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "tests/e2e"))

import boto3
from botocore.config import Config

from api_client import ApiClient, sign
from callback_receiver import CallbackReceiver
from server import Server
from support import MIB

BUCKET = "customer-videos"
SECONDS = 8  # that the upload takes at least, so that it is seen moving in the Control Panel
CDN, USER, STORAGE = 158, "jb", "sestore4"


class DemoError(Exception):
    """What went wrong, for a person."""


class Story:
    """Prints the steps, numbered, with the seconds since the start."""

    def __init__(self) -> None:
        self._began = time.monotonic()
        self._number = 0
        self._bold = ("\033[1m", "\033[0m") if sys.stdout.isatty() else ("", "")

    @property
    def seconds(self) -> float:
        return time.monotonic() - self._began

    def step(self, title: str) -> None:
        self._number += 1
        print(f"\n{self._bold[0]}{self._number}. {title}{self._bold[1]}  [{self.seconds:.1f} s]", flush=True)

    @staticmethod
    def show(text: str) -> None:
        print(textwrap.indent(text, "   "), flush=True)


def wait_for_enter(text: str) -> None:
    """Where a person sits in front of it."""
    if sys.stdin.isatty() and sys.stdout.isatty():
        input(f"\n   {text} ")


def masked(text: str) -> str:
    """Enough of a secret to recognise it, too little to use it."""
    return text[:4] + "…"


def size_text(size: int) -> str:
    return f"{size / MIB:.1f} MiB ({size:,} bytes)"


def sha256_of(stream) -> str:
    digest = hashlib.sha256()
    while chunk := stream.read(MIB):
        digest.update(chunk)
    return digest.hexdigest()


def start_s3(folder: pathlib.Path, osd_bytes: int) -> dict:
    """Brings up radosgw in `folder`; gives back endpoint and keys."""
    done = subprocess.run([ROOT / "tests/s3/rgw-up", folder, "--osd-bytes", str(osd_bytes)],
                          stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, timeout=180)
    if done.returncode != 0:
        raise DemoError(f"the S3 server did not start:\n{done.stderr.strip()}")
    return json.loads((folder / "s3.json").read_text())


def make_video(target: pathlib.Path) -> str:
    """A real MP4 of ffmpeg's test picture, large enough to be sent in parts; gives back how it was made."""
    if not shutil.which("ffmpeg"):
        raise DemoError("ffmpeg is not installed: apt-get install ffmpeg, or give a file of your own: ./do demo FILE")
    command = ["ffmpeg", "-v", "error", "-f", "lavfi", "-i", "testsrc2=size=1280x720:rate=25:duration=24",
               "-f", "lavfi", "-i", "sine=frequency=440:duration=24", "-c:v", "mpeg4", "-q:v", "1", "-c:a", "aac",
               str(target)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    if done.returncode != 0:
        raise DemoError(f"ffmpeg could not make the video: {done.stderr.strip()}")
    if target.stat().st_size <= 20 * MIB:
        raise DemoError(f"the video has only {size_text(target.stat().st_size)}: too small for an upload in parts")
    return "made by ffmpeg: 24 s, 1280x720"


def take_file(source: pathlib.Path, target: pathlib.Path) -> str:
    """Puts the user's file into the storage without changing it: as a hard link if possible, else as a copy."""
    try:
        os.link(source, target)
        return f"a hard link to {source}"
    except OSError as fault:
        if fault.errno not in (errno.EXDEV, errno.EPERM, errno.EMLINK, errno.EOPNOTSUPP):
            raise DemoError(f"{source}: {fault.strerror}") from None
    needed = source.stat().st_size
    if shutil.disk_usage(target.parent).free < needed + 512 * MIB:
        raise DemoError(f"no room for a copy of {source} in {target.parent}: set TMPDIR to a larger place")
    done = subprocess.run(["cp", "--reflink=auto", "--", source, target], capture_output=True, text=True)
    if done.returncode != 0:
        raise DemoError(done.stderr.strip())
    return f"a copy of {source}"


class Demo:
    def __init__(self, file: pathlib.Path | None):
        self.file = file
        self.story = Story()
        self.server = None
        self.s3_folder = pathlib.Path(tempfile.mkdtemp(prefix="vodlift-demo-"))

    def run(self) -> None:
        print(__doc__.partition("\n")[0])
        self.server = Server(log_format="console")
        with CallbackReceiver() as customer:
            self.prepare()
            self.start_vodlift()
            self.show_panel()
            upload_id = self.send_request(customer)
            upload = self.follow(upload_id)
            self.show_callback(customer, upload)
            self.compare(upload)
        wait_for_enter("The Control Panel stays open until you press Enter.")
        self.server.stop()
        self.story.show(f"\nDone in {self.story.seconds:.0f} s: the file is in the bucket byte for byte and the "
                        f"customer was told.")

    def prepare(self) -> None:
        """The S3 server comes up while the video is made."""
        self.story.step("A real S3 server and a video")
        self.story.show("starting; this takes about ten seconds")
        folder = self.server.storage / USER / "films"
        folder.mkdir(parents=True)
        self.name = self.file.name if self.file else "demo.mp4"
        self.source = folder / self.name
        size = self.file.stat().st_size if self.file else 0
        with concurrent.futures.ThreadPoolExecutor(1) as pool:
            starting = pool.submit(start_s3, self.s3_folder, max(8 * 1024 * MIB, size * 3 // 2 + 4096 * MIB))
            origin = take_file(self.file, self.source) if self.file else make_video(self.source)
            with open(self.source, "rb") as stream:
                self.digest = sha256_of(stream)
            self.size = self.source.stat().st_size
            self.s3 = starting.result()
        self.client = boto3.client("s3", endpoint_url=self.s3["endpoint"], region_name=self.s3["region"],
                                   aws_access_key_id=self.s3["access_key"],
                                   aws_secret_access_key=self.s3["secret_key"],
                                   config=Config(s3={"addressing_style": "path"}))
        self.client.create_bucket(Bucket=BUCKET)
        self.story.show(f"S3:     radosgw (Debian's Ceph) at {self.s3['endpoint']}, bucket {BUCKET}\n"
                        f"video:  {STORAGE}/{USER}/films/{self.name}, {origin}\n"
                        f"        {size_text(self.size)}\n"
                        f"        SHA-256 {self.digest}")

    def start_vodlift(self) -> None:
        self.story.step("vodlift starts, and the operator introduces the customer")
        self.server.start()
        self.account = self.server.add_account(CDN, USER)
        self.key = self.server.add_key(CDN)
        self.server.add_bucket(BUCKET, self.s3["endpoint"], self.s3["access_key"], self.s3["secret_key"], CDN,
                               self.s3["region"])
        self.story.show(f"$ vodlift serve --config vodlift.toml\n"
                        f"listening on {self.server.url}\n"
                        f"$ vodlift account add --cdn {CDN} --user {USER}\n"
                        f"webhook secret: {masked(self.account['webhook_secret'])}\n"
                        f"$ vodlift key add --cdn {CDN}\n"
                        f"API key: {masked(self.key.api_key)}  secret: {masked(self.key.secret)}\n"
                        f"$ vodlift bucket add --cdn {CDN} --bucket {BUCKET} --endpoint {self.s3['endpoint']} \\\n"
                        f"    --region {self.s3['region']} --access-key {masked(self.s3['access_key'])} "
                        f"--secret-key-file - --path-style")

    def show_panel(self) -> None:
        self.story.step("The Control Panel, and the one-time link by which the first admin signs in")
        panel, link = self.server.printed(r"control panel: (\S+)"), self.server.printed(r"(\S+/panel/setup#\S+)")
        if not panel or not link:
            self.story.show("this vodlift was built without its Control Panel")
            return
        rate = max(self.size // SECONDS // MIB, 1)
        self.server.cli("limit", "set", "--cdn", CDN, "--rate", f"{rate}MiB")
        self.story.show(f"{panel}\n"
                        f"choose a name and a password here: {link}\n"
                        f"The upload is slowed down to {rate} MiB a second, so that it is seen moving there.")
        wait_for_enter("Press Enter to send the file.")

    def send_request(self, customer) -> int:
        self.story.step("The customer's signed request, and the answer")
        self.api = ApiClient(self.server.url, self.key.api_key, self.key.secret, CDN)
        request = self.api.request("aws.upload", path=f"{STORAGE}/{USER}/films/{self.name}",
                                   destination_path=f"films/{self.name}", metadata={"param1": "value1"}, acl="private",
                                   bucket=BUCKET, callback=customer.url)
        text = sign(request, self.key.secret)
        shown = json.loads(text)
        shown["api_key"], shown["signature"] = masked(shown["api_key"]), masked(shown["signature"])
        self.story.show(f"POST {self.server.url}/stable/   (multipart/form-data, field json)\n"
                        f"{json.dumps(shown, indent=2, ensure_ascii=False)}")
        answer = self.api.post(text)
        self.story.show(f"answer: {json.dumps(answer.body)}")
        if not answer.ok:
            raise DemoError(f"vodlift refused the request: {answer.message} (code {answer.code})")
        return answer.data

    def follow(self, upload_id: int) -> dict:
        self.story.step(f"aws.status of upload {upload_id} until it ends")
        deadline = time.monotonic() + 60 + self.size / (5 * MIB)
        shown = None
        while True:
            upload = self.api.status(upload_id)
            line = f"{upload['state']:10} {upload['percent']:3} %  {upload['bytes_sent']:,} of {upload['size']:,} bytes"
            step = upload["state"], upload["percent"] // 10
            if step != shown:
                self.story.show(line)
                shown = step
            if upload["state"] in ("failed", "cancelled"):
                reason = (upload["error"] or {}).get("message", "no reason given")
                raise DemoError(f"the upload {upload['state']}: {reason}")
            if upload["state"] == "completed":
                self.story.show(f"ETag {upload['etag']}, confirmed by {upload['checksum']}")
                return upload
            if time.monotonic() > deadline:
                raise DemoError(f"the upload did not end in time; last seen: {line}")
            time.sleep(0.05)

    def show_callback(self, customer, upload: dict) -> None:
        self.story.step("The callback at the customer's server")
        deadline = time.monotonic() + 20
        while not customer.received:
            if time.monotonic() > deadline:
                raise DemoError("no callback arrived within 20 s")
            time.sleep(0.02)
        callback = customer.received[0]
        try:
            callback.verify(self.account["webhook_secret"])
        except AssertionError as fault:
            raise DemoError(f"the callback's signature is wrong: {fault}") from None
        received = callback.json
        if received["data"]["id"] != upload["id"] or received["data"]["state"] != "completed":
            raise DemoError(f"the callback differs from aws.status: {received}")
        brief = {**received, "data": {name: received["data"][name] for name in ("id", "state", "size", "etag", "checksum")}}
        self.story.show(f"POST {callback.path}\n"
                        f"webhook-id: {callback.webhook_id}\n"
                        f"webhook-timestamp: {callback.headers['webhook-timestamp']}\n"
                        f"webhook-signature: {callback.headers['webhook-signature'][:12]}…   verified with the webhook "
                        f"secret\n"
                        f"{json.dumps(brief)}   (in brief)")

    def compare(self, upload: dict) -> None:
        self.story.step("What is in the bucket, read by another client (boto3)")
        stored = self.client.get_object(Bucket=BUCKET, Key=upload["destination_path"])
        digest = sha256_of(stored["Body"])
        self.story.show(f"s3://{BUCKET}/{upload['destination_path']}: {stored['ContentType']}, "
                        f"metadata param1={stored['Metadata'].get('param1')}\n"
                        f"SHA-256 of the file:   {self.digest}\n"
                        f"SHA-256 of the object: {digest}")
        if digest != self.digest or stored["ContentLength"] != self.size:
            raise DemoError("the object is not the file")
        if "Uploads" in self.client.list_multipart_uploads(Bucket=BUCKET):
            raise DemoError("a multipart upload was left open")
        self.story.show("equal")

    def close(self, failed: bool) -> None:
        if self.server:
            if failed and (logs := self.server.logs()):
                print("\nThe end of vodlift's log:\n" + "\n".join(logs.splitlines()[-25:]), file=sys.stderr)
            self.server.remove()
        subprocess.run([ROOT / "tests/s3/rgw-down", self.s3_folder], timeout=60)
        shutil.rmtree(self.s3_folder, ignore_errors=True)


def interrupted(*_):
    raise KeyboardInterrupt


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--binary", type=pathlib.Path, default=ROOT / "build/release/vodlift", help=argparse.SUPPRESS)
    parser.add_argument("file", nargs="?", type=pathlib.Path, help="a video of yours; without one, ffmpeg makes one")
    options = parser.parse_args()
    os.environ["VODLIFT_BINARY"] = str(options.binary)
    if not os.access(options.binary, os.X_OK):
        print(f"demo: {options.binary} is not there; ./do demo builds it first", file=sys.stderr)
        return 1
    if options.file and not options.file.is_file():
        print(f"demo: {options.file} is not a file", file=sys.stderr)
        return 1
    signal.signal(signal.SIGTERM, interrupted)
    demo = Demo(options.file.resolve() if options.file else None)
    code = 1
    try:
        demo.run()
        code = 0
    except DemoError as fault:
        print(f"\ndemo: {fault}", file=sys.stderr)
    except KeyboardInterrupt:
        print("\ndemo: interrupted; cleaning up", file=sys.stderr)
        code = 130
    except (AssertionError, OSError, subprocess.SubprocessError) as fault:
        print(f"\ndemo: {type(fault).__name__}: {fault}", file=sys.stderr)
    finally:
        demo.close(failed=code == 1)
    return code


if __name__ == "__main__":
    sys.exit(main())

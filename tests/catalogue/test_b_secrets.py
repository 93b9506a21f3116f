"""B28: secrets and signatures appear in no log, no answer, no file in clear, no command line, no environment, no core."""

import base64
import itertools
import json
import os
import re
import signal
import time
import urllib.parse

import pytest

from api_client import hmac_base64, sign
from support import CAP_SYS_PTRACE, KIB, MIB, make_file, need_capability, wait_until

CALLS = 1000


def spellings(secret: str) -> set[bytes]:
    """The secret as it is, and as somebody might log or store it without thinking."""
    raw = secret.encode()
    forms = {raw, raw.hex().encode(), base64.b64encode(raw), urllib.parse.quote(secret, safe="").encode(),
             json.dumps(secret)[1:-1].encode(), secret.replace("/", "\\/").encode()}
    for form, decode in (("[A-Za-z0-9+/]{43}=", base64.b64decode), ("[0-9a-f]{64}", bytes.fromhex)):
        if re.fullmatch(form, secret):
            decoded = decode(secret)
            forms |= {decoded, decoded.hex().encode(), base64.b64encode(decoded)}
    return forms


class Search:
    """Looks for thousands of needles in one pass over each place."""

    HEAD = 8

    def __init__(self, secrets: dict[str, str]):
        self._by_head: dict[bytes, list[tuple[str, bytes]]] = {}
        for what, secret in secrets.items():
            for needle in spellings(secret):
                assert len(needle) >= self.HEAD, f"{what} is too short to look for"
                self._by_head.setdefault(needle[:self.HEAD], []).append((what, needle))

    def hits(self, content: bytes) -> set[str]:
        heads, size = self._by_head, self.HEAD
        return {what for at in range(len(content) - size + 1) if (head := content[at:at + size]) in heads
                for what, needle in heads[head] if content.startswith(needle, at)}


@pytest.fixture
def busy(site, fake):
    """A site that logs all it can, with a bucket and files; it judges every failure."""
    site.server.configure(log_level="debug", extra="[limits]\nfailures_per_s = 0")
    site.server.restart()
    site.use(fake, "videos")
    make_file(site.files / "small.mp4", KIB)
    make_file(site.files / "large.mp4", 17 * MIB)
    return site


def calls_of_every_kind(callback: str):
    """Commands with their fields, without end: good ones, and bad ones of every code."""
    fields = {"path": "sestore4/jb/small.mp4", "bucket": "videos", "metadata": {"a": "b"}, "callback": ""}
    for turn in itertools.count():
        upload = {**fields, "destination_path": f"{turn}.mp4"}
        yield "aws.upload", upload
        yield "aws.upload", {**upload, "callback": callback if turn % 10 == 0 else "", "priority": turn % 10}
        yield "aws.upload", {**upload, "path": "sestore4/jb/absent.mp4"}
        yield "aws.upload", {**upload, "bucket": "unknown"}
        yield "aws.upload", {"path": "sestore4/jb/small.mp4"}
        yield "aws.upload", {**upload, "timestamp": int(time.time()) - 10_000}
        yield "aws.upload", {**upload, "cdn": 159}
        yield "aws.upload", {**upload, "acl": "everybody"}
        yield "aws.status", {"id": turn + 1}
        yield "aws.status", {"limit": 2}
        yield ("aws.cancel", "aws.pause", "aws.resume", "aws.retry")[turn % 4], {"id": turn + 1}
        yield ("files.getstorage", "files.list", "no.such.command")[turn % 3], {"path": "sestore4/jb"}


def damaged(text: str, turn: int) -> str:
    """Most requests as they are; some with a signature of other bytes, and some that are no JSON."""
    if turn % 10 == 3:
        return text.replace('"api_key"', '"API_key"') if turn % 20 == 3 else text.replace('"cdn": 158', '"cdn": 0158')
    return text.replace('"command"', '"x": 1, "command"') if turn % 10 == 7 else text


def make_calls(site, callback: str, secrets: dict[str, str]) -> list[dict]:
    """Makes the calls, adds their signatures to the secrets, gives back the answers."""
    answers = []
    calls = calls_of_every_kind(callback)
    for turn in range(CALLS):
        command, fields = next(calls)
        text = sign(site.api.request(command, **fields), site.key.secret)
        secrets[f"signature {turn}"] = json.loads(text)["signature"]
        answers.append(site.api.post(damaged(text, turn), ("multipart", "urlencoded")[turn % 2]).body)
        if turn % 7 == 0:
            answers.append(site.api.post(text).body)
    return answers


def everything_told(site, answers: list[dict], receiver) -> dict[str, bytes]:
    """What can be seen from outside while it runs."""
    need_capability(CAP_SYS_PTRACE, "the environment of another process")
    process = f"/proc/{site.server.process.pid}"
    places = {"answers": json.dumps(answers).encode(), "callbacks": b"".join(one.body for one in receiver.received)}
    for name in ("cmdline", "environ"):
        with open(f"{process}/{name}", "rb") as file:
            places[name] = file.read()
    for command in (("account", "list"), ("key", "list"), ("bucket", "list"), ("status",), ("status", "1")):
        for style in ((), ("--json",)):
            places[" ".join((*command, *style))] = site.server.cli(*command, *style).encode()
    return places


def files_of(site, when: str) -> dict[str, bytes]:
    return {f"{path.name}, {when}": path.read_bytes() for path in site.server.folder.iterdir()
            if path.is_file() and path.name != "master.key"}


def dumped_core(site) -> bool:
    """Ends the server as a crash does."""
    site.server.process.send_signal(signal.SIGABRT)
    _, status = os.waitpid(site.server.process.pid, 0)
    site.server.process = None
    assert os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGABRT
    return os.WCOREDUMP(status)


def test_B28_secrets_show_nowhere(busy, fake, receiver):
    secrets = {"API secret": busy.key.secret, "S3 secret key": fake.secret_key,
               "webhook secret": busy.account["webhook_secret"],
               "webhook key": busy.account["webhook_secret"].removeprefix("whsec_")}
    rotate = ("key", "rotate", "--api-key", busy.key.api_key, "--json", "--overlap")
    secrets["previous secret"] = json.loads(busy.server.cli(*rotate, "0"))["secret"]
    busy.key.secret = json.loads(busy.server.cli(*rotate, "1h"))["secret"]
    secrets["new secret"] = busy.key.secret
    answers = make_calls(busy, receiver.url, secrets)
    codes = {answer.get("code", "success") for answer in answers}
    assert codes >= {"success", "0000", "0001", "0002", "0003", "0006", "2001", "2002", "2004"}, codes
    large = busy.queue("large.mp4", "videos", callback=receiver.url)
    busy.wait_for(large, "completed")
    fake.play("put_access_denied")
    busy.wait_for(busy.queue("small.mp4", "videos", "denied.mp4", callback=receiver.url), "failed")
    wait_until(lambda: len(receiver.received) >= 3, 20, "callbacks arrive")

    for record in fake.requests:
        secrets[f"S3 signature {record.number}"] = re.search("Signature=([0-9a-f]{64})",
                                                             record.headers["authorization"])[1]
    for number, callback in enumerate(receiver.received):
        secrets[f"webhook signature {number}"] = callback.headers["webhook-signature"].removeprefix("v1,")
    places = everything_told(busy, answers, receiver) | files_of(busy, "running")
    assert not dumped_core(busy)
    places |= files_of(busy, "crashed")
    busy.server.start()
    busy.server.stop()
    places |= files_of(busy, "stopped")

    search = Search(secrets)
    assert not (found := {where: hits for where, content in places.items() if (hits := search.hits(content))}), found
    assert len(secrets) > CALLS and {"vodlift.db, crashed", "vodlift.db-wal, crashed", "stderr.2, running"} <= set(places)
    assert b"absent.mp4" in places["answers"] and b"small.mp4" in places["vodlift.db, stopped"], "nothing was looked through"


def test_B28_the_search_finds_what_is_there():
    text = '{"command": "x"}'
    signature = hmac_base64("secret of some length", text)
    raw = base64.b64decode(signature)
    search = Search({"signature": signature, "secret": "secret/of some+length"})
    for spelt in (signature.encode(), raw, raw.hex().encode(), signature.replace("+", "%2B").replace("/", "%2F").
                  replace("=", "%3D").encode()):
        assert search.hits(b"before" + spelt + b"after") == {"signature"}
    assert search.hits(b"secret\\/of some+length") == {"secret"} and search.hits(b"secret of some length") == set()

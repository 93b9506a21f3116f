"""A callback reports to the customer how an upload ended: at least once, signed, never too early, never by a redirect."""

import json
import socket
import subprocess
import threading
import time
import urllib.parse

import pytest

from support import KIB, binary, make_file, wait_until


def ended(site, fake, receiver, upload_state="completed", **fields) -> dict:
    site.use(fake, "videos")
    make_file(site.files / "film.mp4", KIB)
    return site.wait_for(site.queue("film.mp4", "videos", callback=receiver.url, **fields), upload_state)


def test_body_and_headers(site, fake, receiver):
    states = []
    receiver.on_receive = lambda callback: states.append(site.api.status(callback.json["data"]["id"]))
    upload = ended(site, fake, receiver, metadata={"param1": "value1"})
    callback = wait_until(lambda: receiver.received and receiver.received[0], 10, "the callback arrives")
    callback.verify(site.account["webhook_secret"])
    assert callback.path == "/uploaded" and callback.headers["content-type"].startswith("application/json")
    assert callback.json["status"] == "success" and callback.json["message"]
    told = callback.json["data"]
    for name in ("id", "state", "path", "destination_path", "bucket", "acl", "acl_applied", "metadata", "callback",
                 "size", "bytes_sent", "percent", "error", "etag", "checksum", "created", "finished"):
        assert told[name] == upload[name], name
    assert told["metadata"] == {"param1": "value1"}
    assert states[0]["state"] == "completed", "whoever asks while the callback comes in sees the end state"
    assert len(callback.body) < 20000
    site.server.restart()
    time.sleep(0.5)
    assert len(receiver.received) == 1, "a delivered callback is not sent again after a restart"


def test_both_secrets_sign_while_one_replaces_the_other(site, fake, receiver):
    old = site.account["webhook_secret"]
    new = json.loads(site.server.cli("account", "rotate", "--cdn", 158, "--json"))["webhook_secret"]
    site.server.secrets.append(new)
    site.use(fake, "videos")
    make_file(site.files / "film.mp4", KIB)

    def next_callback():
        count = len(receiver.received)
        site.queue("film.mp4", "videos", f"{count}.mp4", callback=receiver.url)
        return wait_until(lambda: len(receiver.received) > count and receiver.received[-1], 20, "the callback arrives")

    both = next_callback()
    assert len(both.headers["webhook-signature"].split(" ")) == 2
    for secret in (old, new):
        both.verify(secret)
    site.server.restart()
    next_callback().verify(old)
    newest = json.loads(site.server.cli("account", "rotate", "--cdn", 158, "--overlap", 0, "--json"))["webhook_secret"]
    site.server.secrets.append(newest)
    site.server.cli("account", "set", "--cdn", 158, "--callback-format", "form")
    last = next_callback()
    last.verify(newest)
    assert len(last.headers["webhook-signature"].split(" ")) == 1
    assert last.headers["content-type"] == "application/x-www-form-urlencoded"
    (name, body), = urllib.parse.parse_qsl(last.body.decode())
    assert name == "json" and json.loads(body)["status"] == "success"


def test_failure_is_told_too(site, fake, receiver):
    fake.play("put_access_denied")
    upload = ended(site, fake, receiver, "failed")
    callback = wait_until(lambda: receiver.received and receiver.received[0], 10, "the callback arrives")
    callback.verify(site.account["webhook_secret"])
    assert callback.json["status"] == "failure" and callback.json["code"]
    assert callback.json["data"]["state"] == "failed" and callback.json["data"]["error"] == upload["error"]


def test_no_callback_where_none_is_asked_for(site, fake):
    site.use(fake, "videos")
    make_file(site.files / "film.mp4", KIB)
    assert site.wait_for(site.queue("film.mp4", "videos"), "completed")["callback_state"] == "none"


def test_retried_after_an_error(site, fake, new_receiver):
    receiver = new_receiver((500, {}), (200, {}))
    upload = ended(site, fake, receiver)
    wait_until(lambda: len(receiver.received) == 1, 10, "the first delivery")
    assert site.api.status(upload["id"])["callback_state"] == "pending"
    wait_until(lambda: len(receiver.received) == 2, 15, "the second delivery")
    first, second = receiver.received
    assert 4.5 <= second.at - first.at <= 8, "the first retry comes after 5 s"
    assert first.webhook_id == second.webhook_id and first.body == second.body
    assert int(second.headers["webhook-timestamp"]) > int(first.headers["webhook-timestamp"])
    second.verify(site.account["webhook_secret"])
    wait_until(lambda: site.api.status(upload["id"])["callback_state"] == "delivered", 10, "the delivery is recorded")


def test_retried_after_kill(site, fake, new_receiver):
    """The pending callback is part of the committed end: it survives the server."""
    receiver = new_receiver((503, {}), (204, {}))
    upload = ended(site, fake, receiver)
    wait_until(lambda: len(receiver.received) == 1, 10, "the first delivery")
    wait_until(lambda: "callback failed, and is sent again" in site.server.logs(), 10, "the attempt is recorded")
    site.server.kill9()
    site.server.start()
    wait_until(lambda: len(receiver.received) == 2, 15, "the second delivery")
    assert receiver.received[0].webhook_id == receiver.received[1].webhook_id
    wait_until(lambda: site.api.status(upload["id"])["callback_state"] == "delivered", 10, "the delivery is recorded")


def test_a_redirect_is_not_followed(site, fake, receiver, new_receiver):
    moved = new_receiver((302, {"location": receiver.url}))
    upload = ended(site, fake, moved)
    wait_until(lambda: len(moved.received) == 2, 15, "a redirect counts as a failure and is tried again")
    assert not receiver.received
    assert site.api.status(upload["id"])["callback_state"] == "pending"


class RawReceiver:
    """Takes requests whole, and answers each with the same bytes; then it closes the connection, unless it is to stay."""

    def __init__(self, answer: bytes, closes: bool):
        self.requests = 0
        self._answer, self._closes, self._held = answer, closes, []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}/uploaded"
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            request = b""
            while b"\r\n\r\n" not in request:
                request += connection.recv(65536)
            head, _, body = request.partition(b"\r\n\r\n")
            length = int(head.lower().split(b"content-length:")[1].split()[0])
            while len(body) < length:
                body += connection.recv(65536)
            self.requests += 1
            connection.sendall(self._answer)
            if self._closes:
                connection.close()
            else:
                self._held.append(connection)

    def close(self) -> None:
        self._listener.close()
        for connection in self._held:
            connection.close()


@pytest.mark.parametrize("rest, closes", [
    (b"Content-Length: 100\r\n\r\nshort", True), (b"Content-Length: x\r\n\r\n", True), (b"Content-Length: -1\r\n\r\n", True),
    (b"Transfer-Encoding: chunked\r\n\r\nzz\r\nbroken", True), (b"Transfer-Encoding: chunked\r\n\r\n5\r\nab", True),
    (b"Content-Length: 1\r\nContent-Length: 2\r\n\r\nab", True), (b"X-Cut-Off: in the hea", True),
    (b"X: " + b"y" * 300_000 + b"\r\n\r\n", True), (b"Content-Encoding: gzip\r\n\r\nnot gzip", True),
    (b"\r\nno length, and it stays open", False), (b"Content-Length: 100\r\n\r\nshort, and it stays open", False)],
    ids=["too short", "no number", "negative", "bad chunk", "cut chunk", "two lengths", "cut head", "long head", "no gzip",
         "left open", "left open short of its length"])
def test_the_status_line_decides(site, fake, rest, closes):
    """What is wrong behind it is no reason to deliver twice."""
    receiver = RawReceiver(b"HTTP/1.1 200 OK\r\n" + rest, closes)
    try:
        upload = ended(site, fake, receiver)
        wait_until(lambda: site.api.status(upload["id"])["callback_state"] == "delivered", 30, "the delivery is recorded")
        assert receiver.requests == 1
    finally:
        receiver.close()


@pytest.mark.parametrize("answer", [b"", b"HTTP/1.1 100 Continue\r\n\r\n", b"nonsense\r\n\r\n"],
                         ids=["none", "interim only", "nonsense"])
def test_what_is_no_status_is_no_delivery(site, fake, answer):
    receiver = RawReceiver(answer, closes=True)
    try:
        upload = ended(site, fake, receiver)
        wait_until(lambda: receiver.requests == 2, 20, "it is delivered again")
        assert site.api.status(upload["id"])["callback_state"] == "pending"
    finally:
        receiver.close()


def test_gone_stops(site, fake, new_receiver):
    receiver = new_receiver((410, {}))
    upload = ended(site, fake, receiver)
    wait_until(lambda: site.api.status(upload["id"])["callback_state"] == "stopped", 10, "410 stops it")
    assert len(receiver.received) == 1


def test_retry_after_is_honoured(site, fake, new_receiver):
    receiver = new_receiver((429, {"retry-after": "9"}), (200, {}))
    ended(site, fake, receiver)
    wait_until(lambda: len(receiver.received) == 2, 20, "the second delivery")
    assert receiver.received[1].at - receiver.received[0].at >= 8.5


def test_a_slow_receiver_does_not_hold_up_others(site, fake, receiver, new_receiver):
    slow = new_receiver((200, {}))
    slow.on_receive = lambda _callback: time.sleep(6)
    site.use(fake, "videos")
    make_file(site.files / "film.mp4", KIB)
    for number in range(4):
        site.queue("film.mp4", "videos", f"slow{number}.mp4", callback=slow.url)
    began = time.monotonic()
    site.queue("film.mp4", "videos", "quick.mp4", callback=receiver.url)
    wait_until(lambda: receiver.received, 5, "the other receiver hears of its upload")
    assert time.monotonic() - began < 5


def test_proxy_settings_of_the_environment_are_ignored(site, fake, receiver, new_receiver, monkeypatch):
    """A proxy could reach addresses that the address guard forbids."""
    proxy = new_receiver((200, {}))
    site.server.stop()
    real_popen = subprocess.Popen

    def with_proxy(arguments, **options):
        if arguments[0] == binary():
            options["env"] = {**options["env"], "http_proxy": f"http://127.0.0.1:{proxy.port}",
                              "ALL_PROXY": f"http://127.0.0.1:{proxy.port}", "NO_PROXY": f"127.0.0.1:{fake.port}"}
        return real_popen(arguments, **options)

    monkeypatch.setattr(subprocess, "Popen", with_proxy)
    site.server.start()
    monkeypatch.undo()
    site.use(fake, "videos")
    make_file(site.files / "film.mp4", KIB)
    site.queue("film.mp4", "videos", callback=receiver.url)
    wait_until(lambda: receiver.received, 15, "the callback arrives")
    assert not [one for one in proxy.received if one.path.endswith("/uploaded")]

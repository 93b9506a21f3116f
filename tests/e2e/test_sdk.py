"""The clients of sdk/ and the receivers of sdk/examples/, each run in its own language against the real server."""

import http.client
import http.server
import json
import re
import socket
import ssl
import threading
import time
import urllib.parse

import pytest

from callback_receiver import CallbackReceiver
from certificates import make_certificate
from fake_s3 import FakeS3
from proxy import Proxy
from sdk_programs import LANGUAGES, SDK, Programs
from server import Key, Site
from support import KIB, make_file, wait_until

RECEIVERS = ("php", "python", "node", "go")
TEXT = "Frühling / 春 'quoted' \"words\" \\ & = + % 100"


@pytest.fixture(scope="module")
def programs(tmp_path_factory):
    return Programs(tmp_path_factory.mktemp("sdk"))


@pytest.fixture(scope="module")
def ready():
    """A site with a bucket and a file, for all tests of this file."""
    with FakeS3() as fake:
        fake.create_bucket("videos")
        site = Site()
        site.use(fake, "videos")
        make_file(site.files / "fïlm 1+2.mp4", KIB)
        yield site
        site.close()


@pytest.fixture(autouse=True)
def no_secret_is_printed(programs, ready):
    yield
    assert not [secret[:4] for secret in ready.server.secrets if secret in programs.printed or secret.removeprefix("whsec_") in programs.printed]


@pytest.fixture(params=LANGUAGES)
def sdk(request, programs, ready):
    """sdk(*calls, …): what a client in this language says, of the site, or of another url or key."""
    def run(*calls, url: str = "", key: Key = ready.key, **options) -> list[dict]:
        return programs.run(request.param, url or f"{ready.server.url}/stable/", key, *calls, **options)

    run.language = request.param
    return run


def upload(name: str, **options) -> tuple:
    return "upload", "sestore4/jb/fïlm 1+2.mp4", f"new/{name} ü.mp4", "videos", {"metadata": {"title": TEXT}, **options}


def test_upload_wait_and_status(sdk, ready):
    queued, = sdk(upload(sdk.language))
    ended, one, several, dumped = sdk(("wait", queued["result"], 20), ("status", queued["result"]), ("status", [queued["result"], 999999]), ("dump",))
    assert ended["result"]["state"] == "completed" and ended["result"]["size"] == KIB
    assert one["result"] == ended["result"] and several["result"] == [ended["result"]]
    assert one["result"]["metadata"] == {"title": TEXT} and one["result"]["destination_path"] == f"new/{sdk.language} ü.mp4"
    assert ready.api.status(queued["result"])["state"] == "completed"
    assert dumped["result"]


# What a shown program needs around it.
AROUND = {"php": ("<?php\n", ""), "perl": ("use utf8;\n", ""), "go": ('package main\nimport ("context"; "fmt"; "os"; "time"; "vodlift")\nfunc main() {\nctx := context.Background()\n', "}\n")}


@pytest.mark.parametrize("language", LANGUAGES)
def test_programs_of_the_readme(ready, programs, language):
    block, = re.findall(rf"```{'js' if language == 'node' else language}\n(.*?)```", (SDK / "README.md").read_text(), re.DOTALL)
    for shown, real in {"https://vodlift.example.com/stable/": f"{ready.server.url}/stable/", "jb/film.mp4": "jb/fïlm 1+2.mp4", "my_bucket": "videos",
                        "films/film.mp4": f"shown/{language}.mp4"}.items():
        assert shown in block, shown
        block = block.replace(shown, real)
    before, after = AROUND.get(language, ("", ""))
    assert programs.run_text(language, before + block + after, ready.key) == "completed\n"
    assert ready.api.all()[0]["destination_path"] == f"shown/{language}.mp4"


def test_errors_have_the_servers_code(sdk, ready):
    storages, missing, unknown, misspelt = sdk(("call", "files.getstorage", {}), ("call", "aws.upload", {"path": "x"}), ("status", 999999),
                                               ("call", "aws.status", {"limit": 101}))
    assert storages["result"][0]["storage"] == "sestore4"
    assert (missing["code"], missing["retryable"]) == ("0006", False) and "bucket" in missing["message"]
    assert unknown["code"] == "2005" and misspelt["code"] == "2001"
    wrong = Key(ready.key.api_key, "ü" + ready.key.secret[1:])
    refused, = sdk(("status", 1), key=wrong)
    assert (refused["code"], refused["retryable"]) == ("0003", False)
    assert ready.key.secret[1:] not in str(refused)
    gone, = sdk(("upload", "sestore4/jb/none.mp4", "a", "videos", {}))
    assert gone["code"] == "2002"


def test_a_lost_answer_makes_no_second_upload(sdk, ready):
    """The connection ends when the server has taken the request: the same bytes are sent again and get the first id."""
    before = len(ready.api.all())
    with Proxy(ready.server.url) as proxy:
        proxy.loses = lambda seen: len(proxy.seen) == 1
        queued, = sdk(upload(f"lost {sdk.language}"), url=f"{proxy.endpoint}/stable/")
        assert [seen.answered for seen in proxy.seen] == [200, 200]
    newest = ready.api.all()
    assert len(newest) == before + 1 and newest[0]["id"] == queued["result"]


def envelope(**members) -> bytes:
    return json.dumps({"message": "m", "status": "success", "data": 1, "handle_time": 0.1, **members}).encode()


class Answers:
    """A server that gives these (status, headers, body) in turn, the last one for ever; keeps the bodies it got."""

    def __init__(self, *answers, context: ssl.SSLContext | None = None):
        self.got: list[tuple[float, bytes]] = []
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def log_message(self, *_) -> None:
                pass

            def do_POST(self) -> None:
                outer.got.append((time.monotonic(), self.rfile.read(int(self.headers["Content-Length"]))))
                status, headers, body = answers[min(len(outer.got), len(answers)) - 1]
                self.send_response(status)
                for name, value in headers.items():
                    self.send_header(name, value)
                self.end_headers()
                try:
                    self.wfile.write(body)
                except OSError:
                    pass  # the client has enough

            do_GET = do_POST

        class Server(http.server.ThreadingHTTPServer):
            daemon_threads = True

            def handle_error(self, *_) -> None:
                pass

        self._server = Server(("127.0.0.1", 0), Handler)
        if context:
            self._server.socket = context.wrap_socket(self._server.socket, server_side=True, do_handshake_on_connect=False)
        self.url = f"{'https' if context else 'http'}://127.0.0.1:{self._server.server_port}/stable/"

    def __enter__(self) -> "Answers":
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()
        return self

    def __exit__(self, *_) -> None:
        self._server.shutdown()
        self._server.server_close()


def test_busy_servers_are_asked_again(sdk):
    busy = envelope(status="failure", code="1000", data=0)
    with Answers((429, {"Retry-After": "1"}, busy), (502, {}, b"<html>"), (200, {}, envelope(data=7))) as server:
        assert sdk(("call", "aws.cancel", {"id": 7}), url=server.url) == [{"result": 7}]
        assert len(server.got) == 3 and len({body for _, body in server.got}) == 1, "the same signed bytes"
        assert server.got[1][0] - server.got[0][0] >= 0.9, "Retry-After is honoured"
    with Answers((200, {"Retry-After": "1000"}, busy)) as server:
        failed, = sdk(("call", "aws.cancel", {"id": 7}), url=server.url)
        assert (failed["code"], failed["retryable"]) == ("1000", True)
        assert len(server.got) == 1, "no attempt after the time for which the server takes the bytes"
    with Answers((503, {}, b"")) as server:
        failed, = sdk(("call", "aws.cancel", {"id": 7}), url=server.url, retries=1)
        assert (failed["code"], failed["retryable"], len(server.got)) == ("http_503", True, 2)


def test_answers_that_are_none(sdk):
    with Answers((302, {"Location": "/stable/"}, b""), (200, {}, b"x" * (16 * KIB * KIB + 9)), (200, {}, b"<html>")) as server:
        moved, large, garbage = sdk(*[("call", "files.getstorage", {})] * 3, url=server.url, retries=0)
    assert (moved["code"], moved["retryable"]) == ("http_302", False)
    assert (large["code"], large["retryable"]) == ("answer", False) and garbage["code"] == "answer"


def test_large_numbers(sdk):
    most = 2**53 - 1
    shown = {"id": most, "state": "completed", "size": 53_687_091_200_000, "metadata": {}}
    with Answers((200, {}, envelope(data=[shown]))) as server:
        seen, waited = sdk(("status", most), ("wait", most, 5), url=server.url)
        assert server.got[1][0] - server.got[0][0] < 3, "the first poll is at once"
        sent = json.loads(urllib.parse.parse_qs(server.got[0][1].decode())["json"][0])
    for one in (seen, waited):
        assert (one["result"]["id"], one["result"]["size"]) == (most, shown["size"])
    assert sent["id"] in (most, [most])


def test_time_ends_every_wait(sdk):
    shown = {"id": 1, "state": "uploading", "metadata": {}}
    with Answers((200, {}, envelope(data=[shown]))) as server:
        late, = sdk(("wait", 1, 0.7), url=server.url)
    assert (late["code"], late["retryable"]) == ("timeout", True)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        began = time.monotonic()
        failed, = sdk(("call", "files.getstorage", {}), url=f"http://127.0.0.1:{silent.getsockname()[1]}/stable/", timeout=1, retries=0)
        assert failed["code"] == "network" and failed["retryable"] and time.monotonic() - began < 5


def test_tls_certificates_are_verified(sdk, tmp_path):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*make_certificate(tmp_path))
    with Answers((200, {}, envelope()), context=context) as server:
        failed, = sdk(("call", "files.getstorage", {}), url=server.url, retries=0)
        assert failed["code"] == "network" and not server.got


def rotate(site, *options) -> str:
    site.server.secrets.append(json.loads(site.server.cli("account", "rotate", "--cdn", 158, *options, "--json"))["webhook_secret"])
    return site.server.secrets[-1]


@pytest.fixture(scope="module")
def callbacks(ready):
    """Callbacks that the server delivered, as (headers, body): one in JSON, one as a form while two secrets sign; and the secrets."""
    old = ready.account["webhook_secret"]
    with CallbackReceiver() as receiver:
        def next_one() -> tuple[dict, str]:
            count = len(receiver.received)
            ready.queue("fïlm 1+2.mp4", "videos", f"called/{count} ü.mp4", callback=receiver.url, metadata={"title": TEXT})
            seen = wait_until(lambda: len(receiver.received) > count and receiver.received[-1], 20, "the callback arrives")
            return {name: value for name, value in seen.headers.items() if name.startswith("webhook-")}, seen.body.decode()

        plain = next_one()
        new = rotate(ready)
        ready.server.cli("account", "set", "--cdn", 158, "--callback-format", "form")
        form = next_one()
        ready.server.cli("account", "set", "--cdn", 158, "--callback-format", "json")
    return plain, form, old, new


def test_verification(sdk, callbacks):
    (headers, body), (both, form), old, new = callbacks
    foreign = "whsec_" + "A" * 44
    title_case = {name.title(): value for name, value in headers.items()}
    good = [(headers, body, [old]), (title_case, body, [foreign, old]), (both, form, [old]), (both, form, [new]), (both, form, [new, old])]
    for one in sdk(*[("verify", *arguments, 300) for arguments in good]):
        told = one["result"]["data"]
        assert one["result"]["status"] == "success" and told["state"] == "completed"
        assert told["metadata"] == {"title": TEXT} and told["destination_path"].endswith(" ü.mp4")
    past, future = ({**headers, "webhook-timestamp": str(int(headers["webhook-timestamp"]) + by)} for by in (-400, 400))
    bad = [(headers, body + " ", [old]), (headers, body, [foreign]), (headers, body, [new]), (past, body, [old]), (future, body, [old]), (headers, body, []),
           ({**headers, "webhook-id": "other"}, body, [old]), ({**headers, "webhook-signature": ""}, body, [old]), ({}, body, [old]), (headers, body, ["whsec_"]),
           ({**headers, "webhook-timestamp": headers["webhook-timestamp"] + "\n"}, body, [old]), (headers, body, ["whsec_" + old[7:] + "*"])]
    for arguments, one in zip(bad, sdk(*[("verify", *arguments, 300) for arguments in bad])):
        assert one.get("code") == "callback", arguments
    late, = sdk(("verify", past, body, [old], 10**6))
    assert "signature" in late["message"], "the time is signed too"


@pytest.fixture
def free_port():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return taken.getsockname()[1]


def post(url: str, headers: dict, body: bytes) -> int:
    connection = http.client.HTTPConnection(urllib.parse.urlsplit(url).netloc, timeout=10)
    try:
        connection.request("POST", "/", body, headers)
        return connection.getresponse().status
    finally:
        connection.close()


def test_every_receiver_is_run():
    assert {file.suffix for file in (SDK / "examples").glob("receiver.*")} == {LANGUAGES[language][1] for language in RECEIVERS}


@pytest.mark.parametrize("language", RECEIVERS)
@pytest.mark.parametrize("knows", ["old", "both"])
def test_receivers(ready, callbacks, programs, tmp_path, free_port, language, knows):
    """The server's own callbacks while two secrets sign; and what is not genuine."""
    (headers, body), (both, form), old, new = callbacks
    log = tmp_path / "log"
    with programs.receiver(language, {"old": old, "both": f"{new} {old}"}[knows], free_port, log) as url:
        queued = ready.queue("fïlm 1+2.mp4", "videos", f"received/{language} {knows}.mp4", callback=url)
        wait_until(lambda: f"upload {queued}: " in log.read_text(), 20, "the receiver takes the callback")
        wait_until(lambda: ready.api.status(queued)["callback_state"] == "delivered", 10, "the server has the answer")
        assert re.search(r"\b204\b", ready.server.cli("callback", "test", "--cdn", 158, "--url", url))
        assert post(url, both, form.encode()) == 204, "a form"
        assert post(url, headers, body.encode()) == 204, "signed before the new secret was made"
        refused = [(both, form + " "), ({**both, "webhook-timestamp": str(int(time.time()) - 301)}, form), ({}, form),
                   ({**both, "webhook-signature": "v1," + "A" * 43 + "="}, form)]
        assert [post(url, *one[:1], one[1].encode()) for one in refused] == [401] * len(refused)

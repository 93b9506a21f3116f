"""The clients of sdk/, each run in its own language against the real server."""

import http.server
import json
import re
import socket
import ssl
import threading
import time
import urllib.parse

import pytest

from certificates import make_certificate
from proxy import Proxy
from sdk_fixtures import programs, sdk, sdk_site  # pytest finds them here
from sdk_programs import LANGUAGES, SDK, TEXT
from server import Key
from support import KIB


def upload(name: str, **options) -> tuple:
    return "upload", "sestore4/jb/fïlm 1+2.mp4", f"new/{name} ü.mp4", "videos", {"metadata": {"title": TEXT}, **options}


def test_upload_wait_and_status(sdk, sdk_site):
    queued, = sdk(upload(sdk.language))
    ended, one, several, dumped = sdk(("wait", queued["result"], 20), ("status", queued["result"]), ("status", [queued["result"], 999999]), ("dump",))
    assert ended["result"]["state"] == "completed" and ended["result"]["size"] == KIB
    assert one["result"] == ended["result"] and several["result"] == [ended["result"]]
    assert one["result"]["metadata"] == {"title": TEXT} and one["result"]["destination_path"] == f"new/{sdk.language} ü.mp4"
    assert sdk_site.api.status(queued["result"])["state"] == "completed"
    assert dumped["result"]


# What a shown program needs around it.
AROUND = {"php": ("<?php\n", ""), "perl": ("use utf8;\n", ""), "go": ('package main\nimport ("context"; "fmt"; "os"; "time"; "vodlift")\nfunc main() {\nctx := context.Background()\n', "}\n")}


@pytest.mark.parametrize("language", LANGUAGES)
def test_programs_of_the_readme(sdk_site, programs, language):
    block, = re.findall(rf"```{'js' if language == 'node' else language}\n(.*?)```", (SDK / "README.md").read_text(), re.DOTALL)
    for shown, real in {"https://vodlift.example.com/stable/": f"{sdk_site.server.url}/stable/", "jb/film.mp4": "jb/fïlm 1+2.mp4", "my_bucket": "videos",
                        "films/film.mp4": f"shown/{language}.mp4"}.items():
        assert shown in block, shown
        block = block.replace(shown, real)
    before, after = AROUND.get(language, ("", ""))
    assert programs.run_text(language, before + block + after, sdk_site.key) == "completed\n"
    assert sdk_site.api.all()[0]["destination_path"] == f"shown/{language}.mp4"


def test_errors_have_the_servers_code(sdk, sdk_site):
    storages, missing, unknown, misspelt = sdk(("call", "files.getstorage", {}), ("call", "aws.upload", {"path": "x"}), ("status", 999999),
                                               ("call", "aws.status", {"limit": 101}))
    assert storages["result"][0]["storage"] == "sestore4"
    assert (missing["code"], missing["retryable"]) == ("0006", False) and "bucket" in missing["message"]
    assert unknown["code"] == "2005" and misspelt["code"] == "2001"
    wrong = Key(sdk_site.key.api_key, "ü" + sdk_site.key.secret[1:])
    refused, = sdk(("status", 1), key=wrong)
    assert (refused["code"], refused["retryable"]) == ("0003", False)
    assert sdk_site.key.secret[1:] not in str(refused)
    gone, = sdk(("upload", "sestore4/jb/none.mp4", "a", "videos", {}))
    assert gone["code"] == "2002"


def test_a_lost_answer_makes_no_second_upload(sdk, sdk_site):
    """The connection ends when the server has taken the request: the same bytes are sent again and get the first id."""
    before = len(sdk_site.api.all())
    with Proxy(sdk_site.server.url) as proxy:
        proxy.loses = lambda seen: len(proxy.seen) == 1
        queued, = sdk(upload(f"lost {sdk.language}"), url=f"{proxy.endpoint}/stable/")
        assert [seen.answered for seen in proxy.seen] == [200, 200]
    newest = sdk_site.api.all()
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

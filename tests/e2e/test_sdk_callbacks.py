"""Callbacks of the real server: the clients of sdk/ verify them, and the receivers of sdk/examples/ take them."""

import http.client
import json
import re
import socket
import time
import urllib.parse

import pytest

from callback_receiver import CallbackReceiver
from sdk_fixtures import programs, sdk, sdk_site  # pytest finds them here
from sdk_programs import LANGUAGES, SDK, TEXT
from support import wait_until

RECEIVERS = ("php", "python", "node", "go")


def rotate(site, *options) -> str:
    site.server.secrets.append(json.loads(site.server.cli("account", "rotate", "--cdn", 158, *options, "--json"))["webhook_secret"])
    return site.server.secrets[-1]


@pytest.fixture(scope="module")
def callbacks(sdk_site):
    """Callbacks that the server delivered, as (headers, body): one in JSON, one as a form while two secrets sign; and the secrets."""
    old = sdk_site.account["webhook_secret"]
    with CallbackReceiver() as receiver:
        def next_one() -> tuple[dict, str]:
            count = len(receiver.received)
            sdk_site.queue("fïlm 1+2.mp4", "videos", f"called/{count} ü.mp4", callback=receiver.url, metadata={"title": TEXT})
            seen = wait_until(lambda: len(receiver.received) > count and receiver.received[-1], 20, "the callback arrives")
            return {name: value for name, value in seen.headers.items() if name.startswith("webhook-")}, seen.body.decode()

        plain = next_one()
        new = rotate(sdk_site)
        sdk_site.server.cli("account", "set", "--cdn", 158, "--callback-format", "form")
        form = next_one()
        sdk_site.server.cli("account", "set", "--cdn", 158, "--callback-format", "json")
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
def test_receivers(sdk_site, callbacks, programs, tmp_path, free_port, language, knows):
    """The server's own callbacks while two secrets sign; and what is not genuine."""
    (headers, body), (both, form), old, new = callbacks
    log = tmp_path / "log"
    with programs.receiver(language, {"old": old, "both": f"{new} {old}"}[knows], free_port, log) as url:
        queued = sdk_site.queue("fïlm 1+2.mp4", "videos", f"received/{language} {knows}.mp4", callback=url)
        wait_until(lambda: f"upload {queued}: " in log.read_text(), 20, "the receiver takes the callback")
        wait_until(lambda: sdk_site.api.status(queued)["callback_state"] == "delivered", 10, "the server has the answer")
        assert re.search(r"\b204\b", sdk_site.server.cli("callback", "test", "--cdn", 158, "--url", url))
        assert post(url, both, form.encode()) == 204, "a form"
        assert post(url, headers, body.encode()) == 204, "signed before the new secret was made"
        refused = [(both, form + " "), ({**both, "webhook-timestamp": str(int(time.time()) - 301)}, form), ({}, form),
                   ({**both, "webhook-signature": "v1," + "A" * 43 + "="}, form)]
        assert [post(url, *one[:1], one[1].encode()) for one in refused] == [401] * len(refused)

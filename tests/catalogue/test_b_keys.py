"""B24 to B27: secrets that change, limits, and addresses that are not believed."""

import concurrent.futures
import http.client
import json
import time
import urllib.parse

import pytest

from api_client import ApiClient, Answer, read_answer, sign
from clock import SettableClock
from forms import refused
from support import make_file, wait_until


@pytest.fixture
def ready(site, fake):
    site.use(fake, "videos")
    make_file(site.files / "film.mp4", 1000)
    return site


def ask(site, text: str, **headers: str) -> tuple[Answer, str | None]:
    """The answer to a signed text, and its Retry-After."""
    connection = http.client.HTTPConnection(urllib.parse.urlsplit(site.server.url).netloc, timeout=30)
    try:
        connection.request("POST", "/stable/", urllib.parse.urlencode({"json": text}).encode(),
                           {"Content-Type": "application/x-www-form-urlencoded"} | headers)
        answer = connection.getresponse()
        return read_answer(answer), answer.getheader("Retry-After")
    finally:
        connection.close()


def status_text(site, secret: str | None = None, **fields) -> str:
    return sign(site.api.request("aws.status", limit=1, **fields), secret or site.key.secret)


def rotate(site, overlap: str) -> dict:
    rotated = json.loads(site.server.cli("key", "rotate", "--api-key", site.key.api_key, "--overlap", overlap, "--json"))
    site.server.secrets.append(rotated["secret"])
    return rotated


def test_B24_two_secrets_for_the_overlap(ready):
    clock = SettableClock(ready)
    start = int(time.time())
    old = ApiClient(ready.server.url, ready.key.api_key, ready.key.secret)
    upload = sign(old.request("aws.upload", path="sestore4/jb/film.mp4", destination_path="f", bucket="videos"), old.secret)
    first = old.post(upload)
    rotated = rotate(ready, "1h")
    new = ApiClient(ready.server.url, ready.key.api_key, rotated["secret"])
    assert abs(rotated["previous_until"] - start - 3600) < 60
    assert old.call("files.getstorage").ok and new.call("files.getstorage").ok
    assert old.post(upload).data == first.data, "a repeat through a rotation is a repeat"
    ready.server.restart()
    old.url = new.url = ready.server.url
    assert old.call("files.getstorage").ok and new.call("files.getstorage").ok

    def at(seconds):
        clock.set(seconds)
        return [one.call("files.getstorage", timestamp=int(time.time()) + seconds).code for one in (old, new)]

    assert at(3300) == [None, None]
    assert at(3660) == ["0003", None], "after it only the new one"
    clock.set(0)
    again = rotate(ready, "0")
    assert old.call("files.getstorage").code == new.call("files.getstorage").code == "0003", "none is kept"
    assert ApiClient(ready.server.url, ready.key.api_key, again["secret"]).call("files.getstorage").ok


def test_B25_a_flood_of_bad_signatures(site):
    """All of them come from one address, as a client on loopback does; many addresses are the router's unit tests."""
    other = site.server.add_key()
    wrong = status_text(site, "not the secret")
    before = cpu_seconds(site)
    with concurrent.futures.ThreadPoolExecutor(16) as pool:
        answers = list(pool.map(lambda _: ask(site, wrong), range(10_000)))
    spent = cpu_seconds(site) - before
    codes = [(answer.http_status, answer.code) for answer, _ in answers]
    assert set(codes) == {(200, "0003"), (429, "1000")}, set(codes)
    assert 100 <= codes.count((200, "0003")) < 2000 < codes.count((429, "1000"))
    assert all((retry is not None and int(retry) >= 1) is (answer.http_status == 429) for answer, retry in answers)
    assert all(answer.body["status"] == "failure" and answer.data == 0 for answer, _ in answers)
    assert spent < 10, f"{spent} s of CPU for 10,000"

    assert ApiClient(site.server.url, other.api_key, other.secret).call("files.getstorage").ok, "another key, same address"
    lines = [line for line in site.server.logs().splitlines() if "requests were refused" in line]
    assert 1 <= len(lines) < 50, "told, but not each"
    wait_until(lambda: site.api.call("files.getstorage").ok, 10, "the key itself is free again soon")


def cpu_seconds(site) -> float:
    with open(f"/proc/{site.server.process.pid}/stat") as stat:
        fields = stat.read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / 100


def test_B26_a_keys_requests(new_site):
    """The exact edges are the unit tests' (rate_limiter_test.cc, router_limits_test.cc), with a clock of their own."""
    site = new_site(extra="[limits]\nkey_requests_per_s = 1\nkey_burst = 5")
    other = site.server.add_key()
    begun = time.monotonic()
    answers = [ask(site, status_text(site)) for _ in range(20)]
    took = time.monotonic() - begun
    good = [answer for answer, _ in answers if answer.ok]
    assert 5 <= len(good) <= 5 + took + 1
    for answer, retry in answers:
        if not answer.ok:
            refused(answer, "1000", "more traffic than usual")
            assert retry == "1"
    assert ApiClient(site.server.url, other.api_key, other.secret).call("files.getstorage").ok, "the limit is each key's own"
    wait_until(lambda: ask(site, status_text(site))[0].ok, 10, "a token comes back")


def test_B26_failures_of_an_address(new_site):
    site = new_site(extra="[limits]\nfailures_per_s = 1\nfailure_burst = 5")
    begun = time.monotonic()
    answers = [ask(site, status_text(site, "not the secret"))[0] for _ in range(20)]
    judged = [answer.http_status for answer in answers].count(200)
    assert 5 <= judged <= 5 + (time.monotonic() - begun) + 1
    assert {answer.http_status for answer in answers} == {200, 429}


def test_B27_a_forged_address_counts_for_nothing(new_site):
    """Nobody is a proxy unless the configuration says so."""
    site = new_site(extra="[limits]\nfailures_per_s = 1\nfailure_burst = 5")
    inside = site.server.add_key()
    site.server.cli("key", "set", "--api-key", inside.api_key, "--network", "192.0.2.0/24")
    forged = [{"X-Forwarded-For": "192.0.2.7"}, {"Forwarded": "for=192.0.2.7"}, {"X-Real-IP": "192.0.2.7"},
              {"X-Forwarded-For": "192.0.2.7, 192.0.2.8"}]
    text = sign(site.api.request("files.getstorage") | {"api_key": inside.api_key}, inside.secret)
    for headers in forged:
        refused(ask(site, text, **headers)[0], "0001")
    statuses = [ask(site, status_text(site, "not the secret"), **{"X-Forwarded-For": f"198.51.100.{number}"})[0].http_status
                for number in range(20)]
    assert statuses[0] == 200 and statuses[-1] == 429, "one address, whatever it calls itself"

"""B16 to B23: the same signed bytes never make a second upload, whatever happens in between."""

import base64
import concurrent.futures
import json
import subprocess
import time

import pytest

from api_client import hmac_base64, sign
from clock import SettableClock
from php_text import json_encode, serialize
from support import binary, make_file, wait_until


@pytest.fixture
def ready(site, fake):
    site.use(fake, "videos")
    make_file(site.files / "film.mp4", 1000)
    return site


def request_of(site, **fields) -> dict:
    return site.api.request("aws.upload", path="sestore4/jb/film.mp4", destination_path="film.mp4", metadata={},
                            acl="private", bucket="videos", callback="", **fields)


def signed(site, **fields) -> str:
    return sign(request_of(site, **fields), site.key.secret)


def accepted(answer) -> int:
    assert answer.ok and answer.data >= 1, answer
    return answer.data


def ids(site) -> list[int]:
    return [one["id"] for one in site.api.all()]


def test_B16_twice_is_one_upload(ready, fake):
    text = signed(ready)
    first = accepted(ready.api.post(text))
    assert accepted(ready.api.post(text)) == first and accepted(ready.api.post(text, "urlencoded")) == first
    ready.wait_for(first, "completed")
    assert accepted(ready.api.post(text)) == first
    assert ids(ready) == [first] and len(fake.seen("PutObject")) == 1


def test_B17_a_thousand_times_in_parallel(ready, fake):
    """One node only: an SQLite database has one, and a second process that wants it is turned away (below)."""
    text, api = signed(ready), ready.api
    with concurrent.futures.ThreadPoolExecutor(64) as pool:
        answers = list(pool.map(lambda _: api.post(text), range(1000)))
    (first,) = {accepted(answer) for answer in answers}
    ready.wait_for(first, "completed")
    assert ids(ready) == [first] and len(fake.seen("PutObject")) == 1


def test_B17_a_second_node_is_turned_away(ready):
    config = ready.server.folder / "second.toml"
    config.write_text(ready.server.config.read_text().replace("admin.sock", "second.sock"))
    done = subprocess.run([binary(), "serve", "--config", config], capture_output=True, text=True, timeout=20)
    assert done.returncode == 1 and "listening" not in done.stdout, done
    assert "is in use by process" in done.stderr and str(ready.server.store) in done.stderr, done.stderr
    assert accepted(ready.api.post(signed(ready))), "the first one is unharmed"


def test_B18_killed_in_between(ready):
    text = signed(ready)
    first = accepted(ready.api.post(text))
    ready.server.kill9()
    ready.server.start()
    assert accepted(ready.api.post(text)) == first and ids(ready) == [first]


def test_B19_after_the_window_it_is_refused(ready):
    """A request may come from a clock that is ahead by the whole window: then it can be repeated for two of them. That
    rows are not forgotten before, and are after an hour, is for the unit tests of the store and of the dispatcher."""
    clock = SettableClock(ready)
    now = int(time.time())
    usual, ahead = signed(ready, timestamp=now), signed(ready, timestamp=now + 290)
    first, second = accepted(ready.api.post(usual)), accepted(ready.api.post(ahead))
    clock.set(290)
    assert accepted(ready.api.post(usual)) == first
    clock.set(310)
    assert ready.api.post(usual).code == "0002" and accepted(ready.api.post(ahead)) == second
    clock.set(580)
    assert accepted(ready.api.post(ahead)) == second
    clock.set(600)
    assert ready.api.post(usual).code == ready.api.post(ahead).code == "0002"
    clock.set(0)
    assert sorted(ids(ready)) == [first, second]


def test_B20_a_new_timestamp_is_a_new_upload(ready):
    now = int(time.time())
    first, second = (accepted(ready.api.post(signed(ready, timestamp=now - back))) for back in (0, 1))
    assert sorted(ids(ready)) == [first, second] and first != second


def test_B21_a_captured_request_in_other_clothes(ready):
    """What is signed is the text without the member `signature`: however that member is written and wherever it stands, it
    is the same request; and whoever changes a byte of the rest has no signature for it."""
    text = json.dumps(request_of(ready), separators=(",", ":"))
    signature = hmac_base64(ready.key.secret, text)
    value = json.dumps(signature)
    first = accepted(ready.api.post(f'{text[:-1]},"signature":{value}}}'))
    escaped = '"' + "".join(f"\\u{ord(letter):04x}" for letter in signature) + '"'
    middle = text.index('"path"')
    same = [f'{text[:-1]},"signature" : {value}}}', f'{text[:-1]},\n\t"signature":\r\n{escaped}}}',
            f'{text[:-1]},"\\u0073ign\\u0061ture":{value}}}', f'{{"signature":{value},{text[1:]}',
            f'{text[:middle]}"signature":{escaped},{text[middle:]}',
            f'{text[:-1]},"signature":{value.replace("/", chr(92) + "/")}}}']
    for one in same:
        assert accepted(ready.api.post(one)) == first, one
    raw = base64.b64decode(signature)
    for one in (f'{text[:-1]} ,"signature":{value}}}', f'{text[:-1]},"signature":{value} }}',
                f' {text[:-1]},"signature":{value}}}', text.replace(":", ": ")[:-1] + f',"signature":{value}}}',
                f'{text[:-1]},"signature":"{base64.urlsafe_b64encode(raw).decode().rstrip("=")}"}}',
                f'{text[:-1]},"signature":"{raw.hex()}"}}'):
        assert ready.api.post(one).code == "0003", one
    assert ids(ready) == [first]


def test_B16_B21_a_php_request_in_other_clothes(ready):
    """An array is one request: signed by either rule, its signature anywhere, or sent as the JSON that PHP makes of it."""
    request = request_of(ready) | {"metadata": {"title": "é/\"1\""}}

    def signature(text: str) -> dict:
        return {"signature": hmac_base64(ready.key.secret, text)}

    by_json, by_bytes = signature(json_encode(request)), signature(serialize(request))
    first = accepted(ready.api.post(serialize(request | by_bytes), "urlencoded", field="php"))
    for signed_by in (by_bytes, by_json):
        for one in (request | signed_by, signed_by | request):
            assert accepted(ready.api.post(serialize(one), field="php")) == first
    for field in ("json", "php"):
        assert accepted(ready.api.post(json_encode(request | by_json), field=field)) == first
        assert ready.api.post(json_encode(request | by_bytes), field=field).code == "0003", "no rule for JSON text"
    reordered = dict(reversed(request.items()))
    assert ready.api.post(serialize(reordered | by_json), field="php").code == "0003"
    assert ids(ready) == [first]
    ready.server.kill9()
    ready.server.start()
    assert accepted(ready.api.post(serialize(request | by_json), field="php")) == first and ids(ready) == [first]


def test_B22_reads_may_be_repeated(ready):
    upload = accepted(ready.api.post(signed(ready)))
    text = sign(ready.api.request("aws.status", id=upload), ready.key.secret)
    for _ in range(10):
        answer = ready.api.post(text)
        assert answer.ok and [one["id"] for one in answer.data] == [upload], answer


def steps(site) -> list[int]:
    """How far the clock was set, according to the log."""
    lines = [json.loads(line) for line in site.server.logs().splitlines() if line.startswith("{")]
    return [line["by_s"] for line in lines if line["message"].startswith("the clock was set")]


def test_B23_the_clock_is_set(ready):
    clock = SettableClock(ready)
    now = int(time.time())
    text = signed(ready, timestamp=now)
    first = accepted(ready.api.post(text))
    told: list[int] = []
    at = 0
    for to in (3600, 0, -3600, 0, 86400, 0):
        clock.set(to)
        assert (ready.api.post(text).code == "0002") is (to != 0), "the window follows the wall clock"
        assert to != 0 or accepted(ready.api.post(text)) == first, "the repeat is known again"
        fresh = ready.api.call("files.getstorage", timestamp=int(time.time()) + to)
        assert fresh.ok, fresh
        told.append(to - at)
        at = to
        wait_until(lambda: len(steps(ready)) == len(told), 5, f"an alarm for the step to {to}")
    assert all(abs(one - wanted) <= 1 for one, wanted in zip(steps(ready), told)), (steps(ready), told)
    assert ids(ready) == [first]


def test_B23_a_leap_second_is_nothing(ready):
    clock = SettableClock(ready)
    text = signed(ready)
    first = accepted(ready.api.post(text))
    clock.set(60)
    wait_until(lambda: steps(ready), 5, "the alarm works")
    for to in (61, 60, 59, 60):
        clock.set(to)
        assert accepted(ready.api.post(text)) == first
    assert len(steps(ready)) == 1 and ids(ready) == [first]

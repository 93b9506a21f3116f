"""A61 to A70: what a client can put into the field php, and the answers."""

import http.client
import random
import subprocess
import time
import urllib.parse

import pytest

from api_client import hmac_base64
from forms import URLENCODED, refused, send, urlencoded
from php_text import json_encode, serialize

REQUEST = {"path": "sestore4/jb/film.mp4", "destination_path": "film.mp4", "bucket": "videos", "callback": ""}


def signed(site, request: dict, rule=json_encode) -> str:
    """By json_encode() or by serialize()."""
    return serialize(request | {"signature": hmac_base64(site.key.secret, rule(request))})


def with_value(site, value: str, command: str = "aws.upload") -> str:
    """An upload that would be taken but for its metadata, which is this serialized text; signed over the bytes."""
    request = site.api.request(command, **REQUEST)
    text = serialize(request)
    text = f'a:{len(request) + 1}:{text.split(":", 2)[2][:-1]}s:8:"metadata";{value}}}'
    signature = serialize({"signature": hmac_base64(site.key.secret, text)})[5:-1]
    return f'a:{len(request) + 2}:{text.split(":", 2)[2][:-1]}{signature}}}'


def ask(site, text: str | bytes):
    """The answer, which must be serialized whatever it says."""
    if isinstance(text, bytes):
        body = b"php=" + "".join(f"%{byte:02x}" for byte in text).encode()
        return send(site, body, URLENCODED)
    return site.api.post(text, "urlencoded", field="php")


def refused_everywhere(site, value: str, *words: str) -> None:
    """As the whole request, as metadata, and as an entry of it."""
    for text in (value, with_value(site, value), with_value(site, f'a:1:{{s:1:"a";{value}}}')):
        refused(ask(site, text), "2001", "php", *words)


def test_the_frame_is_good(guarded):
    """The request into which the rows below put their values is accepted with a good value."""
    good = with_value(guarded, 'a:1:{s:1:"a";s:1:"b";}', "files.getstorage")
    answer = ask(guarded, good)
    assert answer.ok and answer.data[0]["storage"] == "sestore4", answer


@pytest.mark.parametrize("value", [
    'O:8:"stdClass":0:{}', 'O:8:"stdClass":1:{s:1:"a";i:1;}', 'O:11:"ArrayObject":0:{}', 'C:3:"Foo":4:{abcd}',
    'C:11:"ArrayObject":0:{}', 'E:7:"Foo:Bar";', 'O:+8:"stdClass":0:{}', 'o:0:{}', 'O:3:"PDO":0:{}',
    'O:9:"Exception":1:{s:7:"message";s:1:"x";}'])
def test_A61_objects(guarded, value):
    refused_everywhere(guarded, value)


@pytest.mark.parametrize("value", [
    "R:1;", "r:1;", "R:2;", "r:0;", "R:-1;", "R:99999999999;", "a:1:{i:0;R:1;}", "a:2:{i:0;s:1:\"a\";i:1;R:2;}",
    "a:2:{i:0;a:0:{}i:1;r:2;}"])
def test_A62_references(guarded, value):
    refused_everywhere(guarded, value)


@pytest.mark.parametrize("value", [
    's:99999999999:"a";', 's:-1:"a";', 's:2:"a";', 's:0:"a";', 's:18446744073709551615:"a";', 's:18446744073709551617:"a";',
    's:4294967297:"a";', 's:65000:"a";', 's::"a";', 's:1:"a"', 's:1:"a', "s:1:", 's:01:"a";', 's:+1:"a";', 's: 1:"a";', 's:1:a;'])
def test_A63_lengths(guarded, value):
    refused_everywhere(guarded, value)


@pytest.mark.parametrize("value", [
    "a:1000000000:{", "a:2:{i:0;N;}", "a:1:{i:0;N;i:1;N;}", "a:0:{i:0;N;}", "a:1:{}", "a:-1:{}", "a:18446744073709551615:{}",
    "a:1:{d:0;N;}", "a:1:{d:1.5;N;}", "a:1:{a:0:{}N;}", "a:1:{b:0;N;}", "a:1:{N;N;}", "a:0:{", "a:0:;", "a:01:{i:0;N;}"])
def test_A64_counts_and_keys(guarded, value):
    refused_everywhere(guarded, value)


def nested(depth: int) -> str:
    return "a:1:{i:0;" * (depth - 1) + "a:0:{}" + "}" * (depth - 1)


def test_A65_depth(guarded):
    """16 levels, of which the request itself is one."""
    for depth in (17, 500, 4000):
        refused(ask(guarded, nested(depth)), "2001", "16 levels")
        refused(ask(guarded, with_value(guarded, nested(depth - 1))), "2001", "16 levels")
    assert ask(guarded, with_value(guarded, nested(15), "files.getstorage")).ok
    begin = time.monotonic()
    level = b"a:1:{i:0;"  # as it is: percent-encoded so many would not fit into a body
    refused(send(guarded, b"php=" + level * (64 * 1024 // len(level)), URLENCODED), "2001", "16 levels")
    refused(send(guarded, b"php=" + level * (64 * 1024 // len(level) + 1), URLENCODED), "2001", "65536")
    refused(send(guarded, b"php=" + level * (1024 * 1024 // len(level)), URLENCODED), "2001", http_status=413)
    assert time.monotonic() - begin < 2


def test_A65_size_and_count(guarded):
    refused(ask(guarded, with_value(guarded, serialize("x" * 65536))), "2001", "65536")
    refused(ask(guarded, with_value(guarded, serialize([None] * 1000))), "2001", "1000 values")
    refused(ask(guarded, with_value(guarded, serialize([[None] * 100] * 10))), "2001", "1000 values")
    assert ask(guarded, with_value(guarded, serialize([None] * 980), "files.getstorage")).ok


@pytest.mark.parametrize("value", [
    "i:+5;", "i:05;", "i:-0;", "i: 5;", "i:5.0;", "i:9223372036854775808;", "i:-9223372036854775809;", "i:;", 'S:1:"\\61";',
    "d:INF;", "d:-INF;", "d:NAN;", "d:1e400;", "d:.5;", "d:5.;", "d:0x1;", "b:2;", "b:;", "b:true;", "n;", "N"])
def test_A66_stricter_than_php(guarded, value):
    """PHP reads some of these. It writes none of them except INF and NAN, which JSON does not have."""
    refused_everywhere(guarded, value)


@pytest.mark.parametrize("behind", [" ", ";", "\n", "N;", "a:0:{}", "}", "x", "#"])
def test_A66_trailing_bytes(guarded, behind):
    refused(ask(guarded, signed(guarded, guarded.api.request("aws.upload", **REQUEST)) + behind), "2001", "php")
    refused(ask(guarded, behind + signed(guarded, guarded.api.request("aws.upload", **REQUEST))), "2001", "php")


@pytest.mark.parametrize("value", [
    'a:2:{s:1:"a";N;s:1:"a";N;}', "a:2:{i:5;N;i:5;N;}", 'a:2:{i:5;N;s:1:"5";N;}', 'a:2:{s:1:"5";N;i:5;N;}',
    'a:1:{s:1:"5";N;}', 'a:1:{s:2:"-7";N;}', 'a:1:{s:19:"9223372036854775807";N;}'])
def test_A67_keys_twice(guarded, value):
    """A string key that is a number is refused by itself: PHP has no such key, and would read it as the number."""
    refused_everywhere(guarded, value, "key")


def test_A67_names_twice(guarded):
    request = guarded.api.request("aws.upload", **REQUEST)
    good = signed(guarded, request, serialize)
    for name in ("path", "signature", "api_key", "command"):
        pair = serialize({name: "x"})[5:-1]
        count = len(request) + 2
        for text in (f"a:{count}:" + good.split(":", 2)[2][:-1] + pair + "}", f"a:{count}:{{" + pair + good.split("{", 1)[1]):
            refused(ask(guarded, text), "2001", "twice")


def test_A68_bytes_and_delimiters_in_strings(site, fake):
    site.use(fake, "videos")
    (site.files / "film.mp4").write_bytes(b"film")
    metadata = {"title": "日本語 é 😀", "tricky": 'a";}s:1:"x', "quote": '""', "json": '{"a":1}', "5": "five"}
    request = site.api.request("aws.upload", **REQUEST, metadata={name if name != "5" else 5: text
                                                                  for name, text in metadata.items()})
    first = ask(site, signed(site, request))
    assert first.ok, first
    assert site.wait_for(first.data, "completed")["metadata"] == metadata
    assert ask(site, signed(site, request, serialize)).data == first.data, "the same request by the other rule"
    # As a status that PHP serialized it comes back alike.
    status = ask(site, signed(site, site.api.request("aws.status", id=first.data)))
    assert {str(name): text for name, text in status.data[0]["metadata"].items()} == metadata


def random_value(chance: random.Random, depth: int):
    kinds = [None, True, False, chance.randrange(-10**12, 10**12), "é/\"" * chance.randrange(4), "", ";}"]
    if depth > 0 and chance.random() < 0.4:
        if chance.random() < 0.5:
            return [random_value(chance, depth - 1) for _ in range(chance.randrange(4))]
        return {chance.choice(["a", "b-", "ü", "", 7, -1]): random_value(chance, depth - 1) for _ in range(chance.randrange(4))}
    return chance.choice(kinds)


def test_A69_random_arrays_verify_by_both_rules(guarded):
    """What php-cli makes of 12,000 arrays, byte for byte, is in tests/e2e/test_php_oracle.py; here they go through the
    door, and the signature holds only when our json_encode() is the client's."""
    chance = random.Random(69)
    for turn in range(300):
        request = guarded.api.request("files.getstorage", note=[random_value(chance, 4)], more={"x": random_value(chance, 4)})
        answer = ask(guarded, signed(guarded, request, (json_encode, serialize)[turn % 2]))
        assert answer.ok, (request, answer)


NAMES = ["plain", 'quote"d', "semi;}", "back\\slash", "é 日本 😀", "<b>&amp;</b>", "new\nline", "\x7f", "a" * 300, "\u202e",
         "s:1:\"a\";"]


@pytest.mark.parametrize("name", NAMES, ids=lambda name: ascii(name)[:20])
def test_A70_answers_in_both_encodings(guarded, name):
    """The message shows the name of the command that is unknown."""
    request = guarded.api.request(name)
    in_json = guarded.api.post(json_encode(request)[:-1] + f',"signature":"{hmac_base64(guarded.key.secret, json_encode(request))}"}}')
    in_php = ask(guarded, signed(guarded, request))
    refused(in_json, "0000")
    refused(in_php, "0000")
    assert in_json.body["message"] == in_php.body["message"]
    if name.isprintable() and len(name) < 60:
        assert name in in_json.body["message"]


def test_A70_answers_to_bytes_that_are_no_text(guarded):
    for text in (b"\xff", b'a:1:{s:1:"\xff";N;}', b'a:1:{s:7:"command";s:2:"\xc0\xaf";}', b'a:1:{i:0;s:1:"\0";}', b"O:\xff"):
        refused(ask(guarded, text), "2001", "php")


def test_A70_php_reads_the_answers(site, fake):
    """php-cli, on answers byte for byte as they came: of each kind, with quotes and bytes in them."""
    site.use(fake, "videos")
    (site.files / "film.mp4").write_bytes(b"film")
    api = site.api
    upload = ask(site, signed(site, api.request("aws.upload", **REQUEST, metadata={"title": 'a "b" é;}'})))
    site.wait_for(upload.data, "completed")
    requests = [signed(site, api.request("aws.status", id=upload.data)), signed(site, api.request("files.getstorage")),
                signed(site, api.request('x";}')), "O:1:", "", signed(site, api.request("aws.upload", path='"')), "{"]
    script = ("foreach (explode(' ', trim(stream_get_contents(STDIN))) as $hex) { $a = unserialize(hex2bin($hex), "
              "['allowed_classes' => false]); if (!is_array($a)) exit(1); "
              "if (serialize($a) !== hex2bin($hex)) exit(2); echo $a['status'], is_float($a['handle_time']) ? '' : '!', ' '; }")
    bodies = [raw_answer(site, text) for text in requests]
    done = subprocess.run(["php", "-d", "serialize_precision=-1", "-r", script], input=" ".join(body.hex() for body in bodies),
                          capture_output=True, text=True, timeout=20)
    assert done.returncode == 0, (done, bodies)
    assert done.stdout.split() == ["success"] * 2 + ["failure"] * 5


def raw_answer(site, text: str) -> bytes:
    connection = http.client.HTTPConnection(urllib.parse.urlsplit(site.server.url).netloc, timeout=20)
    try:
        connection.request("POST", "/stable/", urlencoded(("php", text)), {"Content-Type": URLENCODED})
        answer = connection.getresponse()
        assert answer.headers["Content-Type"] == "application/vnd.php.serialized"
        return answer.read()
    finally:
        connection.close()

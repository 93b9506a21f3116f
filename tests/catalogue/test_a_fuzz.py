"""A71: inputs of the fuzz targets. The long runs are `./do fuzz`; here what they found stays found, and its like arrives
over the network."""

import http.client
import random
import subprocess
import urllib.parse

import pytest

from forms import URLENCODED
from raw_http import exchange
from server import Site
from support import KIB, ROOT, build_dir, make_file

CORPUS = ROOT / "fuzz/corpus"
# The parsers that the row names, by their targets; form is the urlencoded one and the choice between both.
PARSERS = ("http_head", "multipart", "form", "json", "php", "callback_url", "s3_xml")
ROUNDS = 3000  # of damaged inputs, for each way in


def inputs(target: str) -> list[bytes]:
    return [path.read_bytes() for path in sorted((CORPUS / target).iterdir())]


def damaged(data: bytes, other: bytes, chance: random.Random) -> bytes:
    """As a fuzzer would: bytes changed, cut out, doubled, or put together with those of another input."""
    out = bytearray(data)
    for _ in range(chance.randint(1, 6)):
        at = chance.randrange(len(out) + 1)
        match chance.randrange(5):
            case 0 if at < len(out):
                out[at] = chance.randrange(256)
            case 1:
                del out[at:at + chance.randint(1, 8)]
            case 2:
                out[at:at] = out[at:at + chance.randint(1, 64)]
            case 3:
                out[at:] = other[chance.randrange(len(other) + 1):]
            case _:
                out[at:at] = bytes(chance.choice(b"\r\n\0{}[]\":;,%+-&=") for _ in range(chance.randint(1, 4)))
    return bytes(out[:64 * KIB])


@pytest.fixture
def besieged(fake):
    """A site without request limits, in which none of these inputs may queue an upload."""
    site = Site(extra="[limits]\nfailures_per_s = 0")
    try:
        site.use(fake, "videos")
        make_file(site.files / "film.mp4", KIB)
        process = site.server.process.pid
        yield site
        assert site.server.process.pid == process and site.server.process.poll() is None, site.server.logs()[-4000:]
        assert site.api.all() == [], "nothing of it was signed"
    finally:
        site.close()


def test_A71_each_parser_has_a_target_and_its_corpus_is_replayed():
    """With the compiler and the checks of the build under test; `./do check` does it under each sanitizer."""
    targets = sorted(path.name.removesuffix("_fuzz.cc") for path in (ROOT / "fuzz").glob("*_fuzz.cc"))
    assert set(PARSERS) <= set(targets)
    assert targets == sorted(path.name for path in CORPUS.iterdir()), "a corpus for each target, and none for others"
    for target in targets:
        done = subprocess.run([build_dir() / f"replay_{target}", CORPUS / target], capture_output=True, timeout=60)
        assert done.returncode == 0, f"{target}: {done.stderr.decode(errors='replace')}\n{done.stdout[-200:]}"
        assert done.stdout.count(b"\n") == len(inputs(target)) > 0


def refused(site, body: bytes, content_type: str) -> None:
    """A failure that the client caused, in either encoding."""
    connection = http.client.HTTPConnection(urllib.parse.urlsplit(site.server.url).netloc, timeout=30)
    try:
        connection.request("POST", "/stable/", body, {"Content-Type": content_type})
        answer = connection.getresponse()
        told = answer.read()
    finally:
        connection.close()
    assert answer.status in (200, 400, 413, 415), (body, told)
    assert b"failure" in told and b"success" not in told and b"unexpected" not in told, (body, told)


def quoted(name: str, text: bytes) -> bytes:
    return f"{name}=".encode() + urllib.parse.quote_from_bytes(text).encode()


def test_A71_damaged_forms(besieged):
    chance = random.Random(71)
    multipart = "multipart/form-data; boundary=b"
    bodies = [(URLENCODED, one.partition(b"\n")[2]) for one in inputs("form")]
    bodies += [(multipart, one) for one in inputs("multipart")]
    for name in ("json", "php"):
        head = f'--b\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n'.encode()
        bodies += [(URLENCODED, quoted(name, one)) for one in inputs(name)]
        bodies += [(multipart, head + one + b"\r\n--b--\r\n") for one in inputs(name)]
    for _ in range(ROUNDS):
        content_type, body = chance.choice(bodies)
        refused(besieged, damaged(body, chance.choice(bodies)[1], chance), content_type)


@pytest.mark.parametrize("name", ["json", "php"])
def test_A71_damaged_texts(besieged, name):
    """The form is right, so that every byte reaches the parser of the text."""
    chance = random.Random(72)
    texts = inputs(name)
    for _ in range(ROUNDS):
        text = damaged(chance.choice(texts), chance.choice(texts), chance)
        refused(besieged, quoted(name, text[:32 * KIB]), URLENCODED)


def test_A71_damaged_heads(besieged):
    chance = random.Random(73)
    heads = inputs("http_head")
    answered = 0
    for _ in range(ROUNDS):
        done = exchange(besieged, damaged(chance.choice(heads), chance.choice(heads), chance), finish=True)
        answered += len(done.answers)
        for answer in done.answers:
            assert b'"success"' not in answer.body and b"unexpected" not in answer.body, answer
    assert answered > ROUNDS / 4, "most were not even heads"

"""A33 to A48: what a client can put into the field json."""

import base64
import hashlib
import hmac
import json
import urllib.parse

import pytest

from api_client import sign
from forms import BOUNDARY, MULTIPART, URLENCODED, refused, send
from json_texts import DISPUTED, MALFORMED, VALID
from support import make_file

UPLOAD = {"path": "sestore4/jb/film.mp4", "destination_path": "film.mp4", "bucket": "videos", "callback": "",
          "metadata": {}}


def ask(site, text: bytes):
    return send(site, b"json=" + urllib.parse.quote_from_bytes(text).encode(), URLENCODED)


def signed_bytes(site, text: bytes) -> bytes:
    """Spliced in before the last brace, whatever stands before it."""
    signature = base64.b64encode(hmac.new(site.key.secret.encode(), text, hashlib.sha256).digest())
    return text[:-1] + b',"signature":"' + signature + b'"}'


def request_with(site, member: bytes, command: str = "files.getstorage", **fields) -> bytes:
    """A signed request that would be accepted without this member, which is its last."""
    whole = json.dumps(site.api.request(command, **fields), separators=(",", ":")).encode()
    return signed_bytes(site, whole[:-1] + b"," + member + b"}")


def upload_with(site, replaced: str, member: bytes) -> bytes:
    fields = {name: value for name, value in UPLOAD.items() if name != replaced}
    return request_with(site, member, "aws.upload", **fields)


def taken(answer) -> None:
    assert answer.http_status == 200 and answer.ok, answer


def was_taken(answer) -> bool:
    """Refused means: as JSON, not for what it says."""
    if not answer.ok:
        refused(answer, "2001", "json: ")
    return answer.ok


@pytest.mark.parametrize("text", ["null", "[]", '"x"', "1", "", " ", "\n", "true", "-1.5",
                                  '[{"command":"files.getstorage"}]', '["command"]', "x"])
def test_A33_no_object(guarded, text):
    refused(ask(guarded, text.encode()), "2001", "json", "object")


def test_A34_malformed_texts(guarded):
    assert len(set(MALFORMED)) >= 188
    wrong = [value for value in MALFORMED if was_taken(ask(guarded, request_with(guarded, b'"note":' + value)))]
    wrong += [value for value in MALFORMED if was_taken(ask(guarded, b'{"a":' + value + b"}"))]
    assert not wrong, "these were taken"


def test_A34_cut_off_anywhere(guarded):
    whole = sign(guarded.api.request("aws.upload", **UPLOAD), guarded.key.secret).encode()
    for end in range(len(whole)):
        refused(ask(guarded, whole[:end]), "2001", "json")
    for start in range(1, len(whole), 7):
        refused(ask(guarded, whole[start:]), "2001", "json")


def test_A35_valid_texts(guarded):
    assert len(set(VALID)) >= 95
    wrong = {value: answer.message for value in VALID
             if not (answer := ask(guarded, request_with(guarded, b'"note":' + value))).ok}
    assert not wrong, "these were refused"


def test_A35_strings_mean_what_python_reads(guarded):
    """The message shows the name of a command that is unknown."""
    tried = 0
    for value in VALID:
        name = json.loads(value)
        if isinstance(name, str) and name.isprintable() and name.strip() and len(name) < 60:
            request = b'{"command":' + value + json.dumps(guarded.api.request("x")).encode().replace(b'{"command": "x"',
                                                                                                     b"", 1)
            refused(ask(guarded, signed_bytes(guarded, request)), "0000", f"unrecognized API command: {name}")
            tried += 1
    assert tried > 20


def test_A36_disputed_texts(guarded):
    assert len(DISPUTED) >= 35
    answers = {value: was_taken(ask(guarded, request_with(guarded, b'"note":' + value))) for value in DISPUTED}
    assert {value: answer for value, answer in answers.items() if answer != DISPUTED[value]} == {}


def test_A36_marks_and_other_encodings(guarded):
    text = sign(guarded.api.request("aws.upload", **UPLOAD), guarded.key.secret)
    mark = b"\xef\xbb\xbf"
    for one in (mark + text.encode(), text.encode() + mark, text.encode("utf-16"), text.encode("utf-16-le"),
                text.encode("utf-16-be"),
                text.encode("utf-32"), text.encode("utf-32-be"), text.encode("utf-7").replace(b"{", b"+AHs-")):
        refused(ask(guarded, one), "2001", "json")


@pytest.mark.parametrize("name", ["path", "bucket", "command", "api_key", "cdn", "timestamp", "callback", "note"])
def test_A37_a_name_twice(guarded, name):
    request = guarded.api.request("aws.upload", **UPLOAD, note=1)
    for value in (request[name], "other", None):
        text = json.dumps(request).encode()
        member = json.dumps(name).encode() + b": " + json.dumps(value).encode()
        refused(ask(guarded, signed_bytes(guarded, text[:-1] + b", " + member + b"}")), "2001", "twice")
        refused(ask(guarded, signed_bytes(guarded, b"{" + member + b", " + text[1:])), "2001", "twice")


@pytest.mark.parametrize("name", [b"p\\u0061th", b"\\u0070\\u0061\\u0074\\u0068", b"pat\\u0068"])
def test_A38_twice_by_an_escape(guarded, name):
    refused(ask(guarded, request_with(guarded, b'"' + name + b'":"x"', "aws.upload", **UPLOAD)), "2001", "twice")


@pytest.mark.parametrize("metadata", ['{"a":"1","a":"1"}', '{"a":"1","\\u0061":"2"}',
                                      '{"title":"1","b":"2","title":"3"}'])
def test_A39_twice_in_metadata(guarded, metadata):
    refused(ask(guarded, upload_with(guarded, "metadata", f'"metadata":{metadata}'.encode())), "2001", "twice")


@pytest.mark.parametrize("metadata", ['{"a":"1","A":"2"}', '{"Title":"1","tITLE":"1"}'])
def test_A39_equal_but_for_case(guarded, metadata):
    refused(ask(guarded, upload_with(guarded, "metadata", f'"metadata":{metadata}'.encode())), "2001", "metadata")


@pytest.mark.parametrize("name", ["signature", "\\u0073ignature", "signatur\\u0065"])
@pytest.mark.parametrize("value", ['""', "null", '"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="'])
def test_A40_two_signatures(guarded, name, value):
    text = sign(guarded.api.request("aws.upload", **UPLOAD), guarded.key.secret)
    pair = f'"{name}":{value}'
    for one in (f"{{{pair},{text[1:]}", f"{text[:-1]},{pair}}}", text.replace('"path"', f'{pair},"path"', 1)):
        refused(ask(guarded, one.encode()), "2001", "signature", "twice")


def test_A41_a_signature_in_metadata(site, fake):
    site.use(fake, "videos")
    make_file(site.files / "film.mp4", 1000)
    answer = site.api.call("aws.upload", **UPLOAD | {"metadata": {"signature": "mine", "x": '"signature":"no"'}})
    taken(answer)
    assert site.wait_for(answer.data, "completed")["metadata"] == {"signature": "mine", "x": '"signature":"no"'}


def test_A42_depth(guarded):
    """16 levels, of which the request itself is one."""
    for opening, closing in ((b"[", b"]"), (b'{"a":', b"}")):
        for depth in (16, 500, 5000):
            value = opening * depth + b"1" + closing * depth
            refused(ask(guarded, request_with(guarded, b'"note":' + value)), "2001", "16 levels")
        taken(ask(guarded, request_with(guarded, b'"note":' + opening * 15 + b"1" + closing * 15)))
    for text in (b"[" * 60_000, b'{"a":' + b"[" * 60_000):
        refused(send(guarded, b"json=" + text, URLENCODED), "2001", "json")
    refused(send(guarded, b"json=" + b"[" * 100_000, URLENCODED), "2001", "json")
    refused(send(guarded, b"json=" + b"[" * 1_000_000, URLENCODED), "2001", http_status=413)


def test_A43_size_and_count(guarded):
    def sized(size: int) -> bytes:
        bare = len(request_with(guarded, b'"note":""'))
        return request_with(guarded, b'"note":"' + b"x" * (size - bare) + b'"')

    assert len(sized(64 * 1024)) == 64 * 1024
    for size, answer in ((64 * 1024, taken), (64 * 1024 + 1, lambda answer: refused(answer, "2001", "65536"))):
        body = (f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="json"\r\n\r\n'.encode() + sized(size) +
                f"\r\n--{BOUNDARY}--\r\n".encode())
        answer(send(guarded, body, MULTIPART))
    refused(ask(guarded, sized(1024 * 1024)), "2001", http_status=413)
    keys = b"{" + b",".join(b'"%d":0' % number for number in range(100_000)) + b"}"
    refused(ask(guarded, request_with(guarded, b'"note":' + keys)), "2001", http_status=413)
    refused(ask(guarded, request_with(guarded, b'"note":[' + b"0," * 999 + b"0]")), "2001", "1000 values")
    taken(ask(guarded, request_with(guarded, b'"note":[' + b"0," * 980 + b"0]")))


def quickest(site, text: bytes) -> float:
    """The server's own time for it, of some tries."""
    return min(ask(site, text).body["handle_time"] for _ in range(5))


def test_A43_A44_time_is_bounded(guarded):
    """Whether names collide in somebody's hash or not: more than 1,000 are refused before a table is made, and up to that
    many take no time worth an attack."""
    many = b"{" + b",".join(b'"%04d":0' % number for number in range(6000)) + b"}"
    refused(ask(guarded, b'{"note":' + many + b"}"), "2001", "1000 values")
    assert quickest(guarded, b'{"note":' + many + b"}") < 0.01
    for names in ([b"%04d" % number for number in range(950)], [b"a" * number for number in range(1, 300)],
                  [bytes([97 + (number >> bit & 1) for bit in range(10)]) for number in range(950)]):
        text = request_with(guarded, b'"note":{' + b",".join(b'"' + name + b'":0' for name in names) + b"}")
        taken(ask(guarded, text))
        assert quickest(guarded, text) < 0.01


@pytest.mark.parametrize("number", ["1e400", "-1e400", "1e999999999", "9223372036854775808", "-9223372036854775809",
                                    "1.5", "1.000001", "-1", "-0.0",
                                    "10", "true", "null", "[5]", "{}", '"5.0"', '" 5"', '"+5"', '"-0"', '"0x5"', '""'])
def test_A45_numbers_that_are_no_whole_numbers(guarded, number):
    member = f'"priority":{number}'.encode()
    named = "json" if "e400" in number or "e9999" in number else "priority"
    refused(ask(guarded, request_with(guarded, member, "aws.upload", **UPLOAD)), "2001", named)


def test_A45_minus_zero_is_zero(guarded):
    """Ours: -0 is a spelling of 0, in which a client that computes may send it. Where 0 is not allowed it is refused."""
    taken(ask(guarded, request_with(guarded, b'"offset":-0', "aws.status")))
    refused(ask(guarded, request_with(guarded, b'"limit":-0', "aws.status")), "2001", "limit")
    refused(ask(guarded, request_with(guarded, b'"id":-0', "aws.status")), "2001", "id")


@pytest.mark.parametrize("name", ["path", "destination_path", "bucket", "callback", "metadata"])
def test_A46_nul(guarded, name):
    for value in ('"a\\u0000"', '"\\u0000"', '"sestore4/jb/film.mp4\\u0000.jpg"') if name != "metadata" else (
            '{"a":"\\u0000"}', '{"a\\u0000":"b"}', '{"a":"b\\u0000"}'):
        refused(ask(guarded, upload_with(guarded, name, f'"{name}":{value}'.encode())), "2001", "\\u0000")
    raw = upload_with(guarded, name, f'"{name}":"a'.encode() + b"\0" + b'"')
    refused(ask(guarded, raw), "2001", "json")


@pytest.mark.parametrize("text", [b"\\ud800", b"\\udc00", b"\\ude00\\ud83d", b"\\ud83d\\ud83d",
                                  b"\xed\xa0\xbd\xed\xb8\x80", b"\xed\xa0\x80", b"\xc0\xae",
                                  b"\xff"])
def test_A47_broken_unicode_in_a_path(guarded, text):
    for name in ("path", "destination_path"):
        value = b'"' + name.encode() + b'":"sestore4/jb/' + text + b'.mp4"'
        refused(ask(guarded, upload_with(guarded, name, value)), "2001", "json")


@pytest.mark.parametrize("letter", ["\u202e", "\ufffe", "\u2066"])
def test_A47_odd_letters(site, fake, letter):
    """Ours: U+FFFE is a character like another, in a path and in a key. Whatever it is, the log shows no letter that turns
    a line around."""
    site.use(fake, "videos")
    make_file(site.files / f"a{letter}b.mp4", 1000)
    answer = site.api.upload(f"sestore4/jb/a{letter}b.mp4", f"new/a{letter}b.mp4", "videos")
    taken(answer)
    site.wait_for(answer.data, "completed")
    assert fake.object("videos", f"new/a{letter}b.mp4")
    refused(site.api.upload(f"sestore4/jb/absent{letter}.mp4", "x", "videos"), "2002")
    assert not {"\u202e", "\u2066"} & set(site.server.logs())


@pytest.mark.parametrize("behind", ["x", "{}", "{", "}", "]", ",", "null", "0", '""', "//c", "/*c*/", "#c", ";", "\0",
                                    "\x0b", "\x0c", "\u00a0", "\ufeff",
                                    "\x1a"], ids=ascii)
def test_A48_something_around_it(guarded, behind):
    text = sign(guarded.api.request("aws.upload", **UPLOAD), guarded.key.secret)
    for one in (text + behind, f"{text} {behind}", behind + text):
        refused(ask(guarded, one.encode()), "2001", "json")
    refused(ask(guarded, (text + text).encode()), "2001", "json")


@pytest.mark.parametrize("member", ['"a":1,', '"a":NaN', '"a":Infinity', '"a":-Infinity', '"a":undefined', '/*c*/"a":1',
                                    '"a":1//c\n', '"a":1/*c*/', "a:1",
                                    "'a':1", ",", '"a":01', '"a":+1', '"a":0x1'])
def test_A48_dialects_of_json(guarded, member):
    refused(ask(guarded, request_with(guarded, member.encode())), "2001", "json")


def test_A48_white_space_is_none_of_it(guarded):
    text = sign(guarded.api.request("files.getstorage"), guarded.key.secret).encode()
    signed_with_space = json.dumps(guarded.api.request("files.getstorage"), indent="\t").encode()
    taken(ask(guarded, text))
    taken(ask(guarded, signed_bytes(guarded, signed_with_space)))
    refused(ask(guarded, text + b" "), "0003")

"""A01 to A04 and A25 to A32: forms that are broken, ambiguous, or merely unusual. A72: ids in aws.status."""

import json
import urllib.parse

import pytest

from api_client import ApiClient, sign
from forms import BOUNDARY, MULTIPART, URLENCODED, multipart, part, refused, send, urlencoded
from support import KIB, make_file


def signed(site, **fields) -> str:
    """An upload that would be accepted in a correct form."""
    return sign(site.api.request("aws.upload", path="sestore4/jb/film.mp4", destination_path="film.mp4", bucket="videos",
                                 metadata={}, callback="", **fields), site.key.secret)


def harmless(site, **fields) -> str:
    """A request that changes nothing if it is accepted."""
    return sign(site.api.request("files.getstorage", **fields), site.key.secret)


def taken(answer) -> None:
    assert answer.http_status == 200 and answer.ok and answer.data[0]["storage"] == "sestore4", answer


@pytest.mark.parametrize("content_type", [URLENCODED, MULTIPART, "text/plain", None])
@pytest.mark.parametrize("body", [b"", None], ids=["empty", "none"])
def test_A01_no_body(guarded, body, content_type):
    refused(send(guarded, body, content_type), "0006", "json")


@pytest.mark.parametrize("fields", [
    [("other", "x")], [("JSON", "{}"), ("Json", "{}")], [("json ", "{}"), (" json", "{}")], [("", "{}")],
    [("json[]", "{}")], [("{}", "")]], ids=str)
def test_A02_neither_field(guarded, fields):
    refused(send(guarded, urlencoded(*fields), URLENCODED), "0006", "json")
    parts = [part(value, f'form-data; name="{name}"') for name, value in fields]
    refused(send(guarded, multipart(*parts), MULTIPART), "0006", "json")


def test_A03_both_fields(guarded):
    text = signed(guarded)
    for fields in ([("json", text), ("php", text)], [("php", text), ("json", text)], [("json", text), ("php", "")],
                   [("json", ""), ("x", "y"), ("php", text)]):
        refused(send(guarded, urlencoded(*fields), URLENCODED), "2001", "json", "php")
        parts = [part(value, f'form-data; name="{name}"') for name, value in fields]
        refused(send(guarded, multipart(*parts), MULTIPART), "2001", "json", "php")


def test_A04_a_field_twice(guarded):
    text = signed(guarded)
    for name in ("json", "php"):
        for first, second in ((text, text), (text, harmless(guarded)), (text, ""), ("", text)):
            refused(send(guarded, urlencoded((name, first), (name, second)), URLENCODED), "2001", name, "twice")
            parts = [part(value, f'form-data; name="{name}"') for value in (first, second)]
            refused(send(guarded, multipart(*parts), MULTIPART), "2001", name, "twice")
    escaped = f"json={urllib.parse.quote(text)}&js%6fn={urllib.parse.quote(text)}".encode()
    refused(send(guarded, escaped, URLENCODED), "2001", "json", "twice")


@pytest.mark.parametrize("parameter", ["", "; boundary", "; boundary=", '; boundary=""', "; boundary=" + "b" * 71,
                                       '; boundary="b "', '; boundary="b\\"d"', "; boundary=b; boundary=b",
                                       "; boundary=\u00e4", "; charset=utf-8"])
def test_A25_no_boundary_or_a_wrong_one(guarded, parameter):
    boundary = parameter.partition("=")[2].strip('"')
    body = multipart(part(signed(guarded)), boundary=boundary)
    refused(send(guarded, body, f"multipart/form-data{parameter}"), "2001", http_status=400)


def test_A25_unusual_boundaries(guarded):
    for boundary in ("b" * 70, "-" * 30 + "1", "a'b+c_d,e-f.g/h:i=j?k(l)m n", "a;b"):
        body = multipart(part(harmless(guarded)), boundary=boundary)
        taken(send(guarded, body, f'Multipart/Form-Data; Boundary="{boundary}"'))
    for boundary in ("*****", "==a=b==", "$#@!~^&|", "{b}", "<b>", "%%"):
        body = multipart(part(harmless(guarded)), boundary=boundary)
        for separator in ("; ", ", "):
            taken(send(guarded, body, f"multipart/form-data{separator}boundary={boundary}"))


def test_A25_a_boundary_in_the_data(guarded):
    for value in (f"\r\n--{BOUNDARY}x", f"\r\n--{BOUNDARY} \r\n", f"\r\n--{BOUNDARY}-"):
        body = multipart(part(value, 'form-data; name="other"'), part(signed(guarded)))
        refused(send(guarded, body, MULTIPART), "2001", http_status=400)
    for value in (f"--{BOUNDARY}--", f"x\r\n-{BOUNDARY}", f"\n--{BOUNDARY}--\n", f"\r\n--{BOUNDARY[:-1]}"):
        taken(send(guarded, multipart(part(value, 'form-data; name="other"'), part(harmless(guarded))), MULTIPART))
    taken(send(guarded, multipart(part(harmless(guarded, note=f"--{BOUNDARY}--"))), MULTIPART))


def test_A25_preamble_and_epilogue(guarded):
    """Text before and after the parts is ignored."""
    other = part(signed(guarded)).decode()
    taken(send(guarded, multipart(part(harmless(guarded)), before=f"hello\r\n{other}\r\n", after="\r\n" + other), MULTIPART))
    refused(send(guarded, multipart(part(signed(guarded)), after="x"), MULTIPART), "2001", http_status=400)


def test_A26_many_parts_many_headers(guarded):
    for count in (17, 500, 10_000):
        parts = [part("", f'form-data; name="{number}"') for number in range(count - 1)] + [part(signed(guarded))]
        refused(send(guarded, multipart(*parts), MULTIPART), "2001", http_status=413)
    for count in (8, 500, 10_000):
        headers = [f"X-Header-{number}: x" for number in range(count)]
        body = multipart(part(signed(guarded), 'form-data; name="json"', *headers))
        refused(send(guarded, body, MULTIPART), "2001", http_status=413)
    long = multipart(part(signed(guarded), 'form-data; name="json"', "X-Header: " + "x" * 1024))
    refused(send(guarded, long, MULTIPART), "2001", http_status=413)
    parts = [part("", f'form-data; name="{number}"') for number in range(15)] + [part(harmless(guarded))]
    taken(send(guarded, multipart(*parts), MULTIPART))
    taken(send(guarded, multipart(part(harmless(guarded), 'form-data; name="json"', *["X: x"] * 7)), MULTIPART))


def test_A27_cut_off_anywhere(guarded):
    whole = multipart(part(signed(guarded)))
    for end in range(1, len(whole)):
        refused(send(guarded, whole[:end], MULTIPART), "2001", http_status=400)


def test_A27_lines_that_end_with_lf_only(guarded):
    whole = multipart(part(signed(guarded)))
    refused(send(guarded, whole.replace(b"\r\n", b"\n"), MULTIPART), "2001", http_status=400)
    for at in range(whole.count(b"\r\n")):
        pieces = whole.split(b"\r\n")
        mixed = b"\r\n".join(pieces[:at + 1]) + b"\n" + b"\r\n".join(pieces[at + 1:])
        refused(send(guarded, mixed, MULTIPART), "2001", http_status=400)


@pytest.mark.parametrize("disposition,headers", [
    ('form-data; name="json"; filename="a.json"', ["Content-Type: application/json"]),
    ('form-data; name="json"; filename*=UTF-8\'\'%e4', []), ('form-data; filename=x; name="json"', []),
    ('form-data; name="json"', ["Content-Type: text/plain; charset=UTF-8"]),
    ('form-data; name="json"', ["Content-Type: text/plain; charset=us-ascii"]),
    ('form-data; name="json"', ["Content-Type: text/plain; charset=ISO-8859-1"]),
    ('form-data; name="json"', ["Content-Type: text/plain; charset=utf8"]),
    ('form-data; name="json"', ["Content-Type: text/plain; charset=windows-1252"]),
    ('form-data; name="json"', ["Content-Type:"]), ('form-data; name="json"; size=12', []),
], ids=lambda value: value if isinstance(value, str) else "")
def test_A28_file_names_are_ignored(guarded, disposition, headers):
    """Ours: a charset is no fault when the bytes mean the same in it, or when a client writes it whatever it sends (Java's
    and .NET's do: ISO-8859-1); they are read as UTF-8, and the signature is over bytes."""
    taken(send(guarded, multipart(part(harmless(guarded), disposition, *headers)), MULTIPART))


@pytest.mark.parametrize("disposition,headers", [
    ("form-data; name*=UTF-8''json", []), ("form-data; name=\"json\"; name*=UTF-8''json", []),
    ('form-data; name="json"; name="json"', []), ('form-data; name="json"; name="other"', []),
    ('form-data; name="json"; charset=utf-8', []), ('attachment; name="json"', []), ("form-data", []),
    ('form-data; name="json"', ["Content-Type: text/plain; charset=utf-16"]),
    ('form-data; name="json"', ["Content-Type: text/plain; charset=UTF-7"]),
    ('form-data; name="json"', ['Content-Disposition: form-data; name="json"']),
    ('form-data; name="json"', ["Content-Type: ;;;"]),
], ids=lambda value: value if isinstance(value, str) else "")
def test_A28_parameters_of_two_meanings(guarded, disposition, headers):
    body = multipart(part(signed(guarded), disposition, *headers))
    refused(send(guarded, body, MULTIPART), "2001", http_status=400)


@pytest.mark.parametrize("encoding", ["base64", "quoted-printable", "x-gzip", "BASE64", "", "binary; x=y"])
def test_A29_transfer_encodings(guarded, encoding):
    header = f"Content-Transfer-Encoding: {encoding}"
    body = multipart(part(signed(guarded), 'form-data; name="json"', header))
    refused(send(guarded, body, MULTIPART), "2001", http_status=400)


def test_A29_encodings_that_change_nothing(guarded):
    for encoding in ("7bit", "8bit", "binary", "BINARY"):
        header = f"content-transfer-encoding: {encoding}"
        taken(send(guarded, multipart(part(harmless(guarded), 'form-data; name="json"', header)), MULTIPART))


def test_A30_names_are_read_in_one_way(guarded):
    """A backslash escapes the next character of a quoted name, %XX stays what it is (docs/api.md)."""
    for disposition in ("form-data; name=json", 'form-data; name="json"', 'form-data; name="js\\on"',
                        'FORM-DATA; NAME="json"', 'form-data ;\tname="json" ;'):
        taken(send(guarded, multipart(part(harmless(guarded), disposition)), MULTIPART))
    for name in ('"%6ason"', "'json'", '"json "', '""', '"\\"json\\""', '"JSON"'):
        refused(send(guarded, multipart(part(signed(guarded), f"form-data; name={name}")), MULTIPART), "0006", "json")
    for name in ('"json', '"json"x', 'js"on"', "js on", "", '"json\r\nx"', '"json\n"', '"json\\\r\n"', '"js\0on"',
                 '"json" "json"', "json,json"):
        body = multipart(part(signed(guarded), f"form-data; name={name}"))
        refused(send(guarded, body, MULTIPART), "2001", http_status=400)


def with_a_plus(site) -> str:
    """A signed upload whose signature holds a +."""
    for number in range(1000):
        text = signed(site, note=number)
        if "+" in json.loads(text)["signature"]:
            return text
    raise AssertionError("a thousand signatures, and none with a +")


def test_A31_a_plus_that_was_not_encoded(guarded):
    text = with_a_plus(guarded)
    refused(send(guarded, f"json={urllib.parse.quote(text, safe='+')}".encode(), URLENCODED), "0003", "%2B")


@pytest.mark.parametrize("escape", ["%zz", "%", "%4", "%%41", "% 41", "%-1", "%u0041"])
def test_A32_broken_escapes(guarded, escape):
    text = urllib.parse.quote(signed(guarded))
    for body in (f"json={text}{escape}", f"json={escape}{text}", f"json={text}&x={escape}", f"{escape}=x&json={text}"):
        refused(send(guarded, body.encode(), URLENCODED), "2001", http_status=400)


@pytest.mark.parametrize("escape", ["%00", "%c0%af", "%e0%80%af", "%ed%a0%80", "%f4%90%80%80", "%ff", "%80", "%c3"])
def test_A32_bytes_that_are_no_text(guarded, escape):
    text = urllib.parse.quote(signed(guarded))
    for body in (f"json={text}{escape}", f"json={escape}{text}", f"json={text.replace('film', f'fi{escape}m', 1)}"):
        refused(send(guarded, body.encode(), URLENCODED), "2001", "json")


def test_A32_many_fields(guarded):
    for count in (17, 10_000):
        body = urlencoded(*[("a", "")] * (count - 1), ("json", signed(guarded)))
        refused(send(guarded, body, URLENCODED), "2001", http_status=413)
    taken(send(guarded, urlencoded(*[("a", "")] * 15, ("json", harmless(guarded))), URLENCODED))
    taken(send(guarded, b"&" * 10_000 + urlencoded(("json", harmless(guarded))), URLENCODED))


@pytest.mark.parametrize("upload_id", [
    0, -1, 2**63, 2**64, -2**63, 1.5, "0", "-1", str(2**63), " 1", "1 ", "0x1", "1e0", "", None, True, [], {}, [0], [[1]],
    ["x"], list(range(1, 102))], ids=lambda value: repr(value)[:24])
def test_A72_ids_that_cannot_be(guarded, upload_id):
    """An absent field differs from null: without id, aws.status lists the newest."""
    request = guarded.api.request("aws.status") | {"id": upload_id}
    refused(guarded.api.post(sign(request, guarded.key.secret)), "2001")


def test_A72_foreign_and_absent_ids_look_the_same(site, fake):
    site.use(fake, "videos")
    site.server.add_account(159, "eve")
    other = site.server.add_key(159)
    site.server.add_bucket("videos", fake.endpoint, fake.access_key, fake.secret_key, cdn=159)
    make_file(site.server.storage / "eve/film.mp4", KIB)
    make_file(site.files / "film.mp4", KIB)
    eve = ApiClient(site.server.url, other.api_key, other.secret, 159)
    foreign = eve.upload("sestore4/eve/film.mp4", "film.mp4", "videos").data
    own = site.queue("film.mp4", "videos")
    assert eve.status(foreign)["id"] == foreign and site.api.status(own)["id"] == own

    def answer_to(ids) -> str:
        answer = site.api.call("aws.status", id=ids)
        refused(answer, "2005")
        return json.dumps({name: value for name, value in answer.body.items() if name != "handle_time"})

    absent = answer_to(own + 1000)
    assert answer_to(foreign) == answer_to([foreign]) == answer_to([foreign, own + 1000]) == absent
    mixed = site.api.call("aws.status", id=[foreign, own, own + 1000])
    assert mixed.ok and [one["id"] for one in mixed.data] == [own]
    assert [one["id"] for one in site.api.all()] == [own], "the list shows one's own alone"

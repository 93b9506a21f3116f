"""C01 to C12, C15, C16, C18 to C22 and C26: what a path may be, and what may be at that path."""

import base64
import hashlib
import hmac
import json
import os
import socket
import stat
import time
import urllib.parse

import pytest

from api_client import ApiClient
from forms import URLENCODED, refused, send
from support import KIB, make_file, wait_until


def upload(site, path, **fields):
    return site.api.upload(path, fields.pop("destination", "film.mp4"), "videos", **fields)


@pytest.fixture
def shop(site, fake):
    """A site with a bucket and a file."""
    site.use(fake, "videos")
    make_file(site.files / "film.mp4", KIB)
    site.fake = fake
    return site


def sent(site, name: str, path: str | None = None) -> bytes:
    """What the store has after an upload of the file `name` in the account's folder."""
    upload_id = site.queue(name, "videos", "sent")
    assert site.wait_for(upload_id, "completed")["path"] == (path or f"sestore4/jb/{name}")
    return site.fake.object("videos", "sent").body


def one_that_waits(site, fake) -> tuple[int, str]:
    """An upload that waits for four others, which the store holds until its rules change: its id, and its file's name."""
    fake.play({"about": "waits", "rules": [{"operation": "PutObject", "fault": {"hold": True}}]})
    names = {}
    for number in range(5):
        make_file(site.files / f"{number}.mp4", KIB)
        names[site.queue(f"{number}.mp4", "videos")] = f"{number}.mp4"
    wait_until(lambda: len(fake.seen("PutObject")) == 4, 10, "four are under way")
    waiting = next(one["id"] for one in site.api.all() if one["state"] == "queued")
    return waiting, names[waiting]


def test_C01_an_ordinary_path(shop):
    make_file(shop.files / "path/to/file.mp4", 5000)
    assert sent(shop, "path/to/file.mp4") == (shop.files / "path/to/file.mp4").read_bytes()


@pytest.mark.parametrize("storage", ["sestore{4}", "sestore04", "sestore+4", "sestore4.0", "sestore 4", "sestore0x4",
                                     "sestore٤", "sestore４", "sestore4 ", "sestore%34"])
def test_C02_other_spellings_of_a_storage(guarded, storage):
    """The one form is the storage's configured name, byte for byte."""
    refused(upload(guarded, f"{storage}/jb/film.mp4"), "2003", "unknown")


@pytest.mark.parametrize("storage", ["sestore", "sestore999", "sestore-1", "sestore99999999999", "store4", "x" * 255,
                                     "sestore{#}"])
def test_C03_unknown_storages(guarded, storage):
    refused(upload(guarded, f"{storage}/jb/film.mp4"), "2003", "files.getstorage")


@pytest.mark.parametrize("path,code", [
    ("SESTORE4/jb/film.mp4", "2003"), ("Sestore4/jb/film.mp4", "2003"), (" sestore4/jb/film.mp4", "2003"),
    ("\tsestore4/jb/film.mp4", "2003"), ("/sestore4/jb/film.mp4", "2001"), ("//sestore4/jb/film.mp4", "2001"),
    ("sestore4", "2001"), ("sestore4/", "2001"), ("sestore4/jb", "2001"), ("sestore4/jb/", "2001"),
    ("sestore4/JB/film.mp4", "2002"), ("sestore4/jb /film.mp4", "2002")])
def test_C04_nearly_a_path(guarded, path, code):
    refused(upload(guarded, path), code)


def test_C05_another_users_folder(guarded):
    make_file(guarded.server.storage / "other/there.mp4", 10)
    there, absent = (upload(guarded, f"sestore4/other/{name}.mp4") for name in ("there", "nowhe"))
    refused(there, "2002", "does not exist")
    assert there.message.replace("there", "nowhe") == absent.message and absent.code == "2002"
    assert upload(guarded, "sestore4/nobody/there.mp4").message == there.message.replace("other", "nobody")


@pytest.mark.parametrize("path", [
    "sestore4/jb/../other/x", "sestore4/jb/../jb/film.mp4", "sestore4/jb/a/../film.mp4", "sestore4/../sestore4/jb/film.mp4",
    "../sestore4/jb/film.mp4", "sestore4/jb/./film.mp4", "sestore4/./jb/film.mp4", "./sestore4/jb/film.mp4",
    "sestore4/jb//film.mp4", "sestore4//jb/film.mp4", "sestore4/jb/film.mp4/", "sestore4/jb/film.mp4/.",
    "sestore4/jb/..", "sestore4/jb/.", "sestore4/jb/film.mp4/.."])
def test_C06_dots_and_empty_parts_are_refused_by_text(guarded, path):
    """The check comes before any look-up: on an unknown storage the fault is the same."""
    refused(upload(guarded, path), "2001", "path")
    refused(upload(guarded, path.replace("sestore4/", "sestore9/", 1)), "2001", "path")


@pytest.mark.parametrize("part", ["%2e%2e", "..%2f", "%2e%2e%2f", "..\\", "..\\..\\etc", "..\u2215", "\u2024\u2024",
                                  "\uff0e\uff0e", "%252e%252e", "..;", "...", ".. ", " .."])
def test_C07_encodings_are_never_decoded(shop, part):
    """Each is a name like any other: not found if there is no such file, and exactly that file if there is one."""
    make_file(shop.server.storage / "film.mp4", 10)
    refused(upload(shop, f"sestore4/jb/{part}/film.mp4"), "2002", "does not exist")
    make_file(shop.files / part / "film.mp4", 3000)
    assert sent(shop, f"{part}/film.mp4") == (shop.files / part / "film.mp4").read_bytes()


@pytest.mark.parametrize("path", ["sestore4/jb/\udcc0\udcae\udcc0\udcae/film.mp4", "sestore4/jb/\udcc0\udcaf",
                                  "sestore4/jb/\udce0\udc80\udcaf", "sestore4/jb/\udcff"])
def test_C07_overlong_bytes_are_refused(guarded, path):
    raw = path.encode("utf-8", "surrogateescape")
    request = json.dumps(guarded.api.request("aws.upload", path="@", destination_path="f", bucket="videos")).encode()
    text = request.replace(b"@", raw)
    assert raw in text
    mac = base64.b64encode(hmac.new(guarded.key.secret.encode(), text, hashlib.sha256).digest()).decode()
    signed = text[:-1] + f', "signature": "{mac}"}}'.encode()
    refused(send(guarded, b"json=" + urllib.parse.quote(signed).encode(), URLENCODED), "2001", "UTF-8")


@pytest.mark.parametrize("path,code", [
    ("/etc/passwd", "2001"), ("//etc/passwd", "2001"), ("file:///etc/passwd", "2001"), ("php://filter/x", "2001"),
    ("\\\\host\\share", "2001"), ("\\\\host\\share/jb/film.mp4", "2003"), ("C:\\film.mp4", "2001"),
    ("C:/jb/film.mp4", "2003"), ("http://127.0.0.1/film.mp4", "2001"), ("~/jb/film.mp4", "2003"), ("$HOME/jb/x", "2003"),
    ("|id", "2001"), ("`id`/jb/x", "2003")])
def test_C08_absolute_paths_and_schemes(guarded, path, code):
    refused(upload(guarded, path), code)


def test_C09_links_to_the_outside(shop):
    outside = shop.server.folder / "outside"
    make_file(outside / "deep/secret.mp4", 10)
    for name, target in {"absolute.mp4": outside / "deep/secret.mp4", "relative.mp4": "../../outside/deep/secret.mp4",
                         "folder": outside, "up": "../..", "passwd": "/etc/passwd", "dangling": "/nowhere"}.items():
        (shop.files / name).symlink_to(target)
    (shop.files / "real").mkdir()
    (shop.files / "real/middle").symlink_to("../folder/deep")
    for name in ("absolute.mp4", "relative.mp4", "folder/deep/secret.mp4", "up/outside/deep/secret.mp4", "passwd",
                 "dangling", "real/middle/secret.mp4"):
        refused(upload(shop, f"sestore4/jb/{name}"), "2002", "symbolic link")
    (shop.server.storage / "jb2").mkdir()
    assert shop.api.all() == []


def test_C09_a_users_folder_that_is_a_link(new_site, fake):
    site = new_site()
    site.use(fake, "videos")
    outside = site.server.folder / "outside"
    make_file(outside / "film.mp4", 10)
    site.files.rmdir()
    site.files.symlink_to(outside)
    refused(upload(site, "sestore4/jb/film.mp4"), "2002", "symbolic link")
    refused(site.api.call("files.list", path="sestore4/jb"), "2002", "symbolic link")


def test_C10_links_within_the_storage(shop):
    (shop.files / "inner.mp4").symlink_to("film.mp4")
    (shop.files / "loop.mp4").symlink_to("loop.mp4")
    (shop.files / "folder").symlink_to(".")
    for name in ("inner.mp4", "loop.mp4", "folder/film.mp4"):
        refused(upload(shop, f"sestore4/jb/{name}"), "2002", "symbolic link", "not followed")


def test_C11_magic_links(new_site, fake):
    """/proc itself as the storage: its links lead to whatever a process has open."""
    site = new_site(storage="cross_mounts = true")
    site.use(fake, "videos")
    site.server.stop()
    site.server.config.write_text(site.server.config.read_text().replace(f'root = "{site.server.storage}"',
                                                                         'root = "/proc"'))
    site.server.start()
    site.server.cli("account", "add", "--cdn", "200", "--user", "self")
    site.server.cli("account", "add", "--cdn", "201", "--user", str(site.server.process.pid))
    for cdn, user in ((200, "self"), (201, str(site.server.process.pid))):
        key = site.server.add_key(cdn)
        site.server.add_bucket("videos", fake.endpoint, fake.access_key, fake.secret_key, cdn=cdn)
        api = ApiClient(site.server.url, key.api_key, key.secret, cdn)
        for name in ("fd/0", "exe", "root/etc/passwd", "cwd/etc/passwd", "fd/1"):
            answer = api.upload(f"sestore4/{user}/{name}", "x", "videos")
            refused(answer, "2002", "symbolic link")


def test_C12_a_root_that_is_a_link_is_resolved_once(new_site, fake):
    """The operator's choice. A change of the link while the server runs has no effect; a restart follows it again."""
    site = new_site()
    site.use(fake, "videos")
    site.server.stop()
    real = site.server.folder / "real"
    site.server.storage.rename(real)
    site.server.storage.symlink_to(real)
    site.server.start()
    digest = make_file(real / "jb/film.mp4", KIB)
    site.fake = fake
    assert hashlib.sha256(sent(site, "film.mp4")).hexdigest() == digest
    other = site.server.folder / "other"
    make_file(other / "jb/other.mp4", 10)
    site.server.storage.unlink()
    site.server.storage.symlink_to(other)
    refused(upload(site, "sestore4/jb/other.mp4"), "2002", "does not exist")
    assert upload(site, "sestore4/jb/film.mp4").ok
    site.server.restart()
    assert upload(site, "sestore4/jb/other.mp4").ok


@pytest.mark.parametrize("kind", [stat.S_IFCHR, stat.S_IFBLK], ids=["character", "block"])
def test_C15_devices(new_site, fake, make_device, kind):
    site = new_site(storage=make_device.storage)
    site.use(fake, "videos")
    make_device(site.files / "device.mp4", kind)
    began = time.monotonic()
    refused(upload(site, "sestore4/jb/device.mp4"), "2002", "regular")
    assert time.monotonic() - began < 5, "nobody may wait for it"


def test_C15_what_is_no_regular_file(shop):
    (shop.files / "folder").mkdir()
    os.mkfifo(shop.files / "pipe.mp4")
    with socket.socket(socket.AF_UNIX) as listener:
        folder = os.open(shop.files, os.O_RDONLY)
        listener.bind(f"/proc/self/fd/{folder}/socket.mp4")
        os.close(folder)
        for name, word in {"folder": "directory", "pipe.mp4": "regular", "socket.mp4": "regular"}.items():
            began = time.monotonic()
            refused(upload(shop, f"sestore4/jb/{name}"), "2002", word)
            assert time.monotonic() - began < 5, f"{name}: nobody may wait for it"


def test_C16_hard_links_are_files_as_any_other(shop):
    make_file(shop.server.storage / "other/theirs.mp4", 2000)
    os.link(shop.server.storage / "other/theirs.mp4", shop.files / "mine.mp4")
    assert sent(shop, "mine.mp4") == (shop.files / "mine.mp4").read_bytes()


def test_C16_deny_hardlinks(new_site, fake):
    site = new_site(storage="deny_hardlinks = true")
    site.use(fake, "videos")
    make_file(site.server.storage / "other/theirs.mp4", 2000)
    os.link(site.server.storage / "other/theirs.mp4", site.files / "mine.mp4")
    refused(upload(site, "sestore4/jb/mine.mp4"), "2002", "hard links")
    (site.server.storage / "other/theirs.mp4").unlink()
    site.wait_for(site.queue("mine.mp4", "videos"), "completed")


def test_C18_what_may_not_be_read(new_site, fake, request):
    """The modes of the files forbid it. The message says why, and nothing is queued for another attempt."""
    site = new_site()
    site.use(fake, "videos")
    make_file(site.files / "film.mp4", 10)
    make_file(site.files / "private.mp4", 10)
    make_file(site.files / "closed/film.mp4", 10)
    (site.files / "private.mp4").chmod(0)
    (site.files / "closed").chmod(0)
    request.addfinalizer(lambda: (site.files / "closed").chmod(0o700))
    site.server.obeys_modes = True
    site.server.restart()
    for name in ("private.mp4", "closed/film.mp4"):
        refused(upload(site, f"sestore4/jb/{name}"), "2002", "permission")
    refused(site.api.call("files.list", path="sestore4/jb/closed"), "2002", "permission")
    listing = site.api.call("files.list", path="sestore4/jb").body
    assert [one["path"] for one in listing["data"]] == ["sestore4/jb/film.mp4", "sestore4/jb/private.mp4"]
    assert listing["skipped"] == 1
    waiting, name = one_that_waits(site, fake)
    (site.files / name).chmod(0)
    fake.play({"about": "no fault", "rules": []})
    ended = site.wait_for(waiting, "failed")
    assert ended["error"]["retryable"] is False and "permission" in ended["error"]["message"], ended


def test_C19_absent_at_accept_and_absent_at_the_run(shop):
    refused(upload(shop, "sestore4/jb/absent.mp4"), "2002", "does not exist")
    refused(upload(shop, "sestore4/jb/absent/absent.mp4"), "2002", "does not exist")
    waiting, name = one_that_waits(shop, shop.fake)
    (shop.files / name).unlink()
    shop.fake.play({"about": "no fault", "rules": []})
    ended = shop.wait_for(waiting, "failed")
    assert ended["error"]["code"] == "source_missing" and ended["error"]["retryable"] is False


def test_C20_lengths_and_levels(shop):
    longest = "n" * 251 + ".mp4"
    make_file(shop.files / longest, 300)
    assert sent(shop, longest) == (shop.files / longest).read_bytes()
    refused(upload(shop, "sestore4/jb/" + "n" * 256), "2001", "255")
    deep = "/".join(["d"] * 200) + "/film.mp4"
    make_file(shop.files / deep, 400)
    assert sent(shop, deep) == (shop.files / deep).read_bytes()

    begin = "sestore4/jb/"
    whole = "/".join(["p" * 250] * 20)[:4095 - len(begin)].rstrip("/")
    whole += "x" * (4095 - len(begin) - len(whole))
    refused(upload(shop, begin + whole), "2002", "does not exist")
    refused(upload(shop, begin + whole + "x"), "2001", "4095")
    at = os.open(shop.files, os.O_RDONLY)
    *folders, name = whole.split("/")
    for folder in folders:
        os.mkdir(folder, dir_fd=at)
        at, above = os.open(folder, os.O_RDONLY, dir_fd=at), at
        os.close(above)
    with open(os.open(name, os.O_CREAT | os.O_WRONLY, dir_fd=at), "wb") as out:
        out.write(b"at the very end")
    os.close(at)
    assert sent(shop, whole) == b"at the very end"
    assert shop.api.call("files.list", path="sestore4/jb", type="all", filter=name[:50] + "*").body["total"] == 1


@pytest.mark.parametrize("name", ["new\nline.mp4", "quo\"te'.mp4", "semi;colon|$(id)`.mp4", "esc\x1b[31mred\x07.mp4",
                                  "back\\slash.mp4", "a\u202eb.mp4", "\u2028.mp4", "tab\t.mp4", "\x7f.mp4", "*?[a].mp4", "-rf.mp4",
                                  "<script>.mp4", "\U0001f3ac.mp4"], ids=repr)
def test_C21_odd_names(shop, name):
    (shop.files / name).write_bytes(name.encode())
    upload_id = shop.api.upload(f"sestore4/jb/{name}", "odd", "videos")
    assert upload_id.ok, upload_id
    assert shop.wait_for(upload_id.data, "completed")["path"] == f"sestore4/jb/{name}"
    assert shop.fake.object("videos", "odd").body == name.encode()
    refused(upload(shop, f"sestore4/jb/absent{name}"), "2002", "does not exist")
    for line in shop.server.logs().splitlines():
        assert line.isprintable(), f"the log has a raw control character: {line!r}"
    told = shop.server.cli("status", str(upload_id.data))
    assert all(line.isprintable() for line in told.splitlines()), told


def test_C21_names_that_are_no_text(shop):
    """JSON cannot say them, so no request can: such a file is not listed, but counted."""
    with open(os.fsencode(shop.files) + b"/\xff\xfe.mp4", "wb") as out:
        out.write(b"x")
    body = shop.api.call("files.list", path="sestore4/jb").body
    assert [one["path"] for one in body["data"]] == ["sestore4/jb/film.mp4"] and body["skipped"] == 1


def test_C22_twins_of_unicode_are_two_files(shop):
    composed, decomposed = "caf\u00e9.mp4", "cafe\u0301.mp4"
    (shop.files / composed).write_bytes(b"composed")
    refused(upload(shop, f"sestore4/jb/{decomposed}"), "2002", "does not exist")
    (shop.files / decomposed).write_bytes(b"decomposed")
    assert sent(shop, composed) == b"composed"
    assert sent(shop, decomposed) == b"decomposed"
    listing = shop.api.call("files.list", path="sestore4/jb", filter="caf*").body
    assert [one["path"] for one in listing["data"]] == [f"sestore4/jb/{decomposed}", f"sestore4/jb/{composed}"]


def test_C26_storages_as_the_account_sees_them(new_site):
    other = "\n".join(["[[storage]]", 'name = "sestore5"', 'root = "/nonexistent/storage"'])
    site = new_site(extra=other)
    site.server.add_account(159, "eve")
    answer = site.api.call("files.getstorage")
    assert [(one["storage"], one["path"], one["available"]) for one in answer.data] == [
        ("sestore4", "sestore4/jb", True), ("sestore5", "sestore5/jb", False)]
    assert all(set(one) == {"storage", "path", "available", "bytes_free"} for one in answer.data)
    text = json.dumps(answer.body)
    assert str(site.server.folder) not in text and "nonexistent" not in text and "eve" not in text
    failed = upload(site, "sestore5/jb/film.mp4")
    assert "nonexistent" not in failed.message

"""files.list against the real binary: what it shows, what it never shows, and how it goes through large folders."""

import json
import os
import stat

import pytest

from forms import refused
from support import make_file


def listed(site, path="sestore4/jb", **fields) -> dict:
    """The envelope of a listing that has to succeed."""
    answer = site.api.call("files.list", path=path, **fields)
    assert answer.ok, answer
    assert set(answer.body) == {"message", "status", "data", "total", "complete", "skipped", "handle_time"}
    return answer.body


def names(body: dict) -> list[str]:
    return [one["path"].removeprefix("sestore4/jb/") for one in body["data"]]


def test_what_is_told_of_a_file_is_what_an_upload_takes(site, fake):
    site.use(fake, "videos")
    make_file(site.files / "path/to/Film \u00fc\"\n.MP4", 1234)
    os.utime(site.files / "path/to/Film \u00fc\"\n.MP4", (1_600_000_000, 1_600_000_001.9))
    body = listed(site)
    assert body["data"] == [{"path": "sestore4/jb/path/to/Film \u00fc\"\n.MP4", "size": 1234, "modified": 1_600_000_001,
                             "type": "video/mp4"}]
    assert (body["total"], body["complete"], body["skipped"]) == (1, True, 0)
    taken = site.api.upload(body["data"][0]["path"], "film.mp4", "videos")
    assert site.wait_for(taken.data, "completed")["size"] == 1234


def test_types_filters_and_folders(site):
    for name in ("a.mp4", "b.MKV", "c.txt", ".hidden.mov", "sub/a.mp4", "sub/deep/er/x.ts", "sub.mp4/y.mp4"):
        make_file(site.files / name, 1)
    everything = sorted(["a.mp4", "b.MKV", "c.txt", ".hidden.mov", "sub/a.mp4", "sub/deep/er/x.ts", "sub.mp4/y.mp4"])
    assert names(listed(site, type="all")) == everything
    assert names(listed(site)) == names(listed(site, type="video")) == [one for one in everything if one != "c.txt"]
    assert names(listed(site, filter="a.*")) == ["a.mp4", "sub/a.mp4"]
    assert names(listed(site, filter="*.MKV", path="sestore4/jb/")) == ["b.MKV"]
    assert names(listed(site, filter="sub/*")) == ["sub/a.mp4"]
    assert names(listed(site, path="sestore4/jb/sub")) == ["sub/a.mp4", "sub/deep/er/x.ts"]
    assert names(listed(site, path="sestore4/jb/sub", filter="*/*/x.??")) == ["sub/deep/er/x.ts"]
    assert listed(site, filter="nothing")["total"] == 0


def test_pages_hold_every_file_once_and_in_order(site):
    wanted = sorted([f"{folder}/{number:03}.mp4" for folder in ("a", "a-b", "a.b", "ab") for number in range(90)])
    for name in wanted:
        make_file(site.files / name, 0)
    seen = []
    for offset in range(0, 500, 100):
        body = listed(site, offset=offset)
        assert body["total"] == 360 and len(body["data"]) == max(0, min(100, 360 - offset))
        seen += names(body)
    assert seen == wanted
    assert names(listed(site, offset=359)) == wanted[-1:]
    assert listed(site, offset="10000000")["data"] == []


def test_nothing_but_regular_files_and_no_host_path(new_site, make_device):
    site = new_site(storage=make_device.storage)
    make_file(site.files / "film.mp4", 1)
    outside = site.server.folder / "outside"
    outside.mkdir()
    make_file(outside / "secret.mp4", 1)
    (site.files / "link.mp4").symlink_to(outside / "secret.mp4")
    (site.files / "inner.mp4").symlink_to("film.mp4")
    (site.files / "folder").symlink_to(outside)
    (site.files / "self").symlink_to(".")
    os.mkfifo(site.files / "pipe.mp4")
    make_device(site.files / "device.mp4", stat.S_IFCHR)
    body = listed(site, type="all")
    assert names(body) == ["film.mp4"] and body["skipped"] == 0
    assert str(site.server.folder) not in json.dumps(body)
    for name in ("folder", "self", "film.mp4", "absent", "folder/x"):
        answer = site.api.call("files.list", path=f"sestore4/jb/{name}")
        refused(answer, "2002", name)
        assert str(site.server.folder) not in answer.message


def test_names_that_json_cannot_say_are_counted(site):
    make_file(site.files / "film.mp4", 1)
    with open(os.fsencode(site.files) + b"/caf\xe9.mp4", "wb"):
        pass
    os.mkdir(os.fsencode(site.files) + b"/\xff")
    body = listed(site)
    assert names(body) == ["film.mp4"] and body["skipped"] == 2 and body["complete"]


@pytest.mark.parametrize("fields,code", [
    ({"path": None}, "0006"), ({"path": ""}, "2001"), ({"path": "sestore4"}, "2001"), ({"path": "/"}, "2001"),
    ({"path": "sestore4/jb/.."}, "2001"), ({"path": "sestore4/jb//x"}, "2001"), ({"path": "sestore{#}/jb"}, "2003"),
    ({"path": "sestore9/jb"}, "2003"), ({"path": "sestore4/eve"}, "2002"), ({"path": "sestore4/none"}, "2002"),
    ({"type": "VIDEO"}, "2001"), ({"type": ""}, "2001"), ({"offset": -1}, "2001"), ({"offset": 10_000_001}, "2001"),
    ({"filter": "[a"}, "2001"), ({"filter": "a" * 256}, "2001"), ({"filter": ["*"]}, "2001"), ({"filtre": "*"}, "2001"),
], ids=str)
def test_what_cannot_be_meant_is_refused(guarded, fields, code):
    (guarded.server.storage / "eve").mkdir(exist_ok=True)
    refused(guarded.api.call("files.list", **{"path": "sestore4/jb", **fields}), code)


def test_another_users_folder_is_as_absent(guarded):
    (guarded.server.storage / "eve").mkdir(exist_ok=True)
    there, absent = (guarded.api.call("files.list", path=f"sestore4/{name}") for name in ("eve", "abs"))
    assert there.message.replace("eve", "abs") == absent.message and there.code == absent.code == "2002"

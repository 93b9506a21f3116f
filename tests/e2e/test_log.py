"""An upload's life in the log: four lines with the fields that docs/monitoring.md names, and warnings where it goes wrong."""

import json
import pathlib
import re

import pytest

from support import make_file, wait_until

MONITORING = pathlib.Path(__file__).resolve().parents[2] / "docs/monitoring.md"
EVERY_LINE = {"time", "level", "message"}


def lines_of(site, upload: int) -> list[dict]:
    lines = [json.loads(line) for line in site.server.logs().splitlines() if line.startswith("{")]
    return [line for line in lines if line.get("upload") == upload]


def documented(message: str) -> set[str]:
    """The names in the row of this message."""
    row = re.search(rf"^\| `{message}` \|(.*)\|$", MONITORING.read_text(), re.MULTILINE)
    return set(re.findall(r"`([a-z_]+)`", row[1]))


def fields_of(line: dict) -> set[str]:
    return set(line) - EVERY_LINE


def test_an_upload_that_succeeds_is_four_lines(site, fake, receiver):
    site.use(fake, "videos")
    make_file(site.files / "show/film one.mp4", 70_000)
    upload = site.queue("show/film one.mp4", "videos", "new/film.mp4", callback=receiver.url + "?token=very-private")
    site.wait_for(upload, "completed")
    wait_until(lambda: len(lines_of(site, upload)) == 4, 10, "the fourth line")

    queued, began, ended, delivered = lines = lines_of(site, upload)
    assert [line["message"] for line in lines] == ["upload queued", "upload began", "upload ended", "callback delivered"]
    assert {line["level"] for line in lines} == {"info"}
    assert fields_of(queued) == documented("upload queued") - {"retry_of"}
    assert fields_of(began) == fields_of(queued) | documented("upload began")
    assert fields_of(ended) == documented("upload ended")
    assert fields_of(delivered) == documented("callback delivered")
    assert queued["source"] == began["source"] == ended["source"] == "sestore4/jb/show/film one.mp4"
    assert queued["object"] == began["object"] == ended["object"] == "s3://videos/new/film.mp4"
    assert queued["bytes"] == began["bytes"] == ended["bytes"] == 70_000
    assert ended["state"] == "completed" and ended["checksum"].startswith("crc32c:") and ended["attempts"] == 1
    assert ended["bytes_per_s"] == pytest.approx(70_000 / ended["seconds"], rel=0.01)
    assert receiver.url.split("/")[2] == delivered["receiver"]
    assert "very-private" not in site.server.logs()


def test_a_failure_is_a_warning_with_its_reason_and_so_is_its_callback(site, fake, new_receiver):
    receiver = new_receiver((503, {}), (204, {}))
    fake.play("put_access_denied")
    site.use(fake, "videos")
    make_file(site.files / "film.mp4", 1000)
    upload = site.queue("film.mp4", "videos", callback=receiver.url)
    site.wait_for(upload, "failed")
    wait_until(lambda: lines_of(site, upload)[-1]["message"] == "callback delivered", 20, "the callback arrives")

    lines = {line["message"]: line for line in lines_of(site, upload)}
    ended = lines["upload ended"]
    assert ended["level"] == "warning" and ended["state"] == "failed" and ended["code"] == "s3_access_denied"
    assert "videos" in ended["reason"] or "denied" in ended["reason"].lower()
    failed = lines["callback failed, and is sent again"]
    assert failed["level"] == "warning" and failed["http_status"] == 503 and 0 < failed["next_in_s"] < 60
    assert fields_of(failed) >= documented("callback failed, and is sent again")
    assert lines["callback delivered"]["attempt"] == 2


def test_changes_and_repeats_are_told(site, fake):
    site.use(fake, "videos")
    make_file(site.files / "film.mp4", 1000)
    fake.play("put_access_denied")
    upload = site.queue("film.mp4", "videos")
    site.wait_for(upload, "failed")
    again = int(json.loads(site.server.cli("upload", "retry", upload, "--json"))["id"])
    site.wait_for(again, "completed", "failed")
    wait_until(lambda: len(lines_of(site, again)) >= 3, 10, "the lines of the new upload")
    lines = {line["message"]: line for line in lines_of(site, again)}
    assert lines["upload queued"]["retry_of"] == upload
    assert lines["upload changed"]["change"] == "retry"


def test_ten_files_at_once_are_ten_lines(site, fake):
    site.use(fake, "videos")
    for number in range(10):
        make_file(site.files / f"many/{number}.mp4", 100)
    site.server.cli("upload", "sestore4/jb/many/", "--recursive", "--cdn", 158, "--bucket", "videos")

    def queued() -> list[dict]:
        return [json.loads(line) for line in site.server.logs().splitlines() if '"upload queued"' in line]

    wait_until(lambda: len(queued()) == 10, 10, "a line for each file")
    assert len({line["source"] for line in queued()}) == 10

"""Uploads are removed some time after their end, with all that belongs to them, and nothing else is."""

import contextlib
import json
import socket
import sqlite3
import time

from rest_client import RestClient
from support import make_file, wait_until

DAY_MS = 86_400_000
UNTIL_FIRST_ROUND_S = 30


def backdate(server, upload_ids: list[int], days: int) -> None:
    """Of a server that is stopped: these uploads ended that much earlier."""
    assert server.process is None
    with contextlib.closing(sqlite3.connect(server.store)) as database, database:
        for upload_id in upload_ids:
            database.execute("UPDATE uploads SET created_ms = created_ms - ?2, finished_ms = finished_ms - ?2 WHERE id = ?1",
                             (upload_id, days * DAY_MS))


def rows(server, upload_id: int) -> dict[str, int]:
    """Of a server that is stopped: what the tables have of the upload."""
    assert server.process is None
    with contextlib.closing(sqlite3.connect(server.store)) as database:
        of_upload = {table: database.execute(f"SELECT count(*) FROM {table} WHERE {column} = ?", (upload_id,)).fetchone()[0]
                     for table, column in (("uploads", "id"), ("callbacks", "upload_id"), ("upload_attempts", "upload_id"))}
        lost = "SELECT count(*) FROM callback_attempts WHERE callback_id NOT IN (SELECT id FROM callbacks)"
        return of_upload | {"attempts without a callback": database.execute(lost).fetchone()[0]}


def removed(server) -> float:
    return sum(float(line.split()[1]) for line in server.metrics().splitlines() if line.startswith("vodlift_uploads_removed_total{"))


def test_what_ended_long_ago_is_archived_and_removed(new_site, fake, receiver):
    site = new_site(extra='[retention]\nended_days = 30\narchive = "archive"\n[metrics]\nlisten = "127.0.0.1:0"')
    server = site.server
    site.use(fake, "videos")
    make_file(site.files / "film.mp4", 1000)
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))  # and does not listen
        url = f"http://127.0.0.1:{nobody.getsockname()[1]}/uploaded"
        waiting = site.queue("film.mp4", "videos", "waiting", callback=url)
        young = site.queue("film.mp4", "videos", "young")
        newest = site.queue("film.mp4", "videos", "newest", callback=receiver.url)
        for one in (waiting, young, newest):
            site.wait_for(one, "completed")
        wait_until(lambda: site.api.status(newest)["callback_state"] == "delivered", 10, "its callback has ended")
        before = site.api.status(newest)

        server.stop()
        backdate(server, [waiting, newest], 31)
        server.start()
        wait_until(lambda: removed(server) == 1, UNTIL_FIRST_ROUND_S, "one upload is removed")
        assert {one["id"] for one in site.api.all()} == {waiting, young}
        assert site.api.status(waiting)["callback_state"] == "pending", "it is not removed before its callback has ended"

    unknown = site.api.call("aws.status", id=newest)
    assert not unknown.ok and unknown.code == "2005"
    rest = RestClient(server.socket)
    assert rest.call("GET", f"/uploads/{newest}").status == rest.call("GET", "/uploads/4711").status == 404
    assert [one["uploads"] for one in rest.call("GET", "/counts").data["items"]] == [2], "counts are of what is kept"

    (archive,) = (server.folder / "archive").iterdir()
    (line,) = archive.read_text().splitlines()
    kept = json.loads(line)
    assert kept["cdn"] == 158 and {name: kept[name] for name in ("id", "path", "etag", "state")} == {
        name: before[name] for name in ("id", "path", "etag", "state")}
    assert archive.name == time.strftime("uploads-%Y-%m.jsonl", time.gmtime(kept["finished"]))

    server.stop()
    assert set(rows(server, newest).values()) == {0}
    with contextlib.closing(sqlite3.connect(server.store, isolation_level=None)) as database:
        database.execute("VACUUM")  # as docs/configuration.md says
    server.start()
    assert site.queue("film.mp4", "videos", "next") > newest, "its id is not used again"


def test_by_default_nothing_is_removed(site, fake):
    site.use(fake, "videos")
    make_file(site.files / "film.mp4", 1000)
    upload = site.queue("film.mp4", "videos")
    site.wait_for(upload, "completed")
    site.server.stop()
    backdate(site.server, [upload], 10_000)
    site.server.start()
    site.server.cli("reload")  # begins a round
    site.wait_for(site.queue("film.mp4", "videos", "2.mp4"), "completed")
    assert site.api.status(upload)["state"] == "completed"

"""`vodlift store migrate`: a queue moves from SQLite to PostgreSQL and back, and goes on there."""

import collections
import contextlib
import json
import os
import shutil
import sqlite3
import subprocess

import pytest

from api_client import sign
from postgres_server import PASSWORD
from rest_client import RestClient
from server import Server
from support import MIB, binary, make_file, sha256, wait_until

PART = 16 * MIB
SIZE = 4 * PART + 1000
NO_FAULT = {"about": "no fault", "rules": []}
# Parts from the third on, the test's small files, and what would abort a multipart upload.
HELD = {"about": "held", "rules": [{"operation": "UploadPart", "fault": {"hold": True}, "if_part_above": 2},
                                   {"operation": "PutObject", "fault": {"hold": True}},
                                   {"operation": "AbortMultipartUpload", "fault": {"status": 503, "code": "SlowDown"}}]}


@pytest.fixture
def new_server(postgres, site):
    """A server that is not started, with the storage and the key of `site`, on a new database in PostgreSQL or in a file."""
    made = []

    def make(kind: str) -> Server:
        server = Server()
        made.append(server)
        server.storage = site.server.storage
        server.database = postgres.new_database()
        lines = f'url = "{postgres.url(server.database)}"\nfolder = "{server.folder}"\naccept_unsafe = true'
        server.configure(parts=2, store=(lambda _: lines) if kind == "postgres" else None)
        shutil.copy(site.server.folder / "master.key", server.folder / "master.key")
        return server

    yield make
    for one in made:
        one.close()


@pytest.fixture
def site(new_site):
    return new_site(parts=2)


def command(source: Server, target: Server) -> list:
    return [binary(), "store", "migrate", "--from", source.config, "--to", target.config, "--json"]


def migrate(source: Server, target: Server) -> subprocess.CompletedProcess:
    return subprocess.run(command(source, target), capture_output=True, text=True, timeout=120, env={"PATH": os.defpath})


def tables(source: Server, target: Server) -> dict[str, tuple[int, str]]:
    """Copies; the rows and the checksum of each table."""
    done = migrate(source, target)
    assert done.returncode == 0, done.stderr + done.stdout
    return {one["table"]: (one["rows"], one["sha256"]) for one in json.loads(done.stdout)["tables"]}


def refusal(done: subprocess.CompletedProcess) -> str:
    assert done.returncode in (1, 2), done
    return json.loads(done.stderr.splitlines()[-1])["message"]


def init(server: Server) -> None:
    subprocess.run([binary(), "init", "--config", server.config], check=True, capture_output=True, timeout=30)


def ended(server: Server) -> dict[str, int]:
    """How many uploads ended in each state, by the statistics."""
    days = RestClient(server.socket).call("GET", "/statistics", query={"resolution": "day"}).data["items"]
    return {state: sum(day[state] for day in days) for state in ("completed", "failed", "cancelled")}


def seen(server: Server) -> dict[str, str]:
    """What an operator sees of all that does not change by itself."""
    limits = [{**limit, "share": None} for limit in json.loads(server.cli("limit", "list", "--json"))]  # only nodes share
    return {noun: server.cli(noun, "list", "--json") for noun in ("account", "key", "bucket", "people", "token")} | {
        "limit": json.dumps(limits), "ended": json.dumps(ended(server))}


class Queue:
    """A site that was killed, with uploads in every state."""

    def __init__(self, site, fake, good, bad):
        server, self.site, self.fake = site.server, site, fake
        for bucket in ("videos", "other"):
            site.use(fake, bucket, more=("--part-size", PART))
        server.add_account(cdn=7, user="other")
        server.cli("limit", "set", "--cdn", 158, "--bucket", "other", "--rate", "80MB")
        server.cli("people", "invite", "anna", "--role", "admin")
        server.cli("people", "invite", "otto", "--role", "customer", "--cdn", 158)
        make_file(site.files / "small.mp4", 1000)
        self.digest = make_file(site.files / "film.mp4", SIZE)
        self.ids = {"completed": site.queue("small.mp4", "videos", "Zoë%20a'b.mp4", callback=good.url, metadata={"name": "Zoë"})}
        site.wait_for(self.ids["completed"], "completed")
        self.ids["failed"] = site.queue("small.mp4", "videos", "Zoë%20a'b.mp4", overwrite="fail", callback=bad.url)
        site.wait_for(self.ids["failed"], "failed")
        wait_until(lambda: good.received and bad.received, 10, "both receivers were called")
        self.text = sign(site.api.request("aws.upload", path="sestore4/jb/small.mp4", destination_path="again.mp4", metadata={},
                                          acl="private", bucket="videos", callback=""), site.key.secret)
        self.ids["repeated"] = site.api.post(self.text).data
        site.wait_for(self.ids["repeated"], "completed")
        fake.play(HELD)
        self.ids["litter"] = site.queue("film.mp4", "videos", "litter.mp4")
        wait_until(lambda: site.api.status(self.ids["litter"])["bytes_sent"] == 2 * PART, 20, "two parts are confirmed")
        server.cli("upload", "cancel", self.ids["litter"])
        site.wait_for(self.ids["litter"], "cancelled")
        self.ids["uploading"] = site.queue("film.mp4", "videos", callback=good.url)
        wait_until(lambda: site.api.status(self.ids["uploading"])["bytes_sent"] == 2 * PART, 20, "two parts are confirmed")
        for state in ("queued", "paused", "cancelled"):
            self.ids[state] = site.queue("small.mp4", "videos", "film.mp4", metadata={"state": state})
        server.cli("upload", "pause", self.ids["paused"])
        server.cli("upload", "cancel", self.ids["cancelled"])
        wait_until(lambda: ended(server) == {"completed": 2, "failed": 1, "cancelled": 2}, 20, "the statistics are written")
        self.seen = seen(server)
        self.uploads = {name: site.api.status(number) for name, number in self.ids.items()}
        server.kill9()
        fake.play(NO_FAULT)

    def goes_on(self, server: Server, good, bad) -> None:
        """The daemon that has it now has the same, and carries it out."""
        api = self.site.api_of(server)
        assert seen(server) == self.seen
        for name in ("completed", "failed", "repeated", "litter", "paused", "cancelled"):
            assert api.status(self.ids[name]) == self.uploads[name], name
        assert api.post(self.text).data == self.ids["repeated"], "the same signed bytes"
        newest = api.upload("sestore4/jb/small.mp4", "newest.mp4", "videos").data
        assert newest > max(self.ids.values())

        for name in ("uploading", "queued"):
            wait_until(lambda: api.status(self.ids[name])["state"] == "completed", 30, f"{name} ends")
        server.cli("upload", "resume", self.ids["paused"])
        wait_until(lambda: api.status(self.ids["paused"])["state"] == "completed", 30, "the paused one ends")
        parts = collections.Counter(one.part for one in self.fake.seen("UploadPart", stored=True) if one.key == "film.mp4")
        assert parts == {number: 1 for number in range(1, 6)}, "no part is sent again"
        wait_until(lambda: [one for one in good.received if one.json["data"]["id"] == self.ids["uploading"]], 20, "its callback comes")
        bad.answers = [(200, {})]
        callbacks = json.loads(server.cli("callback", "list", "--json"))["items"]
        server.cli("callback", "send", *[one["id"] for one in callbacks if one["upload"] == self.ids["failed"]])
        wait_until(lambda: api.status(self.ids["failed"])["callback_state"] == "delivered", 60, "the pending callback is delivered")
        good.received[-1].verify(self.site.account["webhook_secret"])
        wait_until(lambda: not self.fake.open_uploads(), 60, "the litter is aborted")


@pytest.fixture
def queue(site, fake, new_receiver):
    good, bad = new_receiver((200, {})), new_receiver((500, {}))
    one = Queue(site, fake, good, bad)
    one.receivers = good, bad
    return one


@pytest.mark.parametrize("way", [["postgres"], ["postgres", "sqlite"]], ids=["there", "and-back"])
def test_a_queue_moves_and_goes_on(queue, site, new_server, way):
    source, sums = site.server, []
    for kind in way:
        target = new_server(kind)
        sums.append(tables(source, target))
        source = target
    assert all(one == sums[0] for one in sums), "the checksums say the same of both kinds"
    rows = {table: count for table, (count, _) in sums[0].items()}
    assert rows["uploads"] == len(queue.ids) and rows["accounts"] == 2 and rows["people"] == 2 and rows["api_keys"] == 1
    assert rows["parts"] == 2 and rows["multiparts"] == 1 and rows["multipart_ledger"] == 2 and rows["callbacks"] == 2
    assert rows["signed_requests"] >= 1 and rows["bandwidth_limits"] == 1 and rows["setup_links"] == 3 and rows["buckets"] == 2
    source.start()
    source.secrets += site.server.secrets
    queue.goes_on(source, *queue.receivers)
    source.stop()
    back = new_server("sqlite" if way[-1] == "postgres" else "postgres")
    assert tables(source, back)["uploads"][0] == len(queue.ids) + 1
    assert "not empty" in refusal(migrate(source, back))


def test_both_must_be_free(queue, site, new_server, postgres):
    target = new_server("postgres")
    site.server.start()
    assert f"in use by process {site.server.process.pid}" in refusal(migrate(site.server, target))
    site.server.kill9()
    init(target)
    first = tables(site.server, target)
    target.start()
    back = new_server("sqlite")
    assert f"in use by process {target.process.pid}" in refusal(migrate(target, back))
    elsewhere = new_server("postgres")  # another machine's configuration of the same database
    elsewhere.config.write_text(elsewhere.config.read_text().replace(f"/{elsewhere.database}?", f"/{target.database}?"))
    assert "runs on the database: stop it" in refusal(migrate(elsewhere, back))
    target.kill9()
    assert "If it crashed, try again in" in refusal(migrate(target, back))
    postgres.sql(target.database, "UPDATE vodlift.nodes SET beat_ms = 0, leases_until_ms = 0")
    assert tables(target, back)["uploads"][0] == first["uploads"][0]


def test_the_master_key_must_be_the_same(site, new_server):
    site.server.stop()
    target = new_server("postgres")
    (target.folder / "master.key").unlink()
    assert "needs a copy of the master key file" in refusal(migrate(site.server, target))
    (target.folder / "master.key").write_bytes(b"k" * 32)
    (target.folder / "master.key").chmod(0o600)
    done = migrate(site.server, target)
    assert done.returncode == 2 and "another master key" in refusal(done)


def test_what_cannot_be_copied(site, new_server, postgres):
    site.server.stop()
    assert "of the same kind" in refusal(migrate(site.server, new_server("sqlite")))
    lost, target = new_server("sqlite"), new_server("postgres")
    assert "there is no database" in refusal(migrate(lost, target)) and not lost.store.exists()
    text = target.config.read_text()
    target.config.write_text(text.replace("//vodlift@", f"//{postgres.role}:wrong%20password@"))
    target.config.chmod(0o600)
    done = migrate(site.server, target)
    assert "authentication failed" in refusal(done) and "wrong" not in done.stdout + done.stderr
    assert PASSWORD not in done.stdout + done.stderr


ROWS = 60_000


@pytest.fixture
def many(site):
    """The site, stopped, with many uploads that ended."""
    site.server.stop()
    with contextlib.closing(sqlite3.connect(site.server.store)) as database:
        database.executescript(f"""
          WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {ROWS})
          INSERT INTO uploads (account, key_id, state, priority, path, destination_path, bucket, acl, metadata, callback, token,
                               size, next_attempt_ms, fence, attempts, bytes_sent, attempt_started_ms, created_ms, started_ms,
                               finished_ms)
          SELECT 158, 1, 'completed', 5, 'a/' || i, 'b/' || i, 'videos', 'private', '{{}}', '', 't' || i, i, 7, 1, 1, i, 5, 4, 5, 6 FROM n;
          INSERT INTO upload_counts SELECT account, state, count(*), sum(size) FROM uploads GROUP BY account, state;""")
    return site.server


def copied(postgres, server: Server) -> int:
    """How many uploads are in the target already."""
    if "url =" in server.config.read_text():
        there = postgres.sql(server.database, "SELECT to_regclass('vodlift.uploads') IS NOT NULL")
        return int(postgres.sql(server.database, "SELECT count(*) FROM vodlift.uploads")) if there == "t" else 0
    try:
        with contextlib.closing(sqlite3.connect(f"file:{server.store}?mode=ro", uri=True)) as database:
            return database.execute("SELECT count(*) FROM uploads").fetchone()[0]
    except sqlite3.OperationalError:
        return 0


def kill_in_the_middle(postgres, source: Server, target: Server) -> None:
    before = copied(postgres, target)
    running = subprocess.Popen(command(source, target), stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    wait_until(lambda: copied(postgres, target) > before or running.poll() is not None, 60, "some rows are copied", poll_s=0.005)
    running.kill()
    assert running.wait(10) == -9, running.stderr.read()
    assert 0 < copied(postgres, target) < ROWS


def test_a_copy_that_is_cut_off_goes_on(many, new_server, postgres):
    sums = []
    source = many
    for kind in ("postgres", "sqlite"):
        target = new_server(kind)
        for _ in range(3):
            kill_in_the_middle(postgres, source, target)
        assert "unfinished copy" in target.refused_start(2) and "store migrate" in target.refused_start(2)
        assert "unfinished copy" in refusal(migrate(target, new_server("sqlite" if kind == "postgres" else "postgres")))
        sums.append(tables(source, target))
        source = target
    assert sums[0] == sums[1] and sums[0]["uploads"][0] == ROWS
    source.start()


def test_an_unfinished_copy_takes_rows_of_its_source_alone(many, new_server, postgres):
    target, other = new_server("postgres"), new_server("sqlite")
    kill_in_the_middle(postgres, many, target)
    empty = new_server("postgres")
    init(empty)
    tables(empty, other)
    assert "another database" in refusal(migrate(other, target))


@pytest.mark.parametrize("change", ["UPDATE vodlift.ended_uploads SET etag = 'x' WHERE id = 3", "DELETE FROM vodlift.retries; DELETE FROM vodlift.uploads WHERE id = 4"],
                         ids=["changed", "removed"])
def test_a_row_that_differs_is_found(many, new_server, postgres, change):
    target = new_server("postgres")
    kill_in_the_middle(postgres, many, target)
    postgres.sql(target.database, change)
    done = migrate(many, target)
    where = "id 3" if "id = 3" in change else "id 4"
    assert done.returncode == 1 and f"table uploads: the row of {where}" in refusal(done), done
    assert "unfinished copy" in target.refused_start(2)

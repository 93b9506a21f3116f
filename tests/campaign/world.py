"""What a campaign runs in: nodes on one PostgreSQL, an S3, a customer's server, and the notes that all of them leave as evidence."""

import contextlib
import hashlib
import json
import pathlib
import random
import shutil
import signal
import threading
import time

from callback_receiver import CallbackReceiver
from fake_s3 import FakeS3
from ha_cluster import HaCluster
from postgres_server import PostgresServer
from relay import Relay, tcp_relay, unix_relay
from s3_store import Store
from server import Server
from support import make_file

BUCKET, TOKEN = "videos", "x-amz-meta-vodlift-upload"
FAKETIME = "/usr/lib/x86_64-linux-gnu/faketime/libfaketimeMT.so.1"

# Every change of a row, written down by the database itself in the transaction that makes it. `over`: the lease that the row had
# has run out, by its own time and by that of its node. A node may renew just when another one has seen that its time is over and takes
# what it has: then it counts as over for a second more.
HISTORY = """
CREATE SCHEMA campaign;
CREATE TABLE campaign.history (seq bigint GENERATED ALWAYS AS IDENTITY, writer text, what text, op text, id bigint, before jsonb, after jsonb);
CREATE TABLE campaign.renewals (node bigint PRIMARY KEY, at_ms numeric, before_ms numeric);
CREATE FUNCTION campaign.renewed() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS $$
BEGIN
  INSERT INTO campaign.renewals VALUES (NEW.id, extract(epoch FROM clock_timestamp()) * 1000, OLD.leases_until_ms)
  ON CONFLICT (node) DO UPDATE SET at_ms = excluded.at_ms, before_ms = excluded.before_ms;
  RETURN NULL;
END $$;
CREATE TRIGGER campaign_renewed AFTER UPDATE OF leases_until_ms ON vodlift.nodes FOR EACH ROW EXECUTE FUNCTION campaign.renewed();
CREATE FUNCTION campaign.look(line jsonb, kind text) RETURNS jsonb LANGUAGE sql AS $$
  SELECT CASE WHEN line IS NULL THEN NULL WHEN kind = 'ended_uploads' THEN jsonb_build_object('state', line->'state')
  ELSE jsonb_build_object('state', line->'state', 'fence', line->'fence', 'term', line->'owner_term', 'bytes_sent', line->'bytes_sent',
    'attempts', line->'attempts', 'owner', (SELECT name FROM vodlift.nodes WHERE id = (line->>'owner')::bigint),
    'over', (line->>'lease_until_ms')::bigint <= extract(epoch FROM clock_timestamp()) * 1000 AND (kind = 'callbacks' OR NOT EXISTS
      (SELECT 1 FROM vodlift.nodes WHERE id = (line->>'owner')::bigint AND term = (line->>'owner_term')::bigint
       AND leases_until_ms > extract(epoch FROM clock_timestamp()) * 1000 AND NOT EXISTS (SELECT 1 FROM campaign.renewals r
         WHERE r.node = nodes.id AND r.before_ms <= r.at_ms AND r.at_ms > extract(epoch FROM clock_timestamp()) * 1000 - 1000)))) END $$;
CREATE FUNCTION campaign.note() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS $$
DECLARE
  old_line jsonb := CASE WHEN TG_OP <> 'INSERT' THEN to_jsonb(OLD) END;
  new_line jsonb := CASE WHEN TG_OP <> 'DELETE' THEN to_jsonb(NEW) END;
BEGIN
  INSERT INTO campaign.history (writer, what, op, id, before, after)
  VALUES (current_setting('application_name'), TG_ARGV[0], TG_OP, (coalesce(new_line, old_line)->>'id')::bigint,
          campaign.look(old_line, TG_ARGV[0]), campaign.look(new_line, TG_ARGV[0]));
  RETURN NULL;
END $$;
CREATE TRIGGER campaign_note AFTER INSERT OR UPDATE OR DELETE ON vodlift.open_uploads FOR EACH ROW EXECUTE FUNCTION campaign.note('open_uploads');
CREATE TRIGGER campaign_note AFTER INSERT OR UPDATE OR DELETE ON vodlift.ended_uploads FOR EACH ROW EXECUTE FUNCTION campaign.note('ended_uploads');
CREATE TRIGGER campaign_note AFTER INSERT OR UPDATE OR DELETE ON vodlift.callbacks FOR EACH ROW EXECUTE FUNCTION campaign.note('callbacks');
CREATE EXTENSION amcheck;
"""

# Lines that say what is wrong, or an error.
INTEGRITY = """
SELECT c.oid::regclass, v.blkno, v.msg FROM pg_class c CROSS JOIN LATERAL verify_heapam(c.oid) AS v
WHERE c.relkind = 'r' AND c.relnamespace = 'vodlift'::regnamespace;
SELECT bt_index_check(c.oid, true) FROM pg_class c JOIN pg_am a ON a.oid = c.relam
WHERE c.relkind = 'i' AND a.amname = 'btree' AND c.relnamespace = 'vodlift'::regnamespace;
"""

DUMPS = {  # file: (query, whether a line for each row)
    "uploads": ("SELECT id, convert_from(path, 'UTF8') AS path, convert_from(destination_path, 'UTF8') AS destination,"
                " convert_from(bucket, 'UTF8') AS bucket, convert_from(metadata, 'UTF8') AS metadata,"
                " convert_from(callback, 'UTF8') AS callback, token FROM vodlift.uploads", False),
    "open": ("SELECT id, state, fence FROM vodlift.open_uploads", False),
    "ended": ("SELECT id, state, size, fence, error_code FROM vodlift.ended_uploads", False),
    "callbacks": ("SELECT c.upload_id, c.state, c.attempts, t.webhook_id FROM vodlift.callbacks c"
                  " JOIN vodlift.callback_texts t ON t.callback_id = c.id", False),
    "counts": ("SELECT state, sum(uploads)::bigint AS uploads FROM (SELECT state, uploads FROM vodlift.upload_counts UNION ALL"
               " SELECT state, uploads FROM vodlift.upload_count_changes) AS c GROUP BY state", False),
    "history": ("SELECT seq, writer, what, op, id, before, after,"
                " (extract(epoch FROM pg_xact_commit_timestamp(xmin)) * 1000)::float8 AS committed_ms FROM campaign.history ORDER BY seq", True)}


class Notes:
    """A file of JSON lines, each written down before anything goes on. Any thread."""

    def __init__(self, path: pathlib.Path):
        self._file = open(path, "a")
        self._lock = threading.Lock()

    def add(self, **line) -> None:
        with self._lock:
            self._file.write(json.dumps(line) + "\n")
            self._file.flush()


class NotedStore(Store):
    """Notes each object that comes into its place."""

    def __init__(self, notes: Notes):
        super().__init__()
        self._notes = notes

    def put(self, bucket, key, *more):
        with self.lock:
            made = super().put(bucket, key, *more)
            self._notes.add(**described(bucket, key, made))
            return made

    def complete(self, bucket, key, *more):
        with self.lock:
            made = super().complete(bucket, key, *more)
            self._notes.add(**described(bucket, key, made))
            return made


def described(bucket: str, key: str, found) -> dict:
    return {"bucket": bucket, "key": key, "token": found.headers.get(TOKEN, ""), "size": len(found.body),
            "sha256": hashlib.sha256(found.body).hexdigest()}


class Node:
    """One vodlift. `database` is its way there, which can be cut, unless a cluster has the database. `clock`: its clock can be set."""

    def __init__(self, name: str, world: "World", roles: str, clock: bool, grace_s: int):
        self.name, self.lock, self.stopped = name, threading.Lock(), False
        self.server = Server()
        url, self.database = world.way_to_database(name)
        self.server.configure(uploads=8, store=lambda server: "\n".join(
            [f'url = "{url}&application_name={name}"', f'folder = "{server.folder}"', f'node = "{name}"', f"accept_unsafe = {'true' if self.database else 'false'}"]),
            server=f"roles = {roles}" if roles else "", extra=f"[litter]\ngrace_s = {grace_s}\nretry_s = 2")
        text = self.server.config.read_text().replace(str(self.server.storage), str(world.storage))
        self.server.config.write_text(text.replace("[callback]", "[callback]\nper_receiver_per_s = 0"))
        self._offset = self.server.folder / "clock-offset"
        if clock:
            self.set_clock(0)
            self.server.environment = {"LD_PRELOAD": FAKETIME, "FAKETIME_TIMESTAMP_FILE": str(self._offset), "FAKETIME_DONT_FAKE_MONOTONIC": "1",
                                       "FAKETIME_NO_CACHE": "1", "NO_FAKE_STAT": "1"}

    def set_clock(self, ahead_s: int) -> None:
        written = self._offset.with_suffix(".new")
        written.write_text(f"{ahead_s:+d}\n")
        written.rename(self._offset)

    @property
    def process_id(self) -> int:
        process = self.server.process
        return process.pid if process else 0

    def start(self) -> bool:
        """False: it did not start, as the database is away."""
        with self.lock:
            if self.server.process and self.server.process.poll() is None:
                return True
            self.server.process = None
            try:
                self.server.start()
                return True
            except AssertionError:
                if self.server.process and self.server.process.poll() is None:
                    self.server.kill9()
                self.server.process = None
                return False

    def kill9(self) -> bool:
        with self.lock:
            process = self.server.process
            if process is None:
                return False
            self.stopped = False
            self.server.kill9()
            for kept in pathlib.Path("/dev/shm").glob(f"*faketime_*_{process.pid}"):
                kept.unlink()
            return True

    def pause(self) -> bool:
        if self.server.process is None:
            return False
        self.server.process.send_signal(signal.SIGSTOP)
        self.stopped = True
        return True

    def resume(self) -> None:
        if self.stopped and self.server.process:
            self.server.process.send_signal(signal.SIGCONT)
        self.stopped = False

    def close(self) -> None:
        self.resume()
        self.kill9()
        if self.database:
            self.database.close()
        self.server.remove()


class World:
    """All of it, and the folder of the evidence. `roles` has one entry a node, empty for all roles. `room_mib`: the database's disk.
    `machines`: three machines have the database, as docs/high-availability.md says."""

    def __init__(self, evidence: pathlib.Path, seed: int, roles: tuple[str, ...] = ("", "", ""), room_mib: int = 0, clock: bool = False,
                 grace_s: int = 30, machines: bool = False):
        self.evidence = evidence
        evidence.mkdir(parents=True, exist_ok=True)
        self._undo = contextlib.ExitStack()
        try:
            self._set_up(random.Random(seed), roles, room_mib, clock, grace_s, machines)
        except BaseException:
            self._undo.close()
            raise

    def _set_up(self, dice: random.Random, roles, room_mib, clock, grace_s, machines) -> None:
        if machines:
            self.cluster, self.postgres = HaCluster(('track_commit_timestamp: "on"',)), None
            self._undo.callback(self.cluster.close)
        else:
            # The log is written when a transaction must be safe, and otherwise as late as the server allows.
            self.cluster, self.postgres = None, PostgresServer(
                ("track_commit_timestamp=on", "wal_writer_delay=10s", "wal_writer_flush_after=100MB", "max_wal_size=64MB", "min_wal_size=32MB"), room_mib)
            self._undo.callback(self.postgres.close)
            self.database = self.postgres.new_database()
        self.storage = self.evidence / "storage"
        self.sources = self._make_sources(dice)
        self._received = Notes(self.evidence / "received.jsonl")
        self.receiver = self._undo.enter_context(CallbackReceiver())
        self.receiver.on_receive = lambda callback: self._received.add(
            at_ms=time.time() * 1000, webhook_id=callback.webhook_id, body=callback.body.decode())
        self.s3 = FakeS3()
        self.s3.store = NotedStore(Notes(self.evidence / "stored.jsonl"))
        self._undo.enter_context(self.s3)
        self.s3.create_bucket(BUCKET)
        # Multipart uploads of another program: they must stay.
        self.planted = [self.s3.store.create(BUCKET, f"campaign/{number}.mp4", {}, "somebody else").upload_id for number in range(3)]
        self.nodes: list[Node] = []
        self.s3_relay = tcp_relay(self.s3.port, lambda: {node.name: node.process_id for node in self.nodes if node.process_id})
        self._undo.callback(self.s3_relay.close)
        for number, role in enumerate(roles):
            self.nodes.append(Node(f"n{number + 1}", self, role, clock and number == len(roles) - 1, grace_s))
            self._undo.callback(self.nodes[-1].close)
        first = self.nodes[0].server
        first.start()
        self.sql(HISTORY)
        first.add_account()
        self.key = first.add_key()
        first.add_bucket(BUCKET, f"http://127.0.0.1:{self.s3_relay.port}", self.s3.access_key, self.s3.secret_key,
                         more=("--part-size", str(5 * 1024 * 1024)))
        for node in self.nodes[1:]:
            shutil.copy(first.folder / "master.key", node.server.folder / "master.key")
            node.server.start()

    def _make_sources(self, dice: random.Random) -> dict[str, dict]:
        sources = {}
        for number in range(12):
            size = dice.randrange(1, 40_000) if number < 10 else 17 * 1024 * 1024 + dice.randrange(1000)
            path = self.storage / "jb" / f"{number}.mp4"
            sources[f"sestore4/jb/{number}.mp4"] = {"sha256": make_file(path, size), "size": size}
        return sources

    def way_to_database(self, name: str) -> tuple[str, Relay | None]:
        if self.cluster:
            return self.cluster.url(), None
        folder = self.postgres.folder / name
        return (f"{self.postgres.url(self.database).partition('?')[0]}?host={folder}",
                unix_relay(folder / ".s.PGSQL.5432", self.postgres.folder / ".s.PGSQL.5432"))

    def sql(self, text: str) -> str:
        """AssertionError or RuntimeError: the database is away."""
        return self.cluster.sql(text) if self.cluster else self.postgres.sql(self.database, text)

    def end_leases(self, node: Node) -> None:
        """As the database sees it, the node's leases have run out; the node itself still counts on them."""
        self.sql(f"WITH n AS (UPDATE vodlift.nodes SET leases_until_ms = 0 WHERE name = '{node.name}' RETURNING id),"
                 " c AS (UPDATE vodlift.callbacks SET lease_until_ms = 0, next_attempt_ms = 0 WHERE lease_until_ms IS NOT NULL AND owner IN (SELECT id FROM n))"
                 " UPDATE vodlift.open_uploads SET lease_until_ms = 0 WHERE state = 'uploading' AND owner IN (SELECT id FROM n)")

    def end_waits(self) -> None:
        """What waits for a time of its schedule is due now."""
        self.sql("UPDATE vodlift.open_uploads SET next_attempt_ms = 0 WHERE state = 'queued' AND delayed;"
                 "UPDATE vodlift.callbacks SET next_attempt_ms = 0 WHERE delayed AND lease_until_ms IS NULL;"
                 "UPDATE vodlift.multipart_ledger SET next_attempt_ms = 0 WHERE next_attempt_ms IS NOT NULL")

    def unfinished(self) -> dict[str, int]:
        """What has not ended yet."""
        counts = self.sql("SELECT (SELECT count(*) FROM vodlift.open_uploads), (SELECT count(*) FROM vodlift.callbacks WHERE state = 'pending'),"
                          " (SELECT count(*) FROM vodlift.multipart_ledger)").split("|")
        litter = [one for one in self.s3.open_uploads() if one.upload_id not in self.planted]
        return {name: int(count) for name, count in zip(("uploads", "callbacks", "ledger"), counts)} | {"multiparts": len(litter)}

    def collect(self) -> None:
        """Writes down what database and store have now."""
        for name, (query, by_line) in DUMPS.items():
            answer = self.sql(f"SELECT row_to_json(r) FROM ({query}) AS r")
            (self.evidence / f"{name}.{'jsonl' if by_line else 'json'}").write_text(
                answer + "\n" if by_line else json.dumps([json.loads(line) for line in answer.splitlines()]))
        self._write("sources", self.sources)
        with self.s3.store.lock:
            self._write("objects", [described(BUCKET, key, found) for key, found in self.s3.store.buckets[BUCKET].items()])
            self._write("multiparts", {"planted": self.planted, "open": [
                {"upload_id": one.upload_id, "key": one.key, "foreign": one.upload_id in self.planted} for one in self.s3.open_uploads()]})
        try:
            wrong = self.sql(INTEGRITY)
        except (AssertionError, RuntimeError) as failed:
            wrong = str(failed)
        (self.evidence / "integrity.txt").write_text(wrong)

    def _write(self, name: str, content) -> None:
        (self.evidence / f"{name}.json").write_text(json.dumps(content))

    def logs(self) -> str:
        return "\n".join(f"=== {node.name}\n{node.server.logs()}" for node in self.nodes)

    def close(self) -> None:
        self._undo.close()
        shutil.rmtree(self.storage, ignore_errors=True)

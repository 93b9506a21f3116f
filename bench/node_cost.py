"""What nodes cost the PostgreSQL that they share: a measured part of bench/scaling_model.py. Prints lines of JSON.

    /usr/bin/python3 bench/node_cost.py [--only idle|uploads|news|accepts|notices|disk|partitions]

Real nodes run on a real server. Counts and processor time are measured, not speed: a busy machine changes less.
"""

import argparse
import json
import re
import shutil
import socket
import struct
import subprocess
import sys
import threading
import time
from pathlib import Path

from measure import BenchError, process_cpu_s

TESTS = Path(__file__).resolve().parents[1] / "tests"
for folder in ("e2e", "fakes"):
    sys.path.insert(0, str(TESTS / folder))

from api_client import ApiClient
from callback_receiver import CallbackReceiver
from fake_s3 import FakeS3
from postgres_server import PROGRAMS, PostgresServer
from server import Server, Site
from support import build_dir, make_file, wait_until

SESSION = ("SET search_path = vodlift, pg_catalog; SET plan_cache_mode = force_generic_plan; SET jit = off; SET enable_seqscan = off;"
           "SET enable_hashjoin = off; SET enable_mergejoin = off; SET enable_bitmapscan = off")  # as src/postgres/pg_connection.cc


class Session:
    """A connection that speaks PostgreSQL's protocol itself: hundreds of them cost little here."""

    def __init__(self, postgres: PostgresServer, database: str):
        self._socket = socket.socket(socket.AF_UNIX)
        self._socket.connect(str(postgres.folder / ".s.PGSQL.5432"))
        body = struct.pack("!I", 196608) + f"user\0vodlift\0database\0{database}\0\0".encode()
        self._socket.sendall(struct.pack("!I", len(body) + 4) + body)
        self._read()
        (self.pid,) = [int(row) for row in self.run("SELECT pg_backend_pid()")]

    def run(self, sql: str) -> list[str]:
        """The first column of each row of the answers."""
        body = sql.encode() + b"\0"
        self._socket.sendall(b"Q" + struct.pack("!I", len(body) + 4) + body)
        return self._read()

    def fileno(self) -> int:
        return self._socket.fileno()

    def drop(self) -> None:
        """Reads what came, until the server is silent for a moment."""
        self._socket.settimeout(0.2)
        try:
            while self._socket.recv(65536):
                pass
        except TimeoutError:
            self._socket.settimeout(None)

    def close(self) -> None:
        self._socket.close()

    def _exactly(self, count: int) -> bytes:
        data = b""
        while len(data) < count:
            more = self._socket.recv(count - len(data))
            if not more:
                raise ConnectionError("the server has closed the connection")
            data += more
        return data

    def _read(self) -> list[str]:
        rows = []
        while True:
            kind, length = struct.unpack("!cI", self._exactly(5))
            body = self._exactly(length - 4)
            if kind == b"E":
                raise RuntimeError(body.decode(errors="replace"))
            if kind == b"D" and struct.unpack("!H", body[:2])[0] > 0:
                (size,) = struct.unpack("!i", body[2:6])
                rows.append(body[6:6 + size].decode() if size >= 0 else "")
            if kind == b"Z":
                return rows


def cpu_s(postgres: PostgresServer) -> float:
    """Of all processes of the server, those that ended too."""
    ticks = 0
    parent = postgres.pid
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text().rpartition(")")[2].split()
        except (FileNotFoundError, ProcessLookupError):
            continue
        if int(stat.parent.name) == parent:
            ticks += sum(int(one) for one in fields[11:15])
        elif int(fields[1]) == parent:
            ticks += int(fields[11]) + int(fields[12])
    return ticks / 100


class Cluster:
    """Nodes on one server that counts its statements."""

    def __init__(self, nodes: int, roles: str = ""):
        """`roles`: of all nodes, as the configuration has them."""
        self.postgres = PostgresServer()
        self.postgres.sql("postgres", "ALTER SYSTEM SET shared_preload_libraries = 'pg_stat_statements'")
        self.postgres.stop()
        self.postgres.start()
        self.postgres.sql("postgres", "CREATE EXTENSION pg_stat_statements")
        self.database = self.postgres.new_database()
        settings = {"store": self._store, "log_level": "warn", "server": f"roles = {roles}" if roles else ""}
        self.site = Site(**settings)
        self.others = []
        for _ in range(nodes - 1):
            other = Server()
            self.others.append(other)
            other.storage = self.site.server.storage
            other.configure(**settings)
            shutil.copy(self.site.server.folder / "master.key", other.folder / "master.key")
            other.start()

    def _store(self, server: Server) -> str:
        return (f'url = "{self.postgres.url(self.database)}"\nfolder = "{server.folder}"\nnode = "{server.folder.name}"\n'
                "accept_unsafe = true")

    def figures(self) -> dict[str, float]:
        """Since the server's start."""
        commits, rollbacks, connections = self.postgres.sql("postgres", (
            f"SELECT xact_commit, xact_rollback, numbackends FROM pg_stat_database WHERE datname = '{self.database}'")).split("|")
        row = self.postgres.sql("postgres", (
            "SELECT coalesce(sum(calls), 0), coalesce(sum(calls) FILTER (WHERE query LIKE 'INSERT INTO commits%'), 0),"
            " coalesce(sum(calls) FILTER (WHERE query LIKE 'SELECT pg_notify%'), 0),"
            " coalesce(sum(calls) FILTER (WHERE query LIKE '%pg_advisory_xact_lock(target)%'), 0),"
            " coalesce(sum(calls) FILTER (WHERE query LIKE '%free AS MATERIALIZED%open_uploads o SET%'), 0),"
            " coalesce(sum(calls) FILTER (WHERE query LIKE '%WITH RECURSIVE ready%'), 0)"
            f" FROM pg_stat_statements WHERE dbid = (SELECT oid FROM pg_database WHERE datname = '{self.database}')")).split("|")
        names = ("statements", "changes", "notices", "accept_groups", "claims", "looks")
        wal = self.postgres.sql("postgres", "SELECT wal_bytes FROM pg_stat_wal")
        return {"transactions": int(commits) + int(rollbacks), **{name: float(value) for name, value in zip(names, row)},
                "wal_bytes": float(wal), "cpu_s": cpu_s(self.postgres), "connections": int(connections), "at": time.monotonic()}

    def close(self) -> None:
        for one in (*self.others, self.site, self.postgres):
            one.close()


def difference(before: dict, after: dict) -> dict[str, float]:
    return {name: after[name] - before[name] for name in before if name != "connections"}


def say(what: str, **figures) -> None:
    print(json.dumps({"what": what, **{name: float(f"{value:.4g}") for name, value in figures.items()}}), flush=True)


def measure_idle(seconds: float) -> None:
    """What one node does that has nothing to do, and how many connections it keeps."""
    for nodes in (1, 3):
        cluster = Cluster(nodes)
        try:
            time.sleep(15)  # past what it does at its start
            before = cluster.figures()
            time.sleep(seconds)
            after = cluster.figures()
            spent = difference(before, after)
            took = spent.pop("at")
            say("an idle node, each second", nodes=nodes, connections=after["connections"] / nodes,
                **{name: value / took / nodes for name, value in spent.items()})
        finally:
            cluster.close()


def start_load(server: Server, site: Site, requests: int, connections: int) -> subprocess.Popen:
    secret = server.folder / "secret"
    secret.touch(mode=0o600)
    secret.write_text(site.key.secret)
    return subprocess.Popen([build_dir() / "bench_enqueue_load", "--port", server.url.split(":")[2].split("/")[0], "--requests", str(requests),
                             "--connections", str(connections), "--api-key", site.key.api_key, "--secret-file", secret, "--cdn", "158",
                             "--bucket", "videos", "--path", "sestore4/jb/film.mp4"], stdout=subprocess.DEVNULL)


def measure_accepts() -> None:
    """Processor time of an accepted upload, at the server and at its node, by how many share a transaction."""
    for nodes, loads in ((1, ((1, 1000), (4, 3000), (16, 8000), (64, 20000), (256, 40000))), (2, ((64, 20000),))):
        cluster = Cluster(nodes, '["api"]')
        try:
            with FakeS3() as store:
                store.create_bucket("videos")
                cluster.site.use(store, "videos")
            make_file(cluster.site.files / "film.mp4", 1000)
            time.sleep(2)  # the other nodes have heard of the account
            servers = [cluster.site.server, *cluster.others]
            for connections, requests in loads:
                before, node = cluster.figures(), sum(process_cpu_s(one.process.pid) for one in servers)
                running = [start_load(one, cluster.site, requests // nodes, connections // nodes) for one in servers]
                if any([one.wait(120) for one in running]):
                    raise BenchError("not all calls were accepted")
                node = sum(process_cpu_s(one.process.pid) for one in servers) - node
                spent = difference(before, cluster.figures())
                say("an accepted upload", nodes=nodes, clients=connections, together=requests / spent["accept_groups"],
                    server_us=spent["cpu_s"] / requests * 1e6, node_us=node / requests * 1e6, per_s=requests / spent["at"],
                    statements_a_group=spent["statements"] / spent["accept_groups"], wal_bytes=spent["wal_bytes"] / requests)
        finally:
            cluster.close()


def measure_uploads(seconds: float) -> None:
    """Uploads with a callback, some each second, beside idle nodes that may take them too."""
    for nodes, rate in ((1, 10), (1, 40), (4, 10), (8, 10)):
        cluster = Cluster(nodes)
        try:
            with FakeS3() as store, CallbackReceiver() as receiver:
                store.create_bucket("videos")
                cluster.site.use(store, "videos")
                make_file(cluster.site.files / "film.mp4", 1000)
                first = cluster.site.queue("film.mp4", "videos", callback=receiver.url)
                cluster.site.wait_for(first, "completed")
                time.sleep(15)
                before = cluster.figures()
                begin = time.monotonic()
                ids = []
                while time.monotonic() < begin + seconds:
                    ids.append(cluster.site.queue("film.mp4", "videos", f"{len(ids)}.mp4", callback=receiver.url))
                    time.sleep(max(0.0, begin + len(ids) / rate - time.monotonic()))
                wait_until(lambda: len(receiver.received) > len(ids), 60, "all callbacks come")
                after = cluster.figures()
            spent = difference(before, after)
            say("an upload with a callback", nodes=nodes, uploads=len(ids), seconds=spent.pop("at"),
                connections=after["connections"], **{name: value / len(ids) for name, value in spent.items()})
        finally:
            cluster.close()


def measure_news(seconds: float) -> None:
    """Processor time of the server for one notice and for each session that hears it."""
    postgres = PostgresServer()
    try:
        database = postgres.new_database()
        for listeners in (1, 20, 150):
            heard = [Session(postgres, database) for _ in range(listeners)]
            for one in heard:
                one.run("LISTEN vodlift")
            threads = [threading.Thread(target=one.drop) for one in heard]
            teller = Session(postgres, database)
            before, sent = cpu_s(postgres), 0
            end = time.monotonic() + seconds
            while time.monotonic() < end:
                teller.run(f"SELECT pg_notify('vodlift', '{sent} {'due,1,2,0 ' * 10}')")
                sent += 1
                time.sleep(0.02)
            for one in threads:
                one.start()
            for one in threads:
                one.join()
            spent = cpu_s(postgres) - before
            say("a notice", listeners=listeners, notices=sent, cpu_us=spent / sent * 1e6, cpu_us_a_listener=spent / sent / listeners * 1e6)
            for one in (*heard, teller):
                one.close()
    finally:
        postgres.close()


def measure_disk(rows: int) -> None:
    """What an upload that has ended takes on the disk, with its indexes, and its callback."""
    cluster = Cluster(1)
    try:
        with FakeS3() as store, CallbackReceiver() as receiver:
            store.create_bucket("videos")
            cluster.site.use(store, "videos")
            make_file(cluster.site.files / "film.mp4", 1000)
            for copy in range(2):
                cluster.site.queue("film.mp4", "videos", f"films/2026/november/{copy}.mp4", callback=receiver.url + "a/path?of=usual&length=1")
            wait_until(lambda: len(receiver.received) == 2, 60, "the callbacks come")
            cluster.site.wait_for(1, "completed")
        sizes = {}
        for table, keys in (("uploads", ("id",)), ("ended_uploads", ("id",)), ("callbacks", ("id", "upload_id")),
                            ("callback_texts", ("callback_id",)), ("callback_attempts", ("callback_id",))):
            # Copies of the row that the node wrote, with other ids.
            wait_until(lambda: cluster.postgres.sql(cluster.database, f"SELECT count(*) FROM vodlift.{table}") == "2", 20, f"{table} has the rows")
            more = ", ".join(f"'{key}', r.{key} + 2 * g" for key in keys)
            cluster.postgres.sql(cluster.database, (
                f"SET search_path = vodlift; INSERT INTO {table} SELECT p.* FROM {table} r, generate_series(1, {rows // 2}) g,"
                f" LATERAL jsonb_populate_record(NULL::{table}, to_jsonb(r) || jsonb_build_object({more})) p"))
            size = cluster.postgres.sql(cluster.database, (
                f"SELECT sum(pg_total_relation_size(c.oid)) FROM pg_class c JOIN pg_namespace n ON n.oid = relnamespace"
                f" WHERE nspname = 'vodlift' AND relkind = 'r' AND relname ~ '^{table}(_[0-9]+)?$'"))
            sizes[f"{table}_bytes"] = float(size) / rows
        say("the rows of an ended upload with a callback", **sizes)
    finally:
        cluster.close()


def measure_notices() -> None:
    """How many notices a second the server takes: each holds one lock of the whole server while it commits."""
    postgres = PostgresServer()
    try:
        database = postgres.new_database()
        script = postgres.folder / "notice.sql"
        script.write_text("SELECT pg_notify('vodlift', '1 due,1,2,0');\n")
        script.chmod(0o644)
        for clients in (1, 32):
            before = cpu_s(postgres)
            done = subprocess.run([PROGRAMS / "pgbench", "-n", "-M", "prepared", "-c", str(clients), "-j", "2", "-T", "4", "-f", script,
                                   "-h", postgres.folder, "-U", "vodlift", database], check=True, capture_output=True, text=True)
            rate = float(re.search(r"tps = ([\d.]+)", done.stdout)[1])
            say("notices a second, nobody listens", clients=clients, notices_per_s=rate, cpu_us=(cpu_s(postgres) - before) / rate / 4 * 1e6)
    finally:
        postgres.close()


def statement(cluster: Cluster, part: str) -> str:
    """The text of a statement that the nodes have run, from the server's log."""
    texts = re.findall(r"LOG:  execute [^:]+: (.*?)\n(?=\d{4}-)", (cluster.postgres.folder / "log").read_text(), re.DOTALL)
    return next(one for one in texts if part in one)


def measure_partitions(runs: int) -> None:
    """Processor time of one status call and of one claim, by how many blocks of ids there are."""
    cluster = Cluster(1)
    try:
        with FakeS3() as store:
            store.create_bucket("videos")
            cluster.site.use(store, "videos")
            make_file(cluster.site.files / "film.mp4", 1000)
            cluster.postgres.sql("postgres", "ALTER SYSTEM SET log_statement = 'all'")
            cluster.postgres.sql("postgres", "SELECT pg_reload_conf()")
            upload = cluster.site.queue("film.mp4", "videos")
            cluster.site.wait_for(upload, "completed")
        texts = {"status": (statement(cluster, "LEFT JOIN callbacks c ON c.upload_id = g.id"), "bigint[]", f"'{{{upload}}}'"),
                 "claim": (statement(cluster, "UPDATE open_uploads o SET\n    state = 'uploading'".replace("\n", "\n\t")), "bigint, bigint, bigint[], bigint, bigint",
                           f"1, 1, '{{{upload}}}', 1, 1")}
        cluster.postgres.sql("postgres", "ALTER SYSTEM RESET log_statement")
        cluster.postgres.sql("postgres", "SELECT pg_reload_conf()")
        made = 2
        for blocks in (2, 10, 100, 300):
            while made < blocks:
                cluster.postgres.sql(cluster.database, "SET search_path = vodlift; SELECT make_block(10000000)")
                made += 1
            session = Session(cluster.postgres, cluster.database)
            session.run(SESSION)
            spent = {}
            for name, (text, types, values) in texts.items():
                session.run(f"PREPARE {name} ({types}) AS {text}")
                session.run(f"EXECUTE {name} ({values})")
                before = process_cpu_s(session.pid)
                for _ in range(runs):
                    session.run(f"EXECUTE {name} ({values})")
                spent[f"{name}_us"] = (process_cpu_s(session.pid) - before) / runs * 1e6
            (locks,) = session.run(f"BEGIN; EXECUTE status ({texts['status'][2]}); SELECT count(*) FROM pg_locks WHERE"
                                   " pid = pg_backend_pid(); COMMIT")[-1:]
            say("statements by blocks of ids", blocks=blocks, locks=float(locks), **spent)
            session.close()
    finally:
        cluster.close()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", choices=("idle", "uploads", "news", "accepts", "notices", "disk", "partitions"))
    parser.add_argument("--seconds", type=float, default=20, help="of each measurement")
    options = parser.parse_args()
    for name, measure in (("idle", measure_idle), ("uploads", measure_uploads), ("news", measure_news)):
        if options.only in (None, name):
            measure(options.seconds)
    if options.only in (None, "accepts"):
        measure_accepts()
    if options.only in (None, "notices"):
        measure_notices()
    if options.only in (None, "disk"):
        measure_disk(20_000)
    if options.only in (None, "partitions"):
        measure_partitions(200)


if __name__ == "__main__":
    main()

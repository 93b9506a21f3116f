"""One daemon, or several, on a database in PostgreSQL."""

import collections
import concurrent.futures
import re
import subprocess
import time

import pytest

from api_client import sign
from postgres_nodes import MONITORED, Load, store_lines, wait_for_ends
from postgres_server import PASSWORD
from rest_client import RestClient
from server import Server
from support import MIB, binary, make_file, wait_until
from test_threads import documented, threads


def test_one_node_does_what_one_with_sqlite_does(nodes, fake, receiver):
    site, (server,) = nodes()
    site.use(fake, "videos")
    make_file(site.files / "film.mp4", 1000)
    make_file(site.files / "large.mp4", 17 * 1024 * 1024)
    first, second = site.queue("film.mp4", "videos", callback=receiver.url), site.queue("large.mp4", "videos")
    assert site.wait_for(first, "completed")["size"] == 1000
    site.wait_for(second, "completed")
    assert fake.object("videos", "large.mp4").body == (site.files / "large.mp4").read_bytes()
    wait_until(lambda: receiver.received, 10, "the callback has come")
    assert receiver.received[0].json["data"]["id"] == first
    receiver.received[0].verify(site.account["webhook_secret"])

    rest = RestClient(server.socket)
    overview = rest.call("GET", "/overview").data
    assert overview["server"]["disk_free_bytes"] is None and not overview["attention"], overview
    page = server.metrics()
    assert "vodlift_metrics_complete 1" in page and 'vodlift_uploads_entered_total{state="completed"} 2' in page
    assert server.readiness() == (200, {"ready": True, "reasons": []})
    assert set(threads(server)) <= documented() | documented("Threads with PostgreSQL")
    assert documented("Threads with PostgreSQL") - {"storage-looks"} <= set(threads(server)), "nobody asks this node"
    refused = server.run_cli("backup", server.folder / "copy.db")
    assert refused.returncode != 0 and "pg_basebackup" in refused.stderr and "pg_dump" in refused.stderr

    server.restart()
    assert site.wait_for(first, "completed")["callback_state"] == "delivered"
    assert {one["id"] for one in site.api.all()} == {first, second}


def test_a_pooler_of_sessions_may_stand_between(postgres, database, new_site, fake, receiver):
    with postgres.pooler() as url:
        site = new_site(store=lambda server: store_lines(server, url(database)), extra=MONITORED)
        site.use(fake, "videos")
        make_file(site.files / "film.mp4", 1000)
        first = site.queue("film.mp4", "videos", callback=receiver.url)
        site.wait_for(first, "completed")
        wait_until(lambda: receiver.received, 10, "the callback has come")
        assert receiver.received[0].json["data"]["id"] == first
        assert site.server.readiness()[0] == 200
    wait_until(lambda: site.server.readiness()[0] == 503, 10, "it has no other way to the database")


def test_two_nodes_do_each_upload_once(nodes, fake, receiver):
    site, servers = nodes(2)
    site.use(fake, "videos")
    make_file(site.files / "film.mp4", 1000)
    apis = [site.api_of(server) for server in servers]
    wait_until(lambda: apis[1].upload("sestore4/jb/film.mp4", "known.mp4", "videos").ok, 10, "the other node knows account and bucket")
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda n: apis[n % 2].upload("sestore4/jb/film.mp4", f"all/{n}.mp4", "videos", callback=receiver.url), range(200)))
    ids = [answer.data for answer in answers]
    assert all(answer.ok for answer in answers) and len(set(ids)) == 200
    assert wait_for_ends(site, apis[0], ids) == {"completed": 200}
    wait_until(lambda: len(receiver.received) >= 200, 20, "all callbacks have come")
    assert sorted(one.json["data"]["id"] for one in receiver.received) == sorted(ids)
    puts = collections.Counter(one.key for one in fake.seen("PutObject") if one.key.startswith("all/"))
    assert len(puts) == 200 and set(puts.values()) == {1}
    assert all('vodlift_uploads_entered_total{state="completed"} 0' not in server.metrics() for server in servers), "both worked"


def test_the_same_signed_bytes_at_both_nodes_make_one_upload(nodes, fake):
    site, servers = nodes(2)
    site.use(fake, "videos")
    make_file(site.files / "film.mp4", 1000)
    apis = [site.api_of(server) for server in servers]
    wait_until(lambda: apis[1].upload("sestore4/jb/film.mp4", "known.mp4", "videos").ok, 10, "the other node knows account and bucket")
    for number in range(10):
        text = sign(site.api.request("aws.upload", path="sestore4/jb/film.mp4", destination_path=f"{number}.mp4", metadata={},
                                     acl="private", bucket="videos", callback=""), site.key.secret)
        with concurrent.futures.ThreadPoolExecutor(8) as pool:
            answers = list(pool.map(lambda n: apis[n % 2].post(text), range(8)))
        assert all(answer.ok for answer in answers) and len({answer.data for answer in answers}) == 1, answers
    assert len(site.api.all()) == 11


def test_a_node_is_killed_under_load(nodes, postgres, database, fake):
    site, servers = nodes(2)
    site.use(fake, "videos")
    make_file(site.files / "film.mp4", 1000)
    apis = [site.api_of(server) for server in servers]
    wait_until(lambda: apis[1].upload("sestore4/jb/film.mp4", "known.mp4", "videos").ok, 10, "the other node knows account and bucket")
    with Load(apis) as load:
        wait_until(lambda: len(load.accepted) > 100, 20, "a hundred are accepted")
        servers[1].kill9()
        killed_at = len(load.accepted)
        wait_until(lambda: len(load.accepted) > killed_at + 50, 20, "the other one goes on")
    # What it held comes back when its leases are over; they last a minute, which is over now.
    held = int(postgres.sql(database, "SELECT count(*) FROM vodlift.open_uploads WHERE state = 'uploading'"))
    postgres.sql(database, "UPDATE vodlift.nodes SET leases_until_ms = 0;"
                           " UPDATE vodlift.open_uploads SET lease_until_ms = 0 WHERE state = 'uploading' AND owner ="
                           f" (SELECT id FROM vodlift.nodes WHERE name = '{servers[1].folder.name}')")
    assert wait_for_ends(site, apis[0], load.accepted) == {"completed": len(load.accepted)}, held

LIMIT = 8_000_000


def rate_at(fake, seconds: float) -> float:
    """What the store gets, in bytes per second, measured from now on."""
    def received():
        return sum(one.body_bytes for one in fake.seen("UploadPart"))
    before, begun = received(), time.monotonic()
    time.sleep(seconds)
    return (received() - before) / (time.monotonic() - begun)


def share_of(server: Server) -> str:
    (limit,) = RestClient(server.socket).call("GET", "/limits").data["items"]
    return limit["share"]


def test_nodes_share_a_limit_and_one_that_is_killed_leaves_its_share(nodes, fake):
    site, servers = nodes(2)
    site.use(fake, "videos")
    make_file(site.files / "film.mp4", 60 * MIB)
    apis = [site.api_of(server) for server in servers]
    for server in servers:  # at each, for the other one would read it some seconds later
        wait_until(lambda: server.run_cli("limit", "set", "--cdn", 158, "--rate", "8MB").returncode == 0, 10, "it knows the account")
    wait_until(lambda: apis[1].upload("sestore4/jb/film.mp4", "known.mp4", "videos").ok, 10, "the other node knows account and bucket")
    for number in range(11):
        site.queue("film.mp4", "videos", f"{number}.mp4")
    wait_until(lambda: all(one["uploads"] for one in RestClient(servers[0].socket).call("GET", "/nodes").data["items"]), 20, "both send")
    wait_until(lambda: all(share_of(server) not in ("0kB", "8MB") for server in servers), 20, "both have a share")
    both = rate_at(fake, 6)
    assert 0.5 * LIMIT < both < 1.35 * LIMIT, "each on its own would send 8 MB/s"

    servers[1].kill9()
    wait_until(lambda: share_of(servers[0]) == "8MB", 20, "the other one has all of it")
    wait_until(lambda: 0.75 * LIMIT < rate_at(fake, 2) < 1.35 * LIMIT, 30, "and sends at this rate")


def test_nodes_share_the_uploads_of_an_account_and_one_that_is_killed_leaves_its_share(nodes, fake):
    site, servers = nodes(2)
    site.use(fake, "videos")
    make_file(site.files / "film.mp4", 1000)
    first, second = (RestClient(server.socket) for server in servers)
    assert first.call("PATCH", "/accounts/158", {"uploads_at_once": 2}).status == 200
    wait_until(lambda: (second.call("GET", "/accounts/158").data or {}).get("uploads_at_once") == 2, 20, "the other node knows it")
    known = site.queue("film.mp4", "videos", "known.mp4")
    site.wait_for(known, "completed")
    fake.play({"about": "each answer is allowed by the test", "rules": [{"operation": "PutObject", "fault": {"in_turn": True}}]})
    before = len(fake.seen("PutObject"))

    def begun() -> int:
        return len(fake.seen("PutObject")) - before

    def running() -> list[int]:
        pattern = r'^vodlift_s3_requests_in_flight\{operation="PutObject"\} (\d+)$'
        return [int(re.search(pattern, server.metrics(), re.MULTILINE)[1]) for server in servers]

    uploads = [site.queue("film.mp4", "videos", f"{number}.mp4") for number in range(80)]
    wait_until(lambda: begun() == 2, 30, "two begin")
    answered = 0

    def let_one_end():
        nonlocal answered
        fake.let_answer()
        answered += 1
        wait_until(lambda: begun() >= 2 + answered, 30, "where one ends another begins")
        assert begun() == 2 + answered, "never three at once"

    def both_run():
        if running() == [1, 1]:
            return True
        return let_one_end()  # the node that has both begins none that it must give back

    wait_until(both_run, 30, "each node runs one", poll_s=0.5)
    for _ in range(6):
        let_one_end()

    servers[1].kill9()
    wait_until(lambda: begun() == 2 + answered + 1, 30, "the other node has all of the cap")
    fake.let_answer(1000)
    api = site.api_of(servers[0])
    wait_until(lambda: sum(api.status(one)["state"] == "completed" for one in uploads) >= len(uploads) - 1, 30, "all but the one that the dead node has a lease of")


def test_an_older_version_runs_beside_a_newer_one_as_long_as_it_can(nodes, postgres, database, fake):
    site, servers = nodes(2)
    site.use(fake, "videos")
    make_file(site.files / "film.mp4", 1000)
    steps = int(postgres.sql(database, "SELECT max(number) FROM vodlift.migrations"))
    postgres.sql(database, f"INSERT INTO vodlift.migrations (number, name, readable_by) VALUES ({steps + 1}, '9999_expand', {steps});"
                           " ALTER TABLE vodlift.open_uploads ADD COLUMN later integer")
    servers[1].restart()
    assert "beside which this one may run" in servers[1].logs()
    with Load([site.api_of(server) for server in servers]) as load:
        wait_until(lambda: len(load.accepted) > 100, 20, "a hundred are accepted")
        assert not load.refused and all(server.process.poll() is None for server in servers)
    assert wait_for_ends(site, site.api, load.accepted) == {"completed": len(load.accepted)}

    postgres.sql(database, f"UPDATE vodlift.migrations SET readable_by = number WHERE number = {steps + 1}")
    for server in servers:
        assert server.process.wait(30) == 0
        server.process = None
        assert "upgrade this node" in server.logs() and "newer vodlift" in server.logs()
    assert postgres.sql(database, "SELECT count(*) FROM vodlift.nodes WHERE left_ms IS NULL") == "0", "they have stopped in order"
    assert "newer vodlift" in servers[1].refused_start()


def test_the_database_restarts_under_load(nodes, postgres, database, fake):
    site, (server,) = nodes()
    site.use(fake, "videos")
    make_file(site.files / "film.mp4", 1000)
    with Load([site.api]) as load:
        for mode in ("fast", "immediate"):
            before = len(load.accepted)
            wait_until(lambda: len(load.accepted) > before + 30, 20, "some are accepted")
            postgres.stop(mode)
            wait_until(lambda: server.readiness()[0] == 503, 10, "the node is not ready")
            reasons = server.readiness()[1]["reasons"]
            assert "database" in reasons[0] and ": " in reasons[0], reasons
            answer = site.api.upload("sestore4/jb/film.mp4", "away.mp4", "videos")
            assert not answer.ok and answer.code == "0004" and answer.http_status == 200, answer
            assert site.api.call("aws.status", limit=1, offset=0).code == "0004"
            postgres.start()
            wait_until(lambda: server.readiness()[0] == 200, 15, "the node is ready again")
        before = len(load.accepted)
        wait_until(lambda: len(load.accepted) > before + 30, 20, "it goes on")
    assert set(load.refused) <= {"0004"}, load.refused
    assert wait_for_ends(site, site.api, load.accepted) == {"completed": len(load.accepted)}
    known = int(postgres.sql(database, "SELECT count(*) FROM vodlift.uploads"))
    # One that was refused may be there only where nobody knew, for as long as the server asks.
    doubtful = server.logs().count("did not say whether the change was committed")
    assert len(load.accepted) <= known <= len(load.accepted) + doubtful


def test_a_second_process_of_a_node_takes_nothing_away(nodes, fake):
    site, (server,) = nodes()
    site.use(fake, "videos")
    make_file(site.files / "film.mp4", 1000)
    for command in ("init", "serve"):
        done = subprocess.run([binary(), command, "--config", server.config], capture_output=True, text=True, timeout=30)
        assert done.returncode != 0 and f"in use by process {server.process.pid}" in done.stdout + done.stderr, done
    assert site.wait_for(site.queue("film.mp4", "videos"), "completed")["attempts"] == 1


def test_a_database_server_that_may_lose_data_is_refused(stopped, postgres, database):
    stopped.configure(store=lambda server: store_lines(server, postgres.url(database), "accept_unsafe = false"))
    text = stopped.refused_start()
    assert "fsync = off" in text and "accept_unsafe" in text, text


@pytest.mark.parametrize("password", ["wrong%20password", None])
def test_no_message_has_the_password(stopped, postgres, database, password):
    where = postgres.url(database, f"{postgres.role}:{password}" if password else postgres.role)
    stopped.configure(store=lambda server: store_lines(server, where))
    stopped.config.chmod(0o600)
    text = stopped.refused_start()
    assert ("authentication failed" if password else "no password supplied") in text and postgres.role in text, text
    assert "wrong" not in text
    checked = subprocess.run([binary(), "config", "check", stopped.config], capture_output=True, text=True, timeout=30)
    assert checked.returncode == 0 and "wrong" not in checked.stdout + checked.stderr
    doctor = subprocess.run([binary(), "doctor", "--config", stopped.config], capture_output=True, text=True, timeout=30)
    assert "wrong%" not in doctor.stdout + doctor.stderr and "database: postgresql://***@" in doctor.stdout, doctor.stdout


def test_a_password_may_stand_in_a_file_of_its_own(stopped, postgres, database):
    passwords = stopped.folder / "pgpass"
    passwords.write_text(f"*:*:*:*:{PASSWORD}\n")
    passwords.chmod(0o600)
    postgres.sql("postgres", f"GRANT ALL ON DATABASE {database} TO {postgres.role}")
    stopped.configure(store=lambda server: store_lines(server, f"{postgres.url(database, postgres.role)}&passfile={passwords}"))
    stopped.start()
    stopped.stop()
    assert PASSWORD not in stopped.logs()


def test_everybody_may_read_a_file_with_a_password(stopped, postgres, database):
    stopped.configure(store=lambda server: store_lines(server, postgres.url(database, f"{postgres.role}:wrong")))
    stopped.config.chmod(0o644)
    text = stopped.refused_start()
    assert "chmod o=" in text and "passfile" in text and "wrong" not in text, text


def test_another_node_needs_the_same_master_key(nodes, stopped, postgres, database):
    nodes()
    stopped.configure(store=lambda server: store_lines(server, postgres.url(database)))
    assert re.search(r"copy of the same master key file.*is missing", stopped.refused_start())
    (stopped.folder / "master.key").write_bytes(b"k" * 32)
    (stopped.folder / "master.key").chmod(0o600)
    assert "does not fit this database" in stopped.refused_start()

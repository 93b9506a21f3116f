"""One daemon, or several, on a database in PostgreSQL."""

import collections
import concurrent.futures
import json
import re
import shutil
import signal
import subprocess
import threading
import time
import urllib.error
import urllib.request

import pytest

from api_client import ApiClient, sign
from postgres_server import PASSWORD
from rest_client import RestClient
from server import Server, Site
from support import MIB, binary, make_file, wait_until
from test_threads import documented, threads

ENDS = {"completed", "failed", "cancelled"}


@pytest.fixture
def database(postgres):
    return postgres.new_database()


def store_lines(server: Server, url: str, *more: str) -> str:
    return "\n".join([f'url = "{url}"', f'folder = "{server.folder}"', f'node = "{server.folder.name}"',
                      *(more or ("accept_unsafe = true",))])


@pytest.fixture
def store(postgres, database):
    """Gives the lines of [store] for a server."""
    return lambda server: store_lines(server, postgres.url(database))


@pytest.fixture
def nodes(store, new_site):
    """Starts nodes on one database: the first as a site, the others as its further servers. `configure` gives each other node
    settings of its own."""
    others = []

    def start(count: int = 1, configure=lambda server: {}, **settings):
        settings = {"uploads": 4, "quiet_s": 0, "extra": '[metrics]\nlisten = "127.0.0.1:0"'} | settings
        site = new_site(store=store, **settings)
        for _ in range(count - 1):
            other = Server()
            others.append(other)
            other.storage = site.server.storage
            other.configure(store=store, **(settings | configure(other)))
            shutil.copy(site.server.folder / "master.key", other.folder / "master.key")
            other.start()
        return site, [site.server, *others]

    yield start
    for other in others:
        other.close()


def api_of(site: Site, server: Server) -> ApiClient:
    return ApiClient(server.url, site.key.api_key, site.key.secret)


def metrics(server: Server) -> str:
    with urllib.request.urlopen(server.printed(r"monitoring: (\S+)"), timeout=10) as answer:
        return answer.read().decode()


def readiness(server: Server) -> tuple[int, dict]:
    url = server.printed(r"monitoring: (\S+)").replace("/metrics", "/readyz")
    try:
        with urllib.request.urlopen(url, timeout=10) as answer:
            return answer.status, json.loads(answer.read())
    except urllib.error.HTTPError as refused:
        return refused.code, json.loads(refused.read())


def wait_for_ends(site: Site, api: ApiClient, ids, within_s: float = 40) -> collections.Counter:
    """How many of these uploads ended in which state, once all have ended."""
    left, ended = set(ids), collections.Counter()
    deadline = time.monotonic() + within_s
    while left:
        for one in sorted(left):
            state = api.status(one)["state"]
            if state in ENDS:
                left.discard(one)
                ended[state] += 1
            else:
                break
        assert time.monotonic() < deadline, f"{len(left)} did not end, such as {sorted(left)[:5]}\n{site.server.logs()[-4000:]}"
        time.sleep(0.05)
    return ended


class Load:
    """Clients that queue one file again and again, at the servers in turn, and note what was acknowledged and what refused."""

    def __init__(self, apis: list[ApiClient], callback: str = "", clients: int = 4):
        self.accepted: list[int] = []
        self.refused = collections.Counter()
        self._stop = threading.Event()
        self._lock = threading.Lock()
        self._threads = [threading.Thread(target=self._run, args=(apis[at % len(apis)], at, callback)) for at in range(clients)]

    def __enter__(self):
        for one in self._threads:
            one.start()
        return self

    def __exit__(self, *_) -> None:
        self._stop.set()
        for one in self._threads:
            one.join()

    def _run(self, api: ApiClient, client: int, callback: str) -> None:
        for number in range(100_000):
            if self._stop.wait(0.01):
                return
            try:
                answer = api.upload("sestore4/jb/film.mp4", f"load/{client}/{number}.mp4", "videos", callback=callback)
            except (OSError, ValueError, KeyError) as lost:
                with self._lock:
                    self.refused[type(lost).__name__] += 1
                continue
            with self._lock:
                if answer.ok:
                    self.accepted.append(answer.data)
                else:
                    self.refused[answer.code] += 1


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
    page = metrics(server)
    assert "vodlift_metrics_complete 1" in page and 'vodlift_uploads_entered_total{state="completed"} 2' in page
    assert readiness(server) == (200, {"ready": True, "reasons": []})
    assert set(threads(server)) <= documented() | documented("Threads with PostgreSQL")
    assert documented("Threads with PostgreSQL") - {"storage-looks"} <= set(threads(server)), "nobody asks this node"
    refused = server.run_cli("backup", server.folder / "copy.db")
    assert refused.returncode != 0 and "pg_basebackup" in refused.stderr and "pg_dump" in refused.stderr

    server.restart()
    assert site.wait_for(first, "completed")["callback_state"] == "delivered"
    assert {one["id"] for one in site.api.all()} == {first, second}


def test_a_pooler_of_sessions_may_stand_between(postgres, database, new_site, fake, receiver):
    with postgres.pooler() as url:
        site = new_site(store=lambda server: store_lines(server, url(database)), extra='[metrics]\nlisten = "127.0.0.1:0"')
        site.use(fake, "videos")
        make_file(site.files / "film.mp4", 1000)
        first = site.queue("film.mp4", "videos", callback=receiver.url)
        site.wait_for(first, "completed")
        wait_until(lambda: receiver.received, 10, "the callback has come")
        assert receiver.received[0].json["data"]["id"] == first
        assert readiness(site.server)[0] == 200
    wait_until(lambda: readiness(site.server)[0] == 503, 10, "it has no other way to the database")


def test_two_nodes_do_each_upload_once(nodes, fake, receiver):
    site, servers = nodes(2)
    site.use(fake, "videos")
    make_file(site.files / "film.mp4", 1000)
    apis = [api_of(site, server) for server in servers]
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
    assert all('vodlift_uploads_entered_total{state="completed"} 0' not in metrics(server) for server in servers), "both worked"


def test_the_same_signed_bytes_at_both_nodes_make_one_upload(nodes, fake):
    site, servers = nodes(2)
    site.use(fake, "videos")
    make_file(site.files / "film.mp4", 1000)
    apis = [api_of(site, server) for server in servers]
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
    apis = [api_of(site, server) for server in servers]
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
    apis = [api_of(site, server) for server in servers]
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
        return [int(re.search(pattern, metrics(server), re.MULTILINE)[1]) for server in servers]

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
    api = api_of(site, servers[0])
    wait_until(lambda: sum(api.status(one)["state"] == "completed" for one in uploads) >= len(uploads) - 1, 30, "all but the one that the dead node has a lease of")


def storage_section(server: Server, name: str) -> str:
    folder = server.folder / name
    (folder / "jb").mkdir(parents=True, exist_ok=True)
    make_file(folder / "jb/film.mp4", 1000)
    return f'[[storage]]\nname = "{name}"\nroot = "{folder}"\n'


MONITORED = '[metrics]\nlisten = "127.0.0.1:0"\n'


def completed_by(server: Server) -> int:
    return int(re.search(r'^vodlift_uploads_entered_total\{state="completed"\} (\d+)$', metrics(server), re.MULTILINE)[1])


def needs(server: Server) -> list[dict]:
    return RestClient(server.socket).call("GET", "/overview").data["attention"]


@pytest.fixture
def two_places(nodes, fake):
    """Two nodes that share sestore4, of which the second alone has `far`; a bucket that works, and one whose store is away."""
    site, servers = nodes(2, configure=lambda server: {"extra": MONITORED + storage_section(server, "far")})
    site.use(fake, "videos")
    site.server.add_bucket("away", "http://127.0.0.1:9", "key", "secret-of-a-store")
    apis = [api_of(site, server) for server in servers]
    wait_until(lambda: apis[1].upload("far/jb/film.mp4", "known.mp4", "away").ok, 10, "the other node knows account and buckets")
    return site, servers, apis


def test_a_node_takes_what_lies_on_its_storages(two_places, fake):
    site, servers, apis = two_places
    before = [completed_by(server) for server in servers]
    ids = [apis[1].upload("far/jb/film.mp4", f"far/{number}.mp4", "videos").data for number in range(30)]
    assert wait_for_ends(site, apis[0], ids) == {"completed": 30}
    assert [completed_by(server) for server in servers] == [before[0], before[1] + 30]
    assert all(fake.has_object("videos", f"far/{number}.mp4") for number in range(30))
    nodes = {one["name"]: one["storages"] for one in RestClient(servers[0].socket).call("GET", "/nodes").data["items"]}
    assert nodes == {servers[0].folder.name: ["sestore4"], servers[1].folder.name: ["far", "sestore4"]}


def test_a_node_accepts_from_a_storage_that_another_has(two_places, fake):
    site, servers, apis = two_places
    folder = servers[1].folder / "far/jb"
    (folder / "folder").mkdir()
    (folder / "link.mp4").symlink_to(folder / "film.mp4")
    for name in ("missing.mp4", "folder", "link.mp4"):
        answers = [api.upload(f"far/jb/{name}", "refused.mp4", "videos") for api in apis]
        assert [(one.code, one.message) for one in answers] == [("2002", answers[1].message)] * 2, answers
    escapes = [api.upload("far/jb/../../secret.mp4", "refused.mp4", "videos") for api in apis]
    assert not escapes[0].ok and (escapes[0].code, escapes[0].message) == (escapes[1].code, escapes[1].message), escapes
    nowhere = apis[0].upload("nowhere/jb/film.mp4", "refused.mp4", "videos")
    assert nowhere.code == "2003" and "unknown" in nowhere.message, nowhere

    before = [completed_by(server) for server in servers]
    with concurrent.futures.ThreadPoolExecutor(3) as callers:
        answers = list(callers.map(lambda number: apis[0].upload("far/jb/film.mp4", f"{number}.mp4", "videos"), range(40)))
    assert all(one.ok for one in answers), answers
    assert wait_for_ends(site, apis[0], [one.data for one in answers]) == {"completed": 40}
    assert [completed_by(server) for server in servers] == [before[0], before[1] + 40]
    assert {"db-storages", "storage-looks"} <= set(threads(servers[1]))

    # What was accepted is looked at again by the node that sends it.
    waiting = apis[0].upload("far/jb/film.mp4", "removed.mp4", "away").data
    wait_until(lambda: apis[0].call("aws.pause", id=waiting).ok and apis[0].status(waiting)["state"] == "paused", 10, "it is paused")
    site.server.add_bucket("away", fake.endpoint, fake.access_key, fake.secret_key)
    fake.create_bucket("away")
    (folder / "film.mp4").unlink()
    assert apis[0].call("aws.resume", id=waiting).ok
    wait_until(lambda: apis[0].status(waiting)["state"] == "failed", 20, "it fails")
    assert apis[0].status(waiting)["error"]["code"] == "source_missing", apis[0].status(waiting)

    servers[1].kill9()
    known = RestClient(servers[0].socket).call("GET", "/uploads").data
    for _ in range(2):
        refused = apis[0].upload("far/jb/film.mp4", "refused.mp4", "videos")
        assert refused.code == "2003" and "try again later" in refused.message, refused
    assert len(RestClient(servers[0].socket).call("GET", "/uploads").data["items"]) == len(known["items"]), "nothing was queued"


@pytest.fixture
def parted(nodes, fake):
    """A node that takes calls, and one that sends files and delivers callbacks."""
    site, servers = nodes(2, server='roles = ["api", "panel"]', configure=lambda server: {"server": 'roles = ["worker", "callback"]'})
    site.use(fake, "videos")
    make_file(site.files / "film.mp4", 1000)
    return site, *servers


def test_roles_are_parted(parted, fake, receiver):
    site, calls, works = parted
    assert works.url == "" and works.printed(r"roles: (\S+)") == "worker,callback" and works.printed("(control panel)") == ""
    assert calls.printed(r"roles: (\S+)") == "api,panel" and calls.printed("(control panel)")
    ids = [site.queue("film.mp4", "videos", f"{number}.mp4", callback=receiver.url) for number in range(20)]
    assert wait_for_ends(site, site.api, ids) == {"completed": 20}
    wait_until(lambda: len(receiver.received) >= 20, 20, "all callbacks have come")
    assert (completed_by(calls), completed_by(works)) == (0, 20)
    assert readiness(works)[0] == readiness(calls)[0] == 200
    assert "dispatcher" not in threads(calls) and "upload" not in threads(calls) and "callbacks" not in threads(calls)
    assert "http" not in threads(works) and "panel-http" not in threads(works)
    assert not needs(calls) and not needs(works)

    works.stop()
    waits = site.queue("film.mp4", "videos", "waits.mp4", callback=receiver.url)
    wait_until(lambda: [one["code"] for one in needs(calls)] == ["no_worker", "no_callbacks", "storage_nowhere"], 10, "the overview says what is missing")
    assert site.api.status(waits)["state"] == "queued"
    works.start()
    site.wait_for(waits, "completed")
    assert not needs(calls)


def test_a_node_that_takes_calls_needs_no_storage(parted):
    site, calls, _ = parted
    calls.stop()
    configured = calls.config.read_text()
    without = re.sub(r'\[\[storage\]\]\nname = "sestore4"\nroot = "[^"]*"\n', "", configured)
    assert without != configured
    calls.config.write_text(without)
    calls.start()
    ids = [site.queue("film.mp4", "videos", f"{number}.mp4") for number in range(5)]
    assert wait_for_ends(site, site.api, ids) == {"completed": 5}
    assert site.api.upload("sestore4/jb/missing.mp4", "missing.mp4", "videos").code == "2002"
    assert json.loads(calls.cli("storage", "list", "--json")) == []
    assert not needs(calls)


def test_calls_are_taken_while_no_worker_runs(parted, fake):
    site, calls, works = parted
    with Load([site.api]) as load:
        wait_until(lambda: len(load.accepted) > 50, 20, "some are accepted")
        works.kill9()
        before = len(load.accepted)
        wait_until(lambda: len(load.accepted) > before + 50, 20, "calls are taken without a worker")
    works.start()
    assert wait_for_ends(site, site.api, load.accepted) == {"completed": len(load.accepted)}


def test_one_server_with_a_file_has_all_roles(stopped):
    stopped.configure(server='roles = ["api"]')
    assert "[server] roles" in start_and_fail(stopped) and "leave roles out" in start_and_fail(stopped)
    checked = subprocess.run([binary(), "config", "check", stopped.config], capture_output=True, text=True, timeout=30)
    assert checked.returncode == 2 and "leave roles out" in checked.stderr


def node_states(server: Server) -> dict[str, str]:
    return {one["name"]: one["state"] for one in RestClient(server.socket).call("GET", "/nodes").data["items"]}


def test_nodes_are_seen(parted, postgres, database, fake):
    site, calls, works = parted
    names = [server.folder.name for server in (calls, works)]
    first, second = RestClient(calls.socket).call("GET", "/nodes").data["items"]
    assert (first["name"], first["here"], first["roles"], first["state"]) == (names[0], True, ["api", "panel"], "alive")
    assert (second["name"], second["here"], second["roles"], second["storages"]) == (names[1], False, ["worker", "callback"], ["sestore4"])
    assert first["version"] == second["version"] != "" and second["uploads"] == second["callbacks"] == 0
    assert [one["name"] for one in json.loads(calls.cli("node", "list", "--json"))] == names
    table = calls.cli("node", "list")
    assert re.search(rf"^{names[1]} +alive +worker,callback +sestore4 ", table, re.MULTILINE), table

    fake.play({"about": "slow", "rules": [{"operation": "PutObject", "fault": {"hold": True}}]})
    upload = site.queue("film.mp4", "videos", "slow.mp4")
    wait_until(lambda: RestClient(calls.socket).call("GET", "/nodes").data["items"][1]["uploads"] == 1, 10, "it runs one")
    assert RestClient(calls.socket).call("GET", "/nodes").data["items"][1]["leases_until"] > time.time()
    works.process.send_signal(signal.SIGTERM)
    wait_until(lambda: node_states(calls)[names[1]] == "draining", 10, "it drains")
    fake.release()
    assert works.process.wait(30) == 0
    works.process = None
    assert node_states(calls) == {names[0]: "alive", names[1]: "stopped"}
    fake.play({"about": "all is well", "rules": []})
    works.start()
    site.wait_for(upload, "completed")
    works.kill9()
    postgres.sql(database, f"UPDATE vodlift.nodes SET beat_ms = beat_ms - 151000 WHERE name = '{names[1]}'")
    assert node_states(calls) == {names[0]: "alive", names[1]: "lost"}
    page = metrics(calls)
    assert 'vodlift_nodes{state="alive"} 1' in page and 'vodlift_nodes{state="lost"} 1' in page and 'vodlift_nodes{state="stopped"} 0' in page
    works.start()
    assert node_states(calls) == dict.fromkeys(names, "alive")


def test_an_older_version_runs_beside_a_newer_one_as_long_as_it_can(nodes, postgres, database, fake):
    site, servers = nodes(2)
    site.use(fake, "videos")
    make_file(site.files / "film.mp4", 1000)
    steps = int(postgres.sql(database, "SELECT max(number) FROM vodlift.migrations"))
    postgres.sql(database, f"INSERT INTO vodlift.migrations (number, name, readable_by) VALUES ({steps + 1}, '9999_expand', {steps});"
                           " ALTER TABLE vodlift.open_uploads ADD COLUMN later integer")
    servers[1].restart()
    assert "beside which this one may run" in servers[1].logs()
    with Load([api_of(site, server) for server in servers]) as load:
        wait_until(lambda: len(load.accepted) > 100, 20, "a hundred are accepted")
        assert not load.refused and all(server.process.poll() is None for server in servers)
    assert wait_for_ends(site, site.api, load.accepted) == {"completed": len(load.accepted)}

    postgres.sql(database, f"UPDATE vodlift.migrations SET readable_by = number WHERE number = {steps + 1}")
    for server in servers:
        assert server.process.wait(30) == 0
        server.process = None
        assert "upgrade this node" in server.logs() and "newer vodlift" in server.logs()
    assert postgres.sql(database, "SELECT count(*) FROM vodlift.nodes WHERE left_ms IS NULL") == "0", "they have stopped in order"
    assert "newer vodlift" in start_and_fail(servers[1])


def waiting_upload(site: Site, apis: list[ApiClient], name: str) -> int:
    """One from `far` that is paused, and would be sent at once if it were not."""
    waiting = apis[1].upload("far/jb/film.mp4", name, "away").data
    wait_until(lambda: apis[1].call("aws.pause", id=waiting).ok and apis[1].status(waiting)["state"] == "paused", 10, "it is paused")
    return waiting


def test_uploads_wait_for_the_node_that_has_their_storage(two_places, fake):
    site, servers, apis = two_places
    waiting = waiting_upload(site, apis, "waits.mp4")
    site.server.add_bucket("away", fake.endpoint, fake.access_key, fake.secret_key)
    fake.create_bucket("away")
    servers[1].stop()
    attempts = apis[0].status(waiting)["attempts"]
    assert apis[0].call("aws.resume", id=waiting).ok
    wait_until(lambda: [one["code"] for one in needs(servers[0])] == ["storage_nowhere"], 10, "the overview says what it waits for")
    (need,) = needs(servers[0])
    assert need["storage"] == "far" and need["affected"] >= 1 and "upload cancel --storage far" in need["fix"], need
    make_file(site.files / "film.mp4", 1000)
    site.wait_for(site.queue("film.mp4", "videos"), "completed")
    assert apis[0].status(waiting)["state"] == "queued" and apis[0].status(waiting)["attempts"] == attempts
    servers[1].start()
    site.wait_for(waiting, "completed")
    assert not needs(servers[0]), needs(servers[0])


def test_uploads_from_a_storage_that_no_node_has_fail(two_places):
    site, servers, apis = two_places
    waiting = waiting_upload(site, apis, "gone.mp4")
    servers[1].stop()
    servers[1].config.write_text(servers[1].config.read_text().replace('[[storage]]\nname = "far"', '[[storage]]\nname = "near"'))
    servers[1].start()
    assert apis[0].call("aws.resume", id=waiting).ok
    # It was sent to a store that gave no answer, so it is looked for there before it ends.
    wait_until(lambda: (apis[0].status(waiting)["error"] or {}).get("code") == "storage_removed", 20, "it is known why it fails")
    assert not apis[0].status(waiting)["error"]["retryable"]


def test_a_storage_is_taken_out_of_a_node_while_another_has_it(two_places, postgres, database, fake):
    site, servers, apis = two_places
    waiting = waiting_upload(site, apis, "goes on.mp4")
    with_far, without = servers[1].config.read_text(), servers[1].config.read_text().replace(storage_section(servers[1], "far"), "")
    assert with_far != without
    servers[1].config.write_text(without)
    refused = servers[1].run_cli("reload")
    assert refused.returncode != 0 and "[[storage]] far is not removed" in refused.stderr, refused
    first = servers[0].config.read_text()
    servers[0].config.write_text(first + storage_section(servers[1], "far"))
    assert servers[0].cli("reload") == "applied:\n  [[storage]] far\n"
    assert servers[1].cli("reload") == "applied:\n  [[storage]] far\n"
    before = [completed_by(server) for server in servers]
    site.server.add_bucket("away", fake.endpoint, fake.access_key, fake.secret_key)
    fake.create_bucket("away")
    assert apis[1].call("aws.resume", id=waiting).ok
    site.wait_for(waiting, "completed")
    ids = [apis[0].upload("far/jb/film.mp4", f"{number}.mp4", "videos").data for number in range(10)]
    assert wait_for_ends(site, apis[0], ids) == {"completed": 10}
    assert completed_by(servers[1]) == before[1] and completed_by(servers[0]) >= before[0] + 11


def test_the_database_restarts_under_load(nodes, postgres, database, fake):
    site, (server,) = nodes()
    site.use(fake, "videos")
    make_file(site.files / "film.mp4", 1000)
    with Load([site.api]) as load:
        for mode in ("fast", "immediate"):
            before = len(load.accepted)
            wait_until(lambda: len(load.accepted) > before + 30, 20, "some are accepted")
            postgres.stop(mode)
            wait_until(lambda: readiness(server)[0] == 503, 10, "the node is not ready")
            reasons = readiness(server)[1]["reasons"]
            assert "database" in reasons[0] and ": " in reasons[0], reasons
            answer = site.api.upload("sestore4/jb/film.mp4", "away.mp4", "videos")
            assert not answer.ok and answer.code == "0004" and answer.http_status == 200, answer
            assert site.api.call("aws.status", limit=1, offset=0).code == "0004"
            postgres.start()
            wait_until(lambda: readiness(server)[0] == 200, 15, "the node is ready again")
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


def start_and_fail(server: Server) -> str:
    done = subprocess.run([binary(), "serve", "--config", server.config], capture_output=True, text=True, timeout=30)
    assert done.returncode != 0
    return done.stdout + done.stderr


@pytest.fixture
def stopped():
    """A server that is not started."""
    server = Server()
    yield server
    server.remove()


def test_a_database_server_that_may_lose_data_is_refused(stopped, postgres, database):
    stopped.configure(store=lambda server: store_lines(server, postgres.url(database), "accept_unsafe = false"))
    text = start_and_fail(stopped)
    assert "fsync = off" in text and "accept_unsafe" in text, text


@pytest.mark.parametrize("password", ["wrong%20password", None])
def test_no_message_has_the_password(stopped, postgres, database, password):
    where = postgres.url(database, f"{postgres.role}:{password}" if password else postgres.role)
    stopped.configure(store=lambda server: store_lines(server, where))
    stopped.config.chmod(0o600)
    text = start_and_fail(stopped)
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
    text = start_and_fail(stopped)
    assert "chmod o=" in text and "passfile" in text and "wrong" not in text, text


def test_another_node_needs_the_same_master_key(nodes, stopped, postgres, database):
    nodes()
    stopped.configure(store=lambda server: store_lines(server, postgres.url(database)))
    assert re.search(r"copy of the same master key file.*is missing", start_and_fail(stopped))
    (stopped.folder / "master.key").write_bytes(b"k" * 32)
    (stopped.folder / "master.key").chmod(0o600)
    assert "does not fit this database" in start_and_fail(stopped)

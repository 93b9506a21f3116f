"""Nodes with different roles and different storages on one database in PostgreSQL."""

import concurrent.futures
import json
import os
import re
import signal
import subprocess
import time

import pytest

from api_client import ApiClient
from postgres_nodes import MONITORED, Load, completed_by, needs, node_states, wait_for_ends
from rest_client import RestClient
from server import Server, Site
from support import binary, make_file, wait_until
from test_threads import threads



def storage_section(server: Server, name: str) -> str:
    folder = server.folder / name
    (folder / "jb").mkdir(parents=True, exist_ok=True)
    make_file(folder / "jb/film.mp4", 1000)
    return f'[[storage]]\nname = "{name}"\nroot = "{folder}"\n'


@pytest.fixture
def two_places(nodes, fake):
    """Two nodes that share sestore4, of which the second alone has `far`; a bucket that works, and one whose store is away."""
    site, servers = nodes(2, configure=lambda server: {"extra": MONITORED + storage_section(server, "far")})
    site.use(fake, "videos")
    site.server.add_bucket("away", "http://127.0.0.1:9", "key", "secret-of-a-store")
    apis = [site.api_of(server) for server in servers]
    wait_until(lambda: apis[1].upload("far/jb/film.mp4", "known.mp4", "away").ok, 10, "the other node knows account and buckets")
    return site, servers, apis


def waiting_upload(site: Site, apis: list[ApiClient], name: str) -> int:
    """One from `far` that is paused, and would be sent at once if it were not."""
    waiting = apis[1].upload("far/jb/film.mp4", name, "away").data
    wait_until(lambda: apis[1].call("aws.pause", id=waiting).ok and apis[1].status(waiting)["state"] == "paused", 10, "it is paused")
    return waiting


def never_begun(api: ApiClient) -> int:
    """One that is paused before a worker began it. One that had begun would look for its object at the store for minutes before it fails."""
    for number in range(50):
        waiting = api.upload("far/jb/film.mp4", f"never{number}.mp4", "away").data
        wait_until(lambda: api.call("aws.pause", id=waiting).ok and api.status(waiting)["state"] == "paused", 10, "it is paused")
        if api.status(waiting)["attempts"] == 0:
            return waiting
        assert api.call("aws.cancel", id=waiting).ok
    raise AssertionError("a worker begins each upload before it is paused")


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
    waiting = never_begun(apis[0])
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
    listed = apis[0].call("files.list", path="far/jb")
    assert listed.code == "2003" and "try again later" in listed.message, listed
    assert {one["storage"]: one["available"] for one in apis[0].call("files.getstorage").data} == {"far": False, "sestore4": True}
    assert len(RestClient(servers[0].socket).call("GET", "/uploads").data["items"]) == len(known["items"]), "nothing was queued"


def test_all_nodes_list_the_files_of_all(two_places):
    site, servers, apis = two_places
    folder = servers[1].folder / "far/jb"
    (folder / "ä b").mkdir()
    (folder / "empty").mkdir()
    for number in range(230):
        make_file(folder / f"ä b/{number} {'long ' * 40}.mp4", number)
    make_file(folder / "ä b/notes.txt", 5)
    (folder / "link.mp4").symlink_to(folder / "film.mp4")
    (folder / os.fsdecode(b"no utf-8 \xff.mp4")).touch()

    def same_at_both(command: str, **fields) -> dict:
        first, second = [{name: value for name, value in api.call(command, **fields).body.items() if name != "handle_time"} for api in apis]
        assert first == second, (command, fields)
        return first

    pages = [same_at_both("files.list", path="far/jb", offset=offset) for offset in (0, 100, 200, 300)]
    assert [(len(page["data"]), page["total"], page["skipped"]) for page in pages] == [(100, 231, 1), (100, 231, 1), (31, 231, 1), (0, 231, 1)]
    assert same_at_both("files.list", path="far/jb/ä b", type="all", filter="*.txt")["data"][0]["path"] == "far/jb/ä b/notes.txt"
    assert same_at_both("files.list", path="far/jb/nothing")["code"] == "2002"
    assert same_at_both("files.list", path="far/jb/link.mp4")["code"] == "2002"
    assert same_at_both("files.list", path="far/somebody")["code"] == "2002"
    assert same_at_both("files.list", path="nowhere/jb")["code"] == "2003"
    assert same_at_both("files.list", path="far/jb", filter="[")["code"] == "2001"
    storages = [[(one["storage"], one["path"], one["available"]) for one in api.call("files.getstorage").data] for api in apis]
    assert storages == [[("far", "far/jb", True), ("sestore4", "sestore4/jb", True)]] * 2

    rests = [RestClient(server.socket) for server in servers]

    def seen_at_both(route: str, **query) -> dict:
        first, second = [rest.call("GET", route, query=query) for rest in rests]
        assert (first.status, first.data) == (second.status, second.data)
        return first.data

    entries = seen_at_both("/folders", path="far/jb", type="all")["items"]
    assert [(one["kind"], one["name"]) for one in entries] == [("folder", "empty"), ("folder", "ä b"), ("file", "film.mp4")]
    names, cursor = [], {}
    while cursor is not None:
        page = seen_at_both("/folders", path="far/jb/ä b", limit=50, **cursor)
        names += [one["name"] for one in page["items"]]
        cursor = {"cursor": page["next"]} if page["next"] else None
    assert names == sorted(names, key=str.encode) and len(names) == 230
    assert seen_at_both("/folders", path="far/jb/empty")["items"] == []
    assert seen_at_both("/folders", path="far/jb/nothing")["code"] == "source_not_found"
    assert seen_at_both("/files", path="far/jb", filter="1?? *.mp4")["total"] == 100

    queued = rests[0].call("POST", "/uploads/batch", {"cdn": 158, "path": "far/jb/ä b", "bucket": "videos", "recursive": True, "filter": "22? *.mp4"})
    assert queued.status == 200 and queued.data["accepted"] == 10, queued
    assert wait_for_ends(site, apis[0], [one["id"] for one in queued.data["items"]]) == {"completed": 10}


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
    wait_until(lambda: (apis[0].status(waiting)["error"] or {}).get("code") == "storage_removed", 60, "it is known why it fails")
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
    assert works.readiness()[0] == calls.readiness()[0] == 200
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
    assert [(one["storage"], one["available"]) for one in json.loads(calls.cli("storage", "list", "--json"))] == [("sestore4", True)]
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
    assert "[server] roles" in stopped.refused_start() and "leave roles out" in stopped.refused_start()
    checked = subprocess.run([binary(), "config", "check", stopped.config], capture_output=True, text=True, timeout=30)
    assert checked.returncode == 2 and "leave roles out" in checked.stderr


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
    page = calls.metrics()
    assert 'vodlift_nodes{state="alive"} 1' in page and 'vodlift_nodes{state="lost"} 1' in page and 'vodlift_nodes{state="stopped"} 0' in page
    works.start()
    assert node_states(calls) == dict.fromkeys(names, "alive")

"""Backups while the server runs, what a restore makes of them, and docs/move.md as it is printed."""

import contextlib
import json
import os
import re
import shutil
import subprocess
import threading

import pytest

from api_client import ApiClient
from server import Server
from support import ROOT, binary, build_dir, make_file, sha256, wait_until

HELD = {"about": "files get no answer", "rules": [{"operation": "PutObject", "fault": {"hold": True}}]}
USUAL = {"about": "all is well", "rules": []}


def restore(server: Server, backup, *options) -> subprocess.CompletedProcess:
    return subprocess.run([binary(), "restore", backup, "--config", server.config, *map(str, options)], capture_output=True,
                          text=True, timeout=60, env={"PATH": os.defpath})


def manifest_of(backup) -> dict:
    return json.loads(backup.with_name(backup.name + ".manifest.json").read_text())


def remove_database(server: Server) -> None:
    """The file with its log and its mark, as if the disk were new."""
    for path in server.folder.glob(server.store.name + "*"):
        path.unlink()


@pytest.fixture
def folder(site):
    path = site.server.folder / "backup"
    path.mkdir()
    return path


@pytest.fixture
def in_every_state(site, fake) -> dict[str, int]:
    """One upload in each state, by the state's name; one that is paused and one that is queued wait for the one that is sent."""
    site.use(fake, "videos")
    make_file(site.files / "film.mp4", 1000)
    ids = {"completed": site.queue("film.mp4", "videos")}
    site.wait_for(ids["completed"], "completed")
    ids["failed"] = site.queue("film.mp4", "videos", overwrite="fail")
    site.wait_for(ids["failed"], "failed")
    fake.play(HELD)
    ids["uploading"] = site.queue("film.mp4", "videos", "held.mp4")
    site.wait_for(ids["uploading"], "uploading")
    for state in ("queued", "paused", "cancelled"):
        ids[state] = site.queue("film.mp4", "videos", "held.mp4", metadata={"state": state})  # no repeat of the same request
    site.server.cli("upload", "pause", ids["paused"])
    site.server.cli("upload", "cancel", ids["cancelled"])
    return ids


@contextlib.contextmanager
def load(site):
    """While this lasts, uploads are queued one after the other; gives the list of their ids, as they were acknowledged."""
    ids: list[int] = []
    stop = threading.Event()

    def queue():
        while not stop.is_set():
            ids.append(site.queue("film.mp4", "videos", f"load/{len(ids)}.mp4"))

    thread = threading.Thread(target=queue)
    thread.start()
    try:
        yield ids
    finally:
        stop.set()
        thread.join()


@pytest.mark.parametrize("lost", [False, True], ids=["the mark is left", "all is lost"])
def test_drill(site, fake, folder, in_every_state, lost):
    """A backup under load; the server dies, its files are gone; what was acknowledged before the backup is there and goes on."""
    server, backup = site.server, folder / "night.db"
    key = (server.folder / "master.key").read_bytes()
    with load(site) as ids:
        wait_until(lambda: len(ids) >= 20, 20, "uploads are queued")
        before = list(ids)
        made = json.loads(server.cli("backup", backup, "--json"))
        assert len(ids) > len(before), "others were served meanwhile"
    manifest = manifest_of(backup)
    assert made == {"file": str(backup), "manifest_file": f"{backup}.manifest.json", "manifest": manifest}
    assert manifest["sha256"] == sha256(backup.read_bytes()) and manifest["bytes"] == backup.stat().st_size
    assert {path.name: path.stat().st_mode & 0o777 for path in folder.iterdir()} == {"night.db": 0o600, "night.db.manifest.json": 0o600}
    assert all(manifest["uploads"][state] >= 1 for state in in_every_state), manifest
    assert manifest["last_id"] >= max(before) and manifest["keys"] == 1 and manifest["master_key"]["needed"]
    for secret in (key, *(one.encode() for one in server.secrets)):
        assert secret not in backup.read_bytes(), "secrets are sealed, and the key is not there"

    highest = [site.queue("film.mp4", "videos", f"after/{number}.mp4") for number in range(5)][-1]
    server.kill9()
    if lost:
        remove_database(server)
        (server.folder / "master.key").unlink()
        refused = restore(server, backup)
        assert refused.returncode == 2 and "master.key" in refused.stderr and not server.store.exists(), refused
        (server.folder / "master.key").write_bytes(b"k" * 32)
        (server.folder / "master.key").chmod(0o600)
        refused = restore(server, backup)
        assert refused.returncode == 1 and manifest["master_key"]["fingerprint"] in refused.stderr, refused
        (server.folder / "master.key").write_bytes(key)
    else:
        server.store.unlink()
    done = restore(server, backup, "--json", *(["--ids-above", highest] if lost else []))
    assert done.returncode == 0, done
    told = json.loads(done.stdout)
    assert told["next_id"] > highest and told["knows_ids"] and told["manifest"] == manifest

    fake.play(USUAL)
    server.start()
    states = {one["id"]: one["state"] for one in json.loads(server.cli("upload", "list", "--limit", 10000, "--json"))["items"]}
    assert set(before) <= set(states) and set(in_every_state.values()) <= set(states)
    for state in ("completed", "failed", "cancelled", "paused"):
        assert states[in_every_state[state]] == state
    for one in (in_every_state["uploading"], in_every_state["queued"], *before):
        site.wait_for(one, "completed")
    server.cli("upload", "resume", in_every_state["paused"])
    site.wait_for(in_every_state["paused"], "completed")
    assert site.queue("film.mp4", "videos", "new.mp4") >= told["next_id"], "no id is given twice"


def test_a_damaged_backup_is_refused_and_the_database_stays(site, folder):
    server, backup = site.server, folder / "night.db"
    print(server.cli("backup", backup))
    running = restore(server, backup, "--replace")
    assert running.returncode == 1 and f"in use by process {server.process.pid}" in running.stderr, running
    server.stop()
    there = restore(server, backup)
    assert there.returncode == 1 and "--replace" in there.stderr, there
    good, database = bytearray(backup.read_bytes()), server.store.read_bytes()
    for place in (0, len(good) // 2, len(good) - 1):
        bad = bytearray(good)
        bad[place] ^= 1
        backup.write_bytes(bad)
        refused = restore(server, backup, "--replace", "--json")
        assert refused.returncode == 1, refused
        told = json.loads(refused.stderr)
        assert told["code"] == "store_corrupt" and "is not as it was made" in told["message"]
    assert server.store.read_bytes() == database
    assert not list(server.folder.glob("*.aside*")) and not list(server.folder.glob("*partial*"))
    backup.write_bytes(good)
    done = restore(server, backup, "--replace")
    assert done.returncode == 0 and f"The database before is {server.store}.aside-1." in done.stdout, done
    server.start()
    site.api.all()


def test_a_full_disk_leaves_nothing_and_the_server_goes_on(site, fake, folder):
    switch = site.server.folder / "full"
    site.server.environment = {"LD_PRELOAD": str(build_dir() / "libfull_disk.so"), "FULL_DISK": str(switch), "FULL_DISK_FILES": str(folder)}
    site.server.restart()
    switch.touch()
    refused = site.server.run_cli("backup", folder / "night.db")
    assert refused.returncode == 1 and "nothing of it is left" in refused.stderr and "disk is full" in refused.stderr, refused
    assert list(folder.iterdir()) == []
    switch.unlink()
    said = site.server.cli("backup", folder / "night.db")
    assert "is made and checked" in said and "The master key is not in it" in said
    again = site.server.run_cli("backup", folder / "night.db")
    assert again.returncode == 1 and "is there already" in again.stderr, again
    site.server.cli("backup", folder / "night.db", "--replace")
    assert "store.backup" in site.server.cli("audit", "list")


def test_a_crash_while_a_backup_is_replaced_leaves_a_whole_one(site, folder, tmp_path):
    backup, switch = folder / "night.db", site.server.folder / "dies"
    site.server.environment = {"LD_PRELOAD": str(build_dir() / "libdying_rename.so"), "DYING_AT": str(switch), "DYING_FOLDER": str(folder)}
    site.server.restart()
    site.server.cli("backup", backup)
    for step in range(1, 7):
        switch.write_text(str(step))
        assert site.server.run_cli("backup", backup, "--replace").returncode != 0
        assert site.server.process.wait(20) == -9, step
        site.server.process = None
        switch.unlink()
        names = [backup, backup.with_name("night.db.previous")]
        whole = [one for one in names if one.exists() and sha256(one.read_bytes()) == manifest_of(one)["sha256"]]
        assert whole, (step, list(folder.iterdir()))
        config = tmp_path / f"{step}.toml"
        config.write_text(f'[server]\nmaster_key_file = "{site.server.store.with_name("master.key")}"\n[store]\npath = "{tmp_path}/{step}.db"\n'
                          f'[[storage]]\nname = "sestore4"\nroot = "{tmp_path}"\n')
        done = subprocess.run([binary(), "restore", whole[0], "--config", config], capture_output=True, text=True, timeout=60)
        assert done.returncode == 0, (step, done)
        site.server.restart()
        site.server.cli("backup", backup, "--replace")
        assert {one.name for one in folder.iterdir() if ".partial-" not in one.name} == {"night.db", "night.db.manifest.json"}


def commands(heading: str) -> list[str]:
    """The command lines of that section of docs/move.md."""
    section = re.search(rf"^## {heading}\n(.*?)(?=^## |\Z)", (ROOT / "docs/move.md").read_text(), re.DOTALL | re.MULTILINE)[1]
    return "".join(re.findall(r"^```\n(.*?)^```", section, re.DOTALL | re.MULTILINE)).splitlines()


def run_all(heading: str, server: Server, shared) -> None:
    """As a person types them on that machine, whose folders are those of the server."""
    (shared / "bin").mkdir(exist_ok=True)
    if not (shared / "bin/vodlift").exists():
        (shared / "bin/vodlift").symlink_to(binary())
    for command in commands(heading):
        if "systemctl" in command:
            server.stop() if "disable --now" in command else server.start()
            continue
        for printed, real in {"sudo ": "", "-o vodlift -g vodlift ": "", "/var/lib/vodlift": str(server.folder),
                              "/etc/vodlift": str(server.folder), "/mnt/move": str(shared)}.items():
            command = command.replace(printed, real)
        done = subprocess.run(["bash", "-c", command], capture_output=True, text=True, timeout=60, stdin=subprocess.DEVNULL,
                              env={"PATH": f"{shared / 'bin'}:{os.defpath}", "VODLIFT_SOCKET": str(server.socket)})
        assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"


@pytest.fixture
def new_machine(site):
    server = Server()
    server.storage = site.server.storage  # the same storage, under another root
    server.configure()
    yield server
    server.remove()


def check_new_machine(site, fake, new: Server, in_every_state, highest: int) -> None:
    fake.play(USUAL)
    api = ApiClient(new.url, site.key.api_key, site.key.secret)
    answer = api.upload("sestore4/jb/film.mp4", "new.mp4", "videos")
    assert answer.ok and answer.data > highest, answer
    new.cli("status", in_every_state["queued"], "--watch")
    assert api.status(in_every_state["uploading"])["state"] == "completed"
    assert api.status(in_every_state["paused"])["state"] == "paused"
    assert new.socket != site.server.socket and "sestore4" in new.cli("storage", "list")


def test_the_page_moves_a_server_to_another_machine(site, fake, in_every_state, new_machine, tmp_path):
    run_all("On the old machine", site.server, tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == {"bin", "vodlift.db", "vodlift.db.mark", "master.key", "vodlift.toml"}
    run_all("On the new machine", new_machine, tmp_path)
    check_new_machine(site, fake, new_machine, in_every_state, max(in_every_state.values()))


def test_the_page_brings_a_lost_server_back(site, fake, in_every_state, new_machine, tmp_path):
    site.server.cli("backup", tmp_path / "backup.db")
    shutil.copy2(site.server.folder / "master.key", tmp_path)
    site.server.kill9()
    run_all("If the old machine is lost", new_machine, tmp_path)
    check_new_machine(site, fake, new_machine, in_every_state, max(in_every_state.values()))

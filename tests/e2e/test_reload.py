"""Changes of the configuration file while the server runs."""

import json
import re
import resource
import signal
import subprocess
import time

import pytest

from rest_client import RestClient
from support import binary, make_file, wait_until


@pytest.fixture
def other(site):
    """A second storage, that the server does not know yet."""
    folder = site.server.folder / "other"
    make_file(folder / "jb/film.mp4", 3000)
    return folder


def with_other(site, folder, more: str = "") -> None:
    site.server.configure(extra=f'[[storage]]\nname = "other"\nroot = "{folder}"\n{more}')


def names(site) -> list[str]:
    return [one["storage"] for one in json.loads(site.server.cli("storage", "list", "--json"))]


def most_connections(site) -> int:
    page = subprocess.run(["curl", "-s", "--unix-socket", site.server.socket, "http://localhost/metrics"], capture_output=True,
                          text=True, timeout=20, check=True).stdout
    return int(re.search(r'^vodlift_http_connections_limit\{listener="api"\} (\d+)$', page, re.MULTILINE)[1])


def check(site) -> subprocess.CompletedProcess:
    return subprocess.run([binary(), "config", "check", site.server.config], capture_output=True, text=True, timeout=30)


def test_a_storage_comes_and_goes_without_a_restart(site, fake, other):
    site.use(fake, "videos")
    with_other(site, other)
    assert site.server.cli("reload") == "applied:\n  [[storage]] other\n"
    assert names(site) == ["other", "sestore4"]
    upload = json.loads(site.server.cli("upload", "other/jb/film.mp4", "--cdn", 158, "--bucket", "videos", "--json"))["id"]
    site.wait_for(upload, "completed")
    site.server.cli("limit", "set", "--storage", "other", "--rate", "50MB")
    assert site.server.cli("reload") == "nothing has changed; certificates were read again\n"
    site.server.configure()
    assert site.server.cli("reload") == "applied:\n  [[storage]] other\n"
    assert names(site) == ["sestore4"]
    make_file(site.files / "film.mp4", 1000)
    site.wait_for(site.queue("film.mp4", "videos", "2.mp4"), "completed")


def test_what_needs_a_restart_is_named_and_stays(site, other):
    with_other(site, other, "[audit]\nkeep = 3\n")
    done = json.loads(site.server.cli("reload", "--json"))
    assert done == {"applied": ["[[storage]] other"], "need_restart": ["[audit] keep"]}
    assert "needs a restart:\n  [audit] keep" in site.server.cli("reload")


def test_limits_of_clients_change_without_a_restart(site):
    site.server.add_bucket("videos", "http://127.0.0.1:9", "key", "secret-of-a-store")
    make_file(site.files / "film.mp4", 1000)
    rest = RestClient(site.server.socket)
    late = {"limit": 1, "timestamp": int(time.time()) - 100}
    assert site.api.upload("sestore4/jb/film.mp4", "1.mp4", "videos").ok and site.api.call("aws.status", **late).ok
    site.server.configure(server="timestamp_window_s = 60", extra="[limits]\nmemory_mib = 16\nopen_uploads_per_account = 1\n")
    done = json.loads(site.server.cli("reload", "--json"))
    assert done == {"applied": ["[server] timestamp_window_s", "[limits] memory_mib", "[limits] open_uploads_per_account"], "need_restart": []}
    refused = site.api.upload("sestore4/jb/film.mp4", "2.mp4", "videos")
    assert refused.code == "1000" and "1 upload" in refused.message, refused
    assert site.api.call("aws.status", **late).code == "0002"
    assert rest.call("GET", "/overview").data["server"]["memory_limit_bytes"] == 16 * 1024 * 1024
    site.server.configure()
    site.server.cli("reload")
    assert site.api.upload("sestore4/jb/film.mp4", "2.mp4", "videos").ok and site.api.call("aws.status", **late).ok
    assert rest.call("GET", "/overview").data["server"]["memory_limit_bytes"] == 64 * 1024 * 1024


def test_a_faulty_file_changes_nothing_and_every_fault_is_told(site, other):
    with_other(site, other, "[worker2]\nx = 1\n[limits]\nmemory_mib = 1\n")
    refused = site.server.run_cli("reload")
    assert refused.returncode == 2 and "worker2" in refused.stderr and "memory_mib" in refused.stderr, refused
    assert names(site) == ["sestore4"]
    site.server.process.send_signal(signal.SIGHUP)
    wait_until(lambda: "the settings were not read again" in site.server.logs(), 20, "the log says so")
    checked = check(site)
    assert checked.returncode == 2 and "worker2" in checked.stderr and "memory_mib" in checked.stderr, checked
    site.server.configure()
    good = check(site)
    assert good.returncode == 0 and good.stdout == f"{site.server.config}: no fault\n", good
    with_other(site, other / "absent")
    assert f"note: [[storage]] other: {other}/absent: " in check(site).stdout


def test_a_signal_changes_the_level_of_the_log(site):
    site.server.configure(log_level="debug")
    site.server.process.send_signal(signal.SIGHUP)
    wait_until(lambda: '"applied":"[log] level"' in site.server.logs(), 20, "the level has changed")
    site.api.all()
    wait_until(lambda: '"level":"debug"' in site.server.logs(), 10, "calls are in the log now")


def test_reload_is_in_the_audit_log(site):
    site.server.cli("reload")
    assert "settings.reload" in site.server.cli("audit", "list")


def test_more_uploads_run_and_other_receivers_are_reached_without_a_restart(site, fake, receiver):
    site.server.configure(uploads=1, allow_networks=())
    assert json.loads(site.server.cli("reload", "--json"))["applied"] == ["[worker] uploads", "[callback] allow_networks"]
    site.use(fake, "videos")
    names = [f"{number}.mp4" for number in range(3)]
    for name in names:
        make_file(site.files / name, 1000)
    refused = site.server.run_cli("upload", "sestore4/jb/0.mp4", "--cdn", 158, "--bucket", "videos", "--callback", receiver.url)
    assert refused.returncode != 0 and "allow_networks" in refused.stderr
    site.server.configure(uploads=3)
    done = json.loads(site.server.cli("reload", "--json"))
    assert done == {"applied": ["[worker] uploads", "[callback] allow_networks"], "need_restart": []}
    fake.play({"about": "nothing is answered", "rules": [{"operation": "PutObject", "fault": {"hold": True}}]})
    uploads = [site.queue(name, "videos", callback=receiver.url) for name in names]
    wait_until(lambda: len([one for one in site.api.all() if one["state"] == "uploading"]) == 3, 20, "three run at once")
    fake.play({"about": "all is well", "rules": []})
    for upload in uploads:
        site.wait_for(upload, "completed")
    wait_until(lambda: len(receiver.received) == 3, 20, "the callbacks arrive")


def test_clients_make_room_for_other_work_and_where_there_is_none_nothing_changes(site):
    pid = site.server.process.pid
    before = resource.prlimit(pid, resource.RLIMIT_NOFILE)
    resource.prlimit(pid, resource.RLIMIT_NOFILE, (3_000, before[1]))
    site.server.configure(uploads=256, parts=64)
    refused = site.server.run_cli("reload")
    assert refused.returncode == 2 and "LimitNOFILE" in refused.stderr and "[worker] uploads" in refused.stderr, refused
    site.server.configure(uploads=16)
    assert "[worker] uploads" in site.server.cli("reload")
    assert most_connections(site) < 3_000 - 768

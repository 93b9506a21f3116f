"""Changes of the configuration file while the server runs."""

import json
import signal
import subprocess

import pytest

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
    with_other(site, other, "[limits]\nmemory_mib = 128\n")
    done = json.loads(site.server.cli("reload", "--json"))
    assert done == {"applied": ["[[storage]] other"], "need_restart": ["[limits] memory_mib"]}
    assert "needs a restart:\n  [limits] memory_mib" in site.server.cli("reload")


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

"""Threads are made when they are needed, and every one has a name that ARCHITECTURE.md explains."""

import pathlib
import re
import socket

import pytest

from event_reader import EventReader
from rest_client import RestClient, TcpClient
from server import Server
from support import KIB, build_dir, make_file, wait_until

ARCHITECTURE = pathlib.Path(__file__).parents[2] / "ARCHITECTURE.md"
# Longer than a thread that has nothing to do is kept.
UNTIL_AT_REST_S = 40


def documented(heading: str = "Threads") -> set[str]:
    """The names in the first column of the table below this heading."""
    section = re.split(rf"\n##+ {heading}\n", ARCHITECTURE.read_text())[1].split("\n##")[0]
    rows = [line.split("|")[1] for line in section.splitlines() if line.startswith("| `")]
    return {name for row in rows for name in re.findall(r"`([^`\[]+)`", row)}


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


def threads(server) -> list[str]:
    """The names of the threads that run now."""
    names = []
    for comm in pathlib.Path(f"/proc/{server.process.pid}/task").glob("*/comm"):
        try:
            names.append(comm.read_text().strip())
        except (FileNotFoundError, ProcessLookupError):
            pass  # it has ended
    return sorted(names)


def test_every_thread_has_the_name_that_architecture_gives_it(new_site, fake, aws, receiver):
    """A storage on a network file system, a bucket that needs credentials, a callback, somebody who signs in on the panel's own
    listener, somebody who follows events, a monitoring system, a limit of the history, a backup and a program that is told of alerts have every thread made."""
    port = free_port()
    site = new_site(extra=f'[panel]\nlisten = "127.0.0.1:{port}"\n[metrics]\nlisten = "127.0.0.1:0"\n[retention]\nended_days = 30\n'
                          '[alerts]\ncommand = ["/bin/true"]\n[traces]\nurl = "http://127.0.0.1:9/v1/traces"')
    site.server.environment = {
        "AWS_EC2_METADATA_SERVICE_ENDPOINT": aws.endpoint, "HOME": str(site.server.folder),
        "LD_PRELOAD": str(build_dir() / "libhanging_storage.so"), "HANGING_ROOT": str(site.server.storage)}
    site.server.restart()
    site.server.cli("bucket", "add", "--cdn", 158, "--bucket", "videos", "--endpoint", fake.endpoint, "--region",
                    "us-east-1", "--path-style", "--credentials", "instance")
    make_file(site.files / "film.mp4", KIB)
    seen = set(threads(site.server))
    upload = site.queue("film.mp4", "videos", callback=receiver.url)
    seen |= set(threads(site.server))
    site.wait_for(upload, "completed")
    assert site.api.call("files.list", path="sestore4/jb").ok
    wait_until(lambda: receiver.received, 10, "the callback has come")
    seen |= set(threads(site.server))
    rest, admin = RestClient(site.server.socket), TcpClient(f"http://127.0.0.1:{port}")
    invited = rest.call("POST", "/people", {"name": "ann", "role": "admin"}).data["setup_token"]
    assert admin.set_up(invited, "correct horse battery").status == 200
    assert admin.call("POST", "/buckets/158/videos/check", {}).status == 200
    assert admin.call("GET", "/counts").status == 200
    assert site.server.metrics()
    site.server.cli("backup", site.server.folder / "copy.db")
    assert [one["answer"] for one in rest.call("POST", "/alerts/test").data["items"]] == ["exit code 0"]
    seen |= set(threads(site.server))
    reader = EventReader(site.server.socket)
    wait_until(lambda: "events" in threads(site.server), 10, "somebody listens")
    seen |= set(threads(site.server))
    reader.close()
    site.server.secrets += aws.secrets()
    assert seen == documented()


@pytest.fixture
def at_rest():
    """Gives the threads of a daemon with so many storages that has nothing to do."""
    servers = []

    def start(storages: int) -> list[str]:
        server = Server()
        servers.append(server)
        more = [f'[[storage]]\nname = "sestore{10 + number}"\nroot = "{server.storage}"' for number in range(storages - 1)]
        server.configure(extra="\n".join(more))
        server.start()
        wait_until(lambda: "disk-open" not in threads(server), UNTIL_AT_REST_S, "the storages are at rest")
        # The daemon's upkeep makes one or more of those that are left out, whatever the storages do.
        return [name for name in threads(server) if name != "admin-requests"]

    yield start
    for server in servers:
        server.close()


def test_storages_at_rest_have_no_threads(at_rest):
    """With 1,000 storages: src/storage/confined_storages_test.cc."""
    one = at_rest(1)
    assert "disk-watch" in one and not [name for name in one if name.startswith("disk-") and name != "disk-watch"]
    assert at_rest(20) == one

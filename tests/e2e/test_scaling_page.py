"""The configurations and commands of docs/scaling.md, as they are printed: only addresses, paths, keys and the database are replaced."""

import os
import re
import shutil
import subprocess
import time

import pytest

from api_client import ApiClient
from postgres_nodes import node_states
from server import Key, Server
from support import KIB, ROOT, binary, make_file, wait_until
from test_documented_commands import run_all

PAGE = (ROOT / "docs/scaling.md").read_text()


def section(title: str) -> str:
    return re.search(rf"^## {title}\n(.*?)(?=^## )", PAGE, re.DOTALL | re.MULTILINE)[1]


def configurations(title: str) -> list[str]:
    return re.findall(r"^```toml\n(.*?)^```", section(title), re.DOTALL | re.MULTILINE)


def use(server: Server, text: str, **other: str) -> None:
    """Gives the server this configuration, with what is there in place of what is printed."""
    for printed, real in {r'"/mnt/sestore4"': f'"{server.storage}"', r'"/var/lib/vodlift': f'"{server.folder}',
                          r'(?<=listen = )"[\d.]+:\d+"': '"127.0.0.1:0"', r'"postgresql://\S+"': other.pop("url", ""), **other}.items():
        text = re.sub(printed, real, text)
    server.config.write_text(text)


@pytest.fixture
def new_server():
    servers = []

    def make() -> Server:
        servers.append(Server())
        return servers[-1]

    yield make
    for one in servers:
        one.close()


@pytest.fixture
def new_node(new_server, postgres, database):
    """Starts a node with a configuration of the page. All have the storage and the master key of the first."""
    started = []

    def start(text: str, name: str) -> Server:
        server = new_server()
        # The tests' server does not sync.
        use(server, text, url=f'"{postgres.url(database)}"\naccept_unsafe = true', **{r'(?<=node = )"\w+"': f'"{name}"'})
        if started:
            shutil.rmtree(server.storage)
            server.storage.symlink_to(started[0].storage)
            shutil.copy(started[0].folder / "master.key", server.folder)
        else:
            subprocess.run([binary(), "init", "--config", server.config], check=True, capture_output=True, timeout=60)
        started.append(server)
        server.start()
        return server

    return start


def make_film(server: Server) -> None:
    """One that has not been changed for a while, so that no upload waits."""
    film = server.storage / "jb/film.mp4"
    make_file(film, KIB)
    os.utime(film, (time.time() - 60, time.time() - 60))


def customer(server: Server, fake) -> Key:
    server.add_account()
    server.add_bucket("videos", fake.endpoint, fake.access_key, fake.secret_key)
    make_film(server)
    return server.add_key()


def upload(server: Server, key: Key, name: str) -> None:
    """An upload that this node accepts, and one of them sends."""
    api = ApiClient(server.url, key.api_key, key.secret)
    # Nodes hear of a new account within a second or so.
    answer = wait_until(lambda: (one := api.upload("sestore4/jb/film.mp4", name, "videos")).ok and one, 10, "the upload is accepted", poll_s=1.1)
    wait_until(lambda: api.status(answer.data)["state"] == "completed", 60, "the upload is completed")


def test_one_machine(new_server, fake, tmp_path):
    fake.create_bucket("my-bucket")
    server = new_server()
    (text,) = configurations("One machine")
    use(server, text)
    server.start()
    make_film(server)
    run_all(section("One machine"), server, fake, tmp_path, **{"/etc/vodlift/vodlift.toml": str(server.config)})
    assert fake.object("my-bucket", "film.mp4").body


def test_three_machines(new_node, fake, tmp_path):
    (text,) = configurations("Three machines")
    first, second, third = [new_node(text, f"machine{number}") for number in (1, 2, 3)]
    key = customer(first, fake)
    upload(second, key, "one.mp4")
    run_all(section("Three machines"), third, fake, tmp_path, **{"/etc/vodlift/vodlift.toml": str(third.config)})
    assert node_states(third) == {f"machine{number}": "alive" for number in (1, 2, 3)}
    first.kill9()
    upload(third, key, "two.mp4")


def test_many_machines(new_node, postgres, fake):
    takes_calls, sends = configurations("Many machines")
    api, worker = new_node(takes_calls, "api1"), new_node(sends, "worker1")
    key = customer(api, fake)
    upload(api, key, "one.mp4")
    assert not worker.url and node_states(worker) == {"api1": "alive", "worker1": "alive"}


def test_settings_of_the_database(postgres):
    """A server takes them."""
    (settings,) = re.findall(r"^```ini\n(.*?)^```", section("Many machines"), re.DOTALL | re.MULTILINE)
    main = postgres.folder / "data/postgresql.conf"
    before = main.read_text()
    main.write_text(f"{before}\n{settings}")
    try:
        postgres.stop()
        postgres.start()
        # Not applied is what the tests' server has from its command line.
        shown = postgres.sql("postgres", "SELECT name, setting FROM pg_file_settings WHERE"
                                         " coalesce(error, 'setting could not be applied') = 'setting could not be applied'").splitlines()
        given = dict(line.split(" = ") for line in settings.splitlines())
        assert len(given) == 5 and {f"{name}|{value}" for name, value in given.items()} <= set(shown)
    finally:
        main.write_text(before)
        postgres.stop()
        postgres.start()

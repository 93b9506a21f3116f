"""Two nodes on a database that three machines keep (docs/high-availability.md), while its primary dies, hangs, or is cut off."""

import time

import pytest

from ha_cluster import HaCluster
from support import CAP_SYS_ADMIN, make_file, need_capability, wait_until
from test_postgres import Load, api_of, nodes, wait_for_ends  # nodes is a fixture


@pytest.fixture(scope="module")
def cluster():
    cluster = HaCluster()
    yield cluster
    cluster.close()


@pytest.fixture
def store(cluster):
    cluster.sql("DROP SCHEMA IF EXISTS vodlift CASCADE")
    return lambda server: f'url = "{cluster.url()}"\nfolder = "{server.folder}"\nnode = "{server.folder.name}"'


@pytest.fixture
def apis(nodes, fake):
    """Clients of two nodes that know a bucket and have a file."""
    site, servers = nodes(2)
    site.use(fake, "videos")
    make_file(site.files / "film.mp4", 1000)
    apis = [api_of(site, server) for server in servers]
    wait_until(lambda: apis[1].upload("sestore4/jb/film.mp4", "known.mp4", "videos").ok, 30, "the other node knows account and bucket")
    return site, apis


def lose_the_primary(cluster, apis, lose, give_back) -> None:
    """Under load: what was answered is there afterwards, and ends completed."""
    site, apis = apis
    with Load(apis) as load:
        wait_until(lambda: len(load.accepted) > 50, 30, "some are accepted")
        lost = cluster.primary()
        lose(lost)
        before, began = len(load.accepted), time.monotonic()
        wait_until(lambda: len(load.accepted) > before + 20, 120, f"calls are accepted after {lost} is lost")
        print(f"{lost} lost: accepted again within {time.monotonic() - began:.1f} s")
        assert cluster.primary() != lost
        before = len(load.accepted)
        give_back(lost)
        cluster.wait_healthy(120)
        wait_until(lambda: len(load.accepted) > before + 20, 60, "calls are accepted while it comes back")
    assert set(load.refused) <= {"0004"}, load.refused
    assert wait_for_ends(site, apis[0], load.accepted, 120) == {"completed": len(load.accepted)}


def test_the_primary_is_killed(cluster, apis):
    lose_the_primary(cluster, apis, cluster.kill, cluster.restart)


def test_the_primary_hangs(cluster, apis):
    lose_the_primary(cluster, apis, cluster.stop, cluster.cont)


def test_the_link_of_the_primary_is_cut(cluster, apis):
    need_capability(CAP_SYS_ADMIN, "a link that can be cut")
    lose_the_primary(cluster, apis, cluster.cut, cluster.heal)

"""Two nodes on a database that three machines keep (docs/high-availability.md), while its primary dies, hangs, or is cut off."""

import os
import statistics
import time

import pytest

from ha_cluster import HaCluster
from postgres_nodes import Load
from support import CAP_SYS_ADMIN, make_file, need_capability, wait_until

CLIENTS = 4  # of a load, each with one call at a time
KILLS = int(os.environ.get("VODLIFT_PRIMARY_KILLS", "1"))


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
    apis = [site.api_of(server) for server in servers]
    wait_until(lambda: apis[1].upload("sestore4/jb/film.mp4", "known.mp4", "videos").ok, 30, "the other node knows account and bucket")
    return site, apis


def lose_the_primary(cluster, apis, lose, give_back) -> tuple[int, float]:
    """Under load: what was answered is there afterwards, and ends completed. Gives back how much was answered, and after how many
    seconds the first call was that began when the primary was lost."""
    site, apis = apis
    with Load(apis) as load:
        wait_until(lambda: len(load.accepted) > 50, 30, "some are accepted")
        lost = cluster.primary()
        lose(lost)
        before, began = len(load.accepted), time.monotonic()
        wait_until(lambda: len(load.accepted) > before + CLIENTS, 120, f"calls are accepted after {lost} is lost")
        took_s = time.monotonic() - began
        assert cluster.primary() != lost
        before = len(load.accepted)
        give_back(lost)
        cluster.wait_healthy(120)
        wait_until(lambda: len(load.accepted) > before + 50, 60, "calls are accepted while it comes back")
    # A call whose commit was cut off is answered when it is known what became of it. A client may give up before.
    assert set(load.refused) <= {"0004", "TimeoutError"}, load.refused
    assert len(set(load.accepted)) == len(load.accepted)
    left = f"SELECT unnest(ARRAY{load.accepted}) EXCEPT SELECT id FROM vodlift.ended_uploads WHERE state = 'completed'"
    # What a node was about to write when it lost the database begins again when the leases are over, which last a minute.
    try:
        wait_until(lambda: not cluster.sql(left), 180, "all have ended completed", poll_s=0.5)
    except AssertionError as late:
        raise AssertionError(f"{late}: {cluster.sql(left).split()}\n{site.server.logs()[-4000:]}") from None
    return len(load.accepted), took_s


def test_the_primary_is_killed(cluster, apis):
    rounds = []
    for _ in range(KILLS):
        rounds.append(lose_the_primary(cluster, apis, cluster.kill, cluster.restart))
        print("{} answered; success after {:.1f} s".format(*rounds[-1]), flush=True)
    times = sorted(took_s for _, took_s in rounds)
    print(f"\n{KILLS} kills, {sum(count for count, _ in rounds)} calls answered, none lost; first success after"
          f" {statistics.median(times):.1f} s, {times[0]:.1f} to {times[-1]:.1f} s")


def test_the_primary_hangs(cluster, apis):
    """What it was about to commit is not committed when it wakes up."""
    cluster.sql("CREATE TABLE public.fence (number integer)")
    sessions = []

    def stop(name: str) -> None:
        session = cluster.machines[name].session()
        sessions.append(session)
        session.stdin.write("BEGIN; INSERT INTO public.fence VALUES (1);\n")
        session.stdin.flush()
        assert [session.stdout.readline() for _ in range(2)] == ["BEGIN\n", "INSERT 0 1\n"]
        cluster.stop(name)

    def wake(name: str) -> None:
        cluster.cont(name)
        said, warned = sessions[0].communicate("COMMIT;\n", timeout=60)
        assert "COMMIT" not in said or "might not have been replicated" in warned, (said, warned)

    lose_the_primary(cluster, apis, stop, wake)
    assert cluster.sql("SELECT count(*) FROM public.fence") == "0"


def test_the_link_of_the_primary_is_cut(cluster, apis):
    need_capability(CAP_SYS_ADMIN, "a link that can be cut")
    lose_the_primary(cluster, apis, cluster.cut, cluster.heal)

"""Clocks that jump, and workers that stand still: an upload has one owner, and nothing counts as over before its time."""

import os
import signal
import subprocess
import time

import pytest

from clock import FAKETIME, SettableClock
from server import binary
from support import MIB, make_file, sha256, wait_until

SIZE = 33 * MIB  # three parts
HOUR = 3600
HOUSEKEEPING_S = 15  # leases are renewed so often


@pytest.fixture
def place(new_site, fake, receiver):
    """A site with an upload whose third part does not get through until place.let_go()."""
    site = new_site(parts=2)
    clock = SettableClock(site)
    site.use(fake, "videos")
    site.digest = make_file(site.files / "film.mp4", SIZE)
    fake.play({"about": "waits", "rules": [{"operation": "UploadPart", "if_part_above": 2, "fault": {"hold": True}}]})
    site.film = site.queue("film.mp4", "videos", callback=receiver.url)
    wait_until(lambda: len(fake.seen("UploadPart")) == 3 and len(fake.seen("UploadPart", stored=True)) == 2, 20,
               "two parts are there, the third is under way")
    site.clock = clock
    site.let_go = lambda: fake.play({"about": "no fault", "rules": []})
    return site


def check_one_end(site, fake, receiver) -> None:
    wait_until(lambda: receiver.received, 60, f"the end is told\n{site.server.logs()}")
    site.clock.set(0)  # or our calls are refused
    ended = site.wait_for(site.film, "completed", within_s=40)
    assert ended["attempts"] == 1
    assert sha256(fake.object("videos", "film.mp4").body) == site.digest
    for operation in ("CreateMultipartUpload", "CompleteMultipartUpload"):
        assert len(fake.seen(operation, stored=True)) == 1
    assert sorted(one.part for one in fake.seen("UploadPart", stored=True)) == [1, 2, 3], "no finished part is sent twice"
    assert not fake.open_uploads()
    assert len(receiver.received) == 1


def renewed(site) -> None:
    """Waits until the leases were renewed, which changes the database's log, by this time."""
    wal = site.server.store.with_name(site.server.store.name + "-wal")
    before = wal.stat().st_mtime_ns
    wait_until(lambda: wal.stat().st_mtime_ns != before, HOUSEKEEPING_S + 10, "leases are renewed")


def test_D23_the_clock_jumps_while_a_part_is_under_way(place, fake, receiver):
    for seconds in (HOUR, 0, -HOUR):
        place.clock.set(seconds)
        renewed(place)
    place.let_go()
    check_one_end(place, fake, receiver)
    for word in ("taken over", "took back", "timeout"):
        assert word not in place.server.logs(), "nothing was taken to be over"


def second_daemon(site, ahead_s: int) -> subprocess.CompletedProcess:
    """Another one on the same database, with a clock of its own."""
    return subprocess.run([binary(), "serve", "--config", site.server.config], text=True, capture_output=True, timeout=30,
                          env={"PATH": os.defpath, "LD_PRELOAD": str(FAKETIME), "FAKETIME": f"{ahead_s:+d}",
                               "FAKETIME_DONT_FAKE_MONOTONIC": "1"})


def test_D42_a_worker_that_stands_still_for_ten_minutes(place, fake, receiver):
    """A database has one daemon, also while that stands still: nobody else gets its uploads, so that its lease is not stale
    and it resumes. That changes under an old fence are refused is shown by the conformance tests of the queue."""
    place.server.process.send_signal(signal.SIGSTOP)
    place.clock.set(600)
    other = second_daemon(place, 600)
    assert other.returncode != 0 and "another" in other.stderr, other.stderr
    place.let_go()
    place.server.process.send_signal(signal.SIGCONT)
    check_one_end(place, fake, receiver)


@pytest.mark.parametrize("ahead_s", [600, -600])
def test_D43_two_nodes_whose_clocks_differ(place, fake, receiver, ahead_s):
    """A database has one daemon: a second one is refused, whatever its clock says of the first one's leases. After the
    first one's death the next takes its uploads back at once, and does not wait for the end of a lease by another clock;
    one whose clock is behind begins with them when that says that they are due."""
    other = second_daemon(place, ahead_s)
    assert other.returncode != 0 and str(place.server.process.pid) in other.stderr, other.stderr
    assert place.api.status(place.film)["state"] == "uploading", "the first one has it"
    place.clock.kill9()
    place.let_go()
    place.clock.set(ahead_s)
    place.server.start()
    if ahead_s < 0:
        place.clock.set(0)
    check_one_end(place, fake, receiver)
    assert "took back uploads that the last run had leased" in place.server.logs()


@pytest.mark.parametrize("how", ["running", "restarted"])
def test_D64_what_was_put_off_under_a_wrong_clock_is_not_lost_there(new_site, fake, receiver, how):
    """A month ahead an upload fails and waits for its next attempt; in the right time it waits an hour at most."""
    site = new_site()
    clock = SettableClock(site)
    site.use(fake, "videos")
    make_file(site.files / "film.mp4", 1000)
    fake.play({"about": "fails", "rules": [{"operation": "PutObject", "nth": [1, 2, 3, 4, 5],
                                            "fault": {"status": 503, "code": "ServiceUnavailable", "hold": True}}]})
    film = site.queue("film.mp4", "videos")
    wait_until(lambda: fake.seen("PutObject"), 20, "it is sent")
    clock.set(30 * 24 * HOUR)
    fake.play({"about": "fails", "rules": [{"operation": "PutObject", "nth": [1, 2, 3, 4, 5],
                                            "fault": {"status": 503, "code": "ServiceUnavailable"}}]})
    wait_until(lambda: "will be tried again" in site.server.logs(), 60, "it waits for its second attempt")
    if how == "restarted":
        site.server.stop()
    clock.set(0)
    if how == "restarted":
        site.server.start()
    due = 1.1 * HOUR
    wait_until(lambda: until_next_attempt(site, film) <= due, 120, "it is due within an hour")


def until_next_attempt(site, upload: int) -> float:
    """Seconds; 0 where it does not wait."""
    at = site.api.status(upload)["next_attempt"]
    return at - time.time() if at else 0

"""Places, bandwidth and crashes: what one account does takes nothing from another."""


import hashlib
import time

import pytest

from fake_s3 import FakeS3
from support import KIB, MIB, make_file, wait_until
from test_fairness import Customer

SLOW = 2500  # bytes a second
SLOW_RULES = [{"operation": operation, "nth": "every", "fault": {"bytes_per_s": SLOW}}
              for operation in ("PutObject", "UploadPart")]


@pytest.fixture
def slow_store():
    """A store at an address of its own that reads next to nothing."""
    with FakeS3() as store:
        store.create_bucket("videos")
        store.create_bucket("slow")
        store.play({"about": "reads next to nothing", "rules": SLOW_RULES})
        yield store


def flood(site, bucket: str, count: int, size: int = 60 * MIB) -> list[int]:
    make_file(site.files / "film.mp4", size)
    ids = [site.queue("film.mp4", bucket, f"film-{n}.mp4") for n in range(count)]
    wait_until(lambda: sum(site.api.status(one)["state"] == "uploading" for one in ids) >= min(count, 8), 20,
               "the places are taken")
    return ids


@pytest.mark.parametrize("size", [60 * MIB, 10 * MIB, 80 * MIB], ids=["parts", "whole", "large"])
def test_N01_an_account_with_a_slow_store_leaves_a_place_for_another(new_site, fake, slow_store, size):
    site = new_site(uploads=8)
    site.use(slow_store, "videos")
    other = Customer(site, fake)
    make_file(other.files / "b.mp4", 10)
    make_file(site.files / "film.mp4", size)
    ids = [site.queue("film.mp4", "videos", f"film-{n}.mp4") for n in range(20)]
    wait_until(lambda: sum(site.api.status(one)["state"] == "uploading" for one in ids) >= 6, 20, "the places are taken")
    for n in range(5):
        other.wait_for([other.queue("b.mp4", f"b-{n}", priority=9)], within_s=15)
    assert not any(site.api.status(one)["state"] == "completed" for one in ids)


def test_N01_the_spare_places_are_taken_one_after_the_other_without_pauses(new_site, fake, slow_store):
    """Another account's uploads are not let in ten a second only."""
    site = new_site(uploads=8)
    site.use(slow_store, "videos")
    other = Customer(site, fake)
    make_file(other.files / "b.mp4", 10)
    mine = flood(site, "videos", 20)
    theirs = [other.queue("b.mp4", f"b-{n}") for n in range(300)]
    other.wait_for(theirs[-1:], within_s=20)
    assert not any(site.api.status(one)["state"] == "completed" for one in mine)


def test_N02_a_slow_endpoint_of_many_accounts_leaves_a_place_for_another(new_site, fake, slow_store):
    site = new_site(uploads=2)
    site.use(slow_store, "videos")
    others = [Customer(site, slow_store, cdn=160 + n, user=f"user{n}") for n in range(3)]
    make_file(site.files / "film.mp4", 60 * MIB)
    for n in range(4):
        site.queue("film.mp4", "videos", f"film-{n}.mp4")
    for one in others:
        make_file(one.files / "film.mp4", 60 * MIB)
        one.queue("film.mp4", "film.mp4")
    healthy = Customer(site, fake)
    make_file(healthy.files / "b.mp4", 10)
    wait_until(lambda: len(slow_store.seen("UploadPart")) >= 3, 20, "the slow store is busy")
    healthy.wait_for([healthy.queue("b.mp4", "b-1"), healthy.queue("b.mp4", "b-2")], within_s=20)


def test_N03_an_accounts_own_limit_is_not_the_stores_fault(new_site, fake):
    """64 uploads share 100 kB/s for longer than the 60 s after which a store that stands still is given up."""
    site = new_site(uploads=66)
    site.use(fake, "videos")
    other = Customer(site, fake)
    make_file(other.files / "b.mp4", MIB)
    site.server.cli("limit", "set", "--cdn", 158, "--rate", "100kB")
    ids = flood(site, "videos", 64, size=64 * MIB)
    # What the limit lets through in 75 s.
    wait_until(lambda: sum(one.body_bytes for one in fake.seen("UploadPart")) >= 75 * 100_000, 240, "the bytes are sent")
    other.wait_for([other.queue("b.mp4", "b.mp4")], within_s=20)
    seen = [site.api.status(one) for one in ids]
    assert all(one["attempts"] == 1 and one["error"] is None for one in seen), [one["error"] for one in seen]
    parts = [(one.key, one.part) for one in fake.seen("UploadPart")]
    assert len(parts) == len(set(parts)) <= 64, "no part was sent twice, and one of each upload at most is under way"


def test_N04_an_upload_in_parts_yields_after_its_turn_and_leaves_nothing_behind(new_site, fake, slow_store):
    """Parts that would take an hour are cut off soon after the turn; two others' uploads then have the places."""
    site = new_site(uploads=2, turn_s=1)
    site.use(slow_store, "videos")
    others = [Customer(site, fake, cdn=160 + n, user=f"user{n}") for n in range(3)]
    mine = flood(site, "videos", 2, size=20 * MIB)
    fake.play({"about": "holds what it gets", "rules": [{"operation": "PutObject", "fault": {"hold": True}}]})
    for one in others:
        make_file(one.files / "b.mp4", 10)
    theirs = [one.queue("b.mp4", "b.mp4") for one in others]
    wait_until(lambda: len(fake.seen("PutObject")) >= 3, 25, "all three have a place, though only two were spare")
    fake.play({"about": "all well", "rules": []})
    fake.release()
    slow_store.play({"about": "all well", "rules": []})
    for one, upload_id in zip(others, theirs):
        one.wait_for([upload_id], within_s=20)
    ended = [site.wait_for(one, "completed", within_s=60) for one in mine]
    assert [one["attempts"] for one in ended] == [1, 1]
    assert not slow_store.open_uploads()
    assert all(len(slow_store.object("videos", f"film-{n}.mp4").body) == 20 * MIB for n in range(2))


def test_N06_three_kills_fail_no_upload_that_was_under_way(new_site, fake):
    """Four uploads are under way at each of three kills. The fault is none of theirs."""
    site = new_site(uploads=4)
    site.use(fake, "videos")
    hold = {"about": "answers nothing", "rules": [{"operation": one, "fault": {"hold": True}}
                                                   for one in ("PutObject", "CreateMultipartUpload")]}
    fake.play(hold)
    make_file(site.files / "small.mp4", KIB)
    make_file(site.files / "film.mp4", 20 * MIB)
    ids = [site.queue(name, "videos", f"{n}-{name}") for name in ("small.mp4", "film.mp4") for n in range(2)]

    def begun() -> int:
        return len(fake.seen("PutObject")) + len(fake.seen("CreateMultipartUpload"))

    before = 0
    for _ in range(3):
        wait_until(lambda: begun() > before, 20, "they run")
        wait_until(lambda: any(site.api.status(one)["state"] == "uploading" for one in ids), 20, "one runs at least")
        site.server.kill9()
        before = begun()  # while it is dead: the next ones may come as soon as it starts
        site.server.start()
    fake.play({"about": "all well", "rules": []})
    fake.release()
    late = site.queue("small.mp4", "videos", "late.mp4")
    assert {site.wait_for(one, "completed", within_s=90)["state"] for one in [*ids, late]} == {"completed"}


def test_N07_one_that_crashes_the_server_fails_and_takes_nobody_along(new_site, fake):
    """The server dies whenever this upload is under way. Those that were under way with it are completed."""
    site = new_site(uploads=4)
    site.use(fake, "videos")
    fake.play({"about": "answers nothing", "rules": [{"operation": "PutObject", "fault": {"hold": True}}]})
    make_file(site.files / "film.mp4", KIB)
    poison, *innocent = [site.queue("film.mp4", "videos", f"film-{n}.mp4") for n in range(3)]

    def state(upload_id):
        return site.api.status(upload_id)["state"]

    for _ in range(8):
        wait_until(lambda: state(poison) in ("uploading", "failed"), 60, "it is its turn")
        if state(poison) == "failed":
            break
        site.server.kill9()
        site.server.start()
    assert site.api.status(poison)["error"]["code"] == "crashed_repeatedly"
    fake.play({"about": "all well", "rules": []})
    fake.release()
    for one in innocent:
        assert site.wait_for(one, "completed", within_s=90)


def test_N05_a_check_of_the_whole_source_gets_through_though_others_wait(new_site, fake):
    """Hashing takes many turns, since another account's uploads wait all the time. What was read is not read again."""
    site = new_site(uploads=1, turn_s=1)
    site.use(fake, "videos")
    other = Customer(site, fake)
    make_file(other.files / "b.mp4", KIB)
    size = 6 * 1024 * MIB
    with open(site.files / "film.mp4", "wb") as film:
        film.truncate(size)
    digest = hashlib.sha256()
    for _ in range(size // (64 * MIB)):
        digest.update(bytes(64 * MIB))
    wrong = "sha256:" + hashlib.sha256(b"another file").hexdigest()
    film = site.queue("film.mp4", "videos", checksum=wrong)

    def done():
        other.queue("b.mp4", f"b-{time.monotonic_ns()}")
        seen = site.api.status(film)
        return seen if seen["state"] == "failed" else None

    seen = wait_until(done, 300, "the whole file was read", poll_s=0.3)
    assert seen["error"]["code"] == "source_mismatch" and digest.hexdigest() in seen["error"]["message"], seen
    assert site.server.logs().count("yields to others") >= 2, "it was interrupted"

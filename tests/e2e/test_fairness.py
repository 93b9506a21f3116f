"""No account waits for all uploads of another, no small file waits for large ones, and no upload waits for a lower priority."""

import contextlib
import itertools
import sqlite3
import time

import pytest

from api_client import ApiClient
from support import KIB, MIB, make_file, wait_until

OTHER = 159
QUEUED_BY_THE_FIRST = 100_000
LARGE = 65 * MIB
BYTES_PER_S = 20 * MIB  # so a large file takes longer than a turn and the time in which it is looked for


class Customer:
    """Another account of a site, with a bucket of the fake."""

    def __init__(self, site, fake, cdn: int = OTHER, user: str = "eve"):
        self.site = site
        self.user = user
        site.server.add_account(cdn, user)
        key = site.server.add_key(cdn)
        site.server.add_bucket("videos", fake.endpoint, fake.access_key, fake.secret_key, cdn=cdn)
        self.files = site.server.storage / user
        self.api = ApiClient(site.server.url, key.api_key, key.secret, cdn=cdn)

    def queue(self, name: str, destination: str, **fields) -> int:
        answer = self.api.upload(f"sestore4/{self.user}/{name}", destination, "videos", **fields)
        assert answer.ok, answer
        return answer.data

    def wait_for(self, upload_ids: list[int], within_s: float) -> list[dict]:
        def ended():
            seen = [self.api.status(one) for one in upload_ids]
            return seen if all(one["state"] == "completed" for one in seen) else None

        return wait_until(ended, within_s, f"uploads {upload_ids} of {self.user} are completed", poll_s=0.1)


@contextlib.contextmanager
def database(server):
    """Of a server that is stopped."""
    assert server.process is None
    with contextlib.closing(sqlite3.connect(server.store)) as connection, connection:
        yield connection


def multiply(server, upload_id: int, count: int) -> None:
    """Queues the upload `count` times more, to objects of their own."""
    with database(server) as connection:
        names = [row[1] for row in connection.execute("PRAGMA table_info(uploads)")]
        columns = ", ".join(name for name in names if name not in ("id", "destination_path"))
        connection.execute(f"""
            WITH RECURSIVE counted (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM counted WHERE n < ?2)
            INSERT INTO uploads (destination_path, {columns})
              SELECT destination_path || '-' || n, {columns} FROM uploads, counted WHERE id = ?1""", (upload_id, count))


def large_site(new_site, fake, uploads: int, **config):
    site = new_site(uploads=uploads, parts=1, **config)
    site.use(fake, "videos")
    fake.play({"about": "the way there is slow",
               "rules": [{"operation": "UploadPart", "fault": {"bytes_per_s": BYTES_PER_S}}]})
    return site


def test_ten_uploads_do_not_wait_for_a_hundred_thousand_of_another_account(new_site, fake):
    site = new_site(uploads=4)
    site.use(fake, "videos")
    make_file(site.files / "a.mp4", 64 * KIB)
    upload_id = site.queue("a.mp4", "videos", "many")
    site.wait_for(upload_id, "completed")
    fake.play({"about": "nothing gets through yet", "rules": [{"operation": "PutObject", "fault": {"hold": True}}]})
    waiting = site.queue("a.mp4", "videos", "queued")
    other = Customer(site, fake)
    make_file(other.files / "b.mp4", 64 * KIB)
    site.server.kill9()
    with database(site.server) as connection:
        connection.execute("UPDATE uploads SET state = 'queued', lease_until_ms = NULL, owner = NULL,"
                           " owner_term = NULL WHERE state = 'uploading'")
    multiply(site.server, waiting, QUEUED_BY_THE_FIRST)
    fake.release()
    fake.play({"about": "all well again", "rules": []})
    site.server.start()
    other.api.url = site.server.url
    wait_until(lambda: len(fake.seen("PutObject", stored=True)) > 200, 60, "the first account's are under way")

    few = [other.queue("b.mp4", f"few-{n}") for n in range(10)]
    ended = other.wait_for(few, within_s=60)
    site.server.stop()
    with database(site.server) as connection:
        total, completed, beside = connection.execute("""
            SELECT count(*), count(finished_ms),
                   count(*) FILTER (WHERE finished_ms > (SELECT max(created_ms) FROM uploads WHERE account = ?1)
                                      AND finished_ms <= (SELECT max(finished_ms) FROM uploads WHERE account = ?1))
            FROM uploads WHERE account = 158""", (OTHER,)).fetchone()
    assert total == QUEUED_BY_THE_FIRST + 2 and completed < total / 2, "it was not much busier than that"
    # From when the last of the ten is queued. A round of the first account is 64 of its files; up to eight of them are
    # claimed ahead, and as many may just have been sent.
    assert beside <= 64 + 16, f"{beside} of the first account's uploads went before the ten"
    assert all(one["attempts"] == 1 for one in ended)


def test_a_large_upload_makes_room_for_another_accounts_and_sends_no_part_twice(new_site, fake):
    site = large_site(new_site, fake, uploads=1, turn_s=1)
    other = Customer(site, fake)
    for name in ("one.mp4", "two.mp4"):
        make_file(site.files / name, LARGE)
    make_file(other.files / "b.mp4", LARGE)
    mine = [site.queue(name, "videos", name) for name in ("one.mp4", "two.mp4")]
    site.wait_for(mine[0], "uploading")
    theirs = other.queue("b.mp4", "b.mp4")
    other.wait_for([theirs], within_s=30)
    ended = [site.wait_for(one, "completed") for one in mine]
    assert [one["attempts"] for one in ended] == [1, 1], "making room is no attempt that failed"
    sent = [(record.key, record.part) for record in fake.seen("UploadPart", stored=True)]
    assert len(sent) == len(set(sent)), "no part was sent twice"
    begun = [record.key for record in fake.seen("CreateMultipartUpload")]
    assert begun == ["one.mp4", "b.mp4", "two.mp4"], "the other account waits for one turn of the first's"
    assert not fake.open_uploads()


def test_one_that_grew_after_it_was_queued_counts_as_large(new_site, fake):
    """At the call the file was still being written, and small; the upload yields like any large one."""
    site = large_site(new_site, fake, uploads=1, turn_s=1, quiet_s=2)
    other = Customer(site, fake)
    make_file(other.files / "b.mp4", KIB)
    make_file(site.files / "film.mp4", KIB)
    film = site.queue("film.mp4", "videos")
    wait_until(lambda: (site.api.status(film)["error"] or {}).get("code") == "source_busy", 10, "it is being written")
    make_file(site.files / "film.mp4", 2 * LARGE)
    wait_until(lambda: fake.seen("UploadPart"), 20, "it is sent")
    other.wait_for([other.queue("b.mp4", "b.mp4")], within_s=30)
    assert site.api.status(film)["state"] in ("queued", "uploading"), "it made room"
    assert site.wait_for(film, "completed")["attempts"] == 1


def test_a_higher_priority_does_not_wait_for_a_large_upload_of_a_lower(new_site, fake):
    site = large_site(new_site, fake, uploads=1, turn_s=1)
    make_file(site.files / "film.mp4", LARGE)
    make_file(site.files / "news.mp4", KIB)
    film = site.queue("film.mp4", "videos")
    site.wait_for(film, "uploading")
    news = site.queue("news.mp4", "videos", priority=9)
    site.wait_for(news, "completed")
    assert site.api.status(film)["state"] in ("queued", "uploading")
    assert site.wait_for(film, "completed")["attempts"] == 1


def test_small_files_do_not_wait_for_large_ones_of_their_account(new_site, fake):
    site = large_site(new_site, fake, uploads=2)
    make_file(site.files / "film.mp4", LARGE)
    make_file(site.files / "poster.jpg", KIB)
    films = [site.queue("film.mp4", "videos", f"film-{n}.mp4") for n in range(3)]
    wait_until(lambda: fake.seen("UploadPart"), 10, "a film is under way")
    posters = [site.queue("poster.jpg", "videos", f"poster-{n}.jpg") for n in range(5)]
    for one in posters:
        site.wait_for(one, "completed")
    assert all(site.api.status(one)["state"] in ("queued", "uploading") for one in films)
    assert [site.wait_for(one, "completed")["attempts"] for one in films] == [1, 1, 1]


def test_a_large_upload_that_nobody_waits_behind_goes_on(new_site, fake):
    site = large_site(new_site, fake, uploads=1, turn_s=1)
    for name in ("one.mp4", "two.mp4"):
        make_file(site.files / name, LARGE)
    one, two = (site.queue(name, "videos") for name in ("one.mp4", "two.mp4"))
    site.wait_for(one, "completed")
    site.wait_for(two, "completed")
    assert len(fake.seen("ListParts")) == 0, "neither was interrupted for its own account"


def test_no_more_uploads_of_an_account_run_at_once_than_it_may(new_site, fake):
    site = new_site(uploads=8)
    site.use(fake, "videos")
    other = Customer(site, fake)
    site.server.cli("account", "set", "--cdn", 158, "--uploads-at-once", 2)
    for folder in (site.files, other.files):
        make_file(folder / "film.mp4", KIB)
    fake.play({"about": "each answer is allowed by the test", "rules": [{"operation": "PutObject", "fault": {"in_turn": True}}]})

    def begun(letter: str) -> int:
        return sum(record.key.startswith(letter) for record in fake.seen("PutObject"))

    mine = [site.queue("film.mp4", "videos", f"a-{n}", priority=n) for n in range(6)]
    wait_until(lambda: begun("a") == 2, 20, "two begin")
    theirs = [other.queue("film.mp4", f"b-{n}") for n in range(3)]
    wait_until(lambda: begun("b") == 3, 20, "those of the other account begin beside them")
    assert begun("a") == 2, "though there are places"
    for answers in range(1, 3):
        fake.let_answer()
        wait_until(lambda: begun("a") == 2 + answers, 20, "where one ends the next begins")
    fake.let_answer(3)  # answers come in the order of the requests: those of the other account
    other.wait_for(theirs, within_s=20)
    assert begun("a") == 4
    site.server.cli("account", "set", "--cdn", 158, "--uploads-at-once", "none")
    wait_until(lambda: begun("a") == 6, 20, "as many as there are places")
    fake.let_answer(4)
    for one in mine:
        site.wait_for(one, "completed")


@pytest.mark.parametrize("weight", [1, 3])
def test_the_share_follows_the_weight(new_site, fake, weight):
    site = new_site(uploads=1)
    site.use(fake, "videos")
    other = Customer(site, fake)
    site.server.cli("account", "set", "--cdn", 158, "--weight", weight)
    for folder in (site.files, other.files):
        make_file(folder / "film.mp4", 10 * MIB)
    fake.play({"about": "the first holds the place until all are queued",
               "rules": [{"operation": "PutObject", "nth": 1, "fault": {"delay_s": 3}}]})
    for n in range(32):
        site.queue("film.mp4", "videos", f"a-{n}")
        other.queue("film.mp4", f"b-{n}")
    wait_until(lambda: len(fake.seen("PutObject", stored=True)) >= 32, 60, "half of them are there")
    first = [record.key[0] for record in itertools.islice(fake.seen("PutObject", stored=True), 4, 32)]
    assert first.count("a") / first.count("b") == pytest.approx(weight, rel=0.5), "".join(first)

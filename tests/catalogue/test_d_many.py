"""Many uploads meet a store that errs at random, answers slowly, or has many parts to list."""

import random

import pytest

from conftest import peak_kib
from fake_s3 import FakeS3
from support import KIB, MIB, make_file, sha256, wait_until

FILES = 200


@pytest.mark.parametrize("share, amplification", [(0.01, 1.2), (0.1, 1.3), (0.5, 3.0)])
def test_D20_random_errors_end_in_success(new_site, fake, share, amplification):
    site = new_site(uploads=16)
    site.use(fake, "videos")
    digest = make_file(site.files / "film.mp4", KIB)
    # Each request's fate is drawn beforehand, so that a failure can be replayed.
    fate = random.Random(20)
    erring = [nth for nth in range(1, 8 * FILES) if fate.random() < share]
    fake.play({"about": "errs at random", "rules": [
        {"operation": "PutObject", "nth": erring, "fault": {"status": 500, "code": "InternalError"}}]})
    ids = [site.queue("film.mp4", "videos", f"film-{number}.mp4") for number in range(FILES)]
    for upload_id in ids:
        site.wait_for(upload_id, "completed", within_s=60)
    assert all(sha256(fake.object("videos", f"film-{number}.mp4").body) == digest for number in range(FILES))
    assert FILES <= len(fake.seen("PutObject")) <= FILES * amplification


def test_D18_parts_are_listed_page_by_page(new_site):
    with FakeS3(page_size=2) as fake:
        fake.create_bucket("videos")
        site = new_site(parts=2)
        site.use(fake, "videos")
        digest = make_file(site.files / "film.mp4", 7 * 16 * MIB)
        fake.play({"about": "hangs", "rules": [{"operation": "UploadPart", "fault": {"hold": True}, "if_part_above": 5}]})
        upload_id = site.queue("film.mp4", "videos")
        wait_until(lambda: site.api.status(upload_id)["bytes_sent"] == 5 * 16 * MIB, 30, "five parts are confirmed")
        site.server.kill9()
        fake.play({"about": "a page is lost", "rules": [
            {"operation": "ListParts", "nth": 2, "fault": {"drop": "mid_response"}}]})
        before = len(fake.seen("UploadPart"))
        site.server.start()
        site.wait_for(upload_id, "completed", within_s=40)
        again = sorted(one.part for one in fake.seen("UploadPart")[before:])
        assert again == [6, 7] and len(fake.seen("ListParts")) >= 4
        assert sha256(fake.object("videos", "film.mp4").body) == digest


def test_D54_a_slow_store_costs_no_memory(new_site, fake):
    """Four uploads of four parts, read ten times slower than the disk gives them."""
    site = new_site(uploads=4, parts=4)
    site.use(fake, "videos")
    make_file(site.files / "film.mp4", 80 * MIB)
    fake.play({"about": "slow", "rules": [{"operation": "UploadPart", "nth": "every", "fault": {"bytes_per_s": 64 * MIB}}]})
    ids = [site.queue("film.mp4", "videos", f"film-{number}.mp4") for number in range(4)]
    wait_until(lambda: len(fake.seen("UploadPart")) >= 16, 20, "sixteen parts are on their way")
    for upload_id in ids:
        site.wait_for(upload_id, "completed", within_s=60)
    assert peak_kib(site) < 64 * KIB, "a part is never held as a whole"


def test_D48_the_later_upload_to_a_key_wins(new_site, fake):
    """Whatever is faster: the object is the one of the higher id, and the two never write at once."""
    site = new_site(uploads=4)
    site.use(fake, "videos")
    make_file(site.files / "first.mp4", 40 * MIB)
    digest = make_file(site.files / "second.mp4", KIB)
    fake.play({"about": "slow", "rules": [{"operation": "UploadPart", "nth": 1, "fault": {"delay_s": 0.5}}]})
    first, second = (site.queue(f"{name}.mp4", "videos", "film.mp4") for name in ("first", "second"))
    site.wait_for(second, "completed", within_s=30)
    assert site.api.status(first)["state"] == "completed"
    assert sha256(fake.object("videos", "film.mp4").body) == digest
    order = [one.operation for one in fake.requests if one.operation in ("CompleteMultipartUpload", "PutObject")]
    assert order == ["CompleteMultipartUpload", "PutObject"]

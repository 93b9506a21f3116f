"""A large file is cut into parts by the rate of earlier requests to its bucket."""

import pytest

from support import MIB, make_file, wait_until

SIZE = 40 * MIB


@pytest.fixture
def films(new_site, fake):
    site = new_site()
    site.use(fake, "videos")
    fake.create_bucket("photos")
    site.use(fake, "photos")
    make_file(site.files / "short.mp4", 8 * MIB)
    make_file(site.files / "film.mp4", SIZE)
    return site


def send_film(site, fake, bucket: str, destination: str) -> list[int]:
    """MiB of each of its parts, by their numbers; that of the last one is rounded up."""
    site.wait_for(site.queue("film.mp4", bucket, destination), "completed", within_s=60)
    sent = {one.part: -(-one.content_bytes // MIB)
            for one in fake.seen("UploadPart", stored=True) if one.key == destination}
    return [sent[number] for number in sorted(sent)]


def test_after_a_slow_upload_parts_are_smaller(films, fake):
    films.server.cli("limit", "set", "--all", "--rate", "2MB")
    films.wait_for(films.queue("short.mp4", "videos"), "completed", within_s=60)
    films.server.cli("limit", "remove", "--all")
    assert send_film(films, fake, "photos", "elsewhere.mp4") == [16, 16, 8], "of this bucket nothing is known"
    assert send_film(films, fake, "videos", "after.mp4") == [8] * 5
    films.server.restart()
    assert send_film(films, fake, "videos", "anew.mp4") == [16, 16, 8], "nor of any after a restart"


def test_a_store_that_reads_slowly_gets_smaller_parts(films, fake):
    fake.play({"about": "reads slowly", "rules": [{"operation": "UploadPart", "fault": {"bytes_per_s": 4 * MIB}}]})
    assert send_film(films, fake, "videos", "first.mp4") == [16, 16, 8]
    assert send_film(films, fake, "videos", "second.mp4") == [8] * 5


def test_requests_that_fail_tell_nothing_of_the_rate(films, fake):
    fake.play({"about": "fails slowly", "rules": [
        {"operation": "PutObject", "nth": [1, 2], "fault": {"status": 503, "code": "SlowDown", "delay_s": 3}}]})
    films.wait_for(films.queue("short.mp4", "videos"), "completed", within_s=60)
    assert send_film(films, fake, "videos", "film.mp4") == [16, 16, 8]


def test_after_fast_uploads_a_large_file_gets_larger_parts(films, fake):
    with open(films.files / "archive.mp4", "wb") as file:
        file.truncate(64 * 1024 * MIB)  # sparse
    films.wait_for(films.queue("short.mp4", "videos"), "completed")
    fake.play({"about": "parts get no answer", "rules": [{"operation": "UploadPart", "fault": {"hold": True}}]})
    upload_id = films.queue("archive.mp4", "videos")
    part = wait_until(lambda: fake.seen("UploadPart"), 30, "a part is under way")[0]
    size = part.content_bytes
    assert 16 * MIB < size <= 64 * MIB and size % MIB == 0
    assert films.api.call("aws.cancel", id=upload_id).ok
    films.wait_for(upload_id, "cancelled", within_s=20)

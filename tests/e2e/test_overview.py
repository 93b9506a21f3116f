"""GET /overview: one sentence, and what needs a person, from a real server that is in trouble."""

import pytest

from rest_client import RestClient
from support import make_file, wait_until

NO_FAULT = {"about": "no fault", "rules": []}


@pytest.fixture
def overview(site, fake):
    site.use(fake, "videos")
    make_file(site.files / "film.mp4", 1000)
    rest = RestClient(site.server.socket)

    def ask(**query) -> dict:
        answer = rest.call("GET", "/overview", query=query)
        assert answer.status == 200, answer
        return answer.data
    return ask


def needs(overview, **query) -> list[str]:
    return [one["code"] for one in overview(**query)["attention"]]


def test_all_is_well_until_a_bucket_refuses_us_and_again_when_it_takes_objects(site, fake, overview):
    assert overview()["sentence"] == "All is well: no upload is running or waiting."
    fake.play({"about": "no access", "rules": [{"operation": "PutObject", "fault": {"status": 403, "code": "AccessDenied"}}]})
    site.wait_for(site.queue("film.mp4", "videos"), "failed")
    facts = overview()
    need, = facts["attention"]
    assert (need["code"], need["cdn"], need["bucket"]) == ("bucket_denied", 158, "videos"), need
    assert facts["sentence"] == "Bucket videos refuses us: access denied."
    assert needs(overview, cdn=158) == ["bucket_denied"]
    assert "bucket videos refuses its key: access denied" in site.server.cli("bucket", "list"), "the list agrees with the overview"
    fake.play(NO_FAULT)
    site.server.cli("bucket", "check", "--cdn", 158, "--bucket", "videos")
    assert needs(overview) == [], "the check has found that it works"
    assert "access denied" not in site.server.cli("bucket", "list")
    fake.play({"about": "no bucket", "rules": [{"operation": "PutObject", "fault": {"status": 404, "code": "NoSuchBucket"}}]})
    site.wait_for(site.queue("film.mp4", "videos", "2.mp4"), "failed")
    assert needs(overview) == ["bucket_missing"]
    fake.play(NO_FAULT)
    site.wait_for(site.queue("film.mp4", "videos", "3.mp4"), "completed")
    assert needs(overview) == []
    today = {"cdn": 158, "bucket": "videos", "bytes": 1000, "completed": 1, "failed": 2}
    wait_until(lambda: overview(cdn=158)["buckets_today"] == [today], 30, "what was done for the bucket is written")
    assert "videos" in site.server.cli("overview").rpartition("BUCKET")[2]


def test_uploads_that_wait_for_a_key_are_counted(site, fake, overview):
    fake.play({"about": "the key is unknown", "rules": [{"operation": "PutObject", "fault": {"status": 403, "code": "InvalidAccessKeyId"}}]})
    for number in range(3):
        site.queue("film.mp4", "videos", f"{number}.mp4")
    # One that is tried again does not wait at that moment.
    wait_until(lambda: overview()["sentence"] == "The S3 key of bucket videos is refused, or cannot be had. 3 uploads wait for it.",
               20, "the overview counts all of them")


def test_a_storage_that_is_gone_is_said_until_it_is_back(site, overview):
    away = site.server.storage.with_name("away")
    site.files.rename(away)
    site.server.storage.rmdir()
    assert not site.api.upload("sestore4/jb/film.mp4", "film.mp4", "videos").ok
    assert needs(overview) == ["storage_gone"]
    assert overview()["sentence"] == "Storage sestore4 is not available."
    site.server.storage.mkdir()
    away.rename(site.files)
    wait_until(lambda: needs(overview) == [], 10, "it is back")

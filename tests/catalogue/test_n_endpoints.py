"""(n) Neighbours at the stores: what goes wrong with one object, bucket or key costs others nothing."""

import json

import pytest

from support import KIB, make_file, sha256, wait_until

FAILS = {"status": 500, "code": "InternalError"}
POISONED = {"about": "every object with this metadata is answered 500", "rules": [
    {"operation": "PutObject", "if_header": "x-amz-meta-poison", "fault": FAILS}]}


def site_of_two(new_site, fake):
    """A site whose account has the bucket `videos`, and a client of another account (159, user mk) with the bucket
    `theirs`. Both have a film."""
    site = new_site(uploads=2)
    site.server.add_account(159, "mk")
    key = site.server.add_key(159)
    fake.create_bucket("theirs")
    site.use(fake, "videos")
    site.use(fake, "theirs", cdn=159)
    for folder in (site.files, site.server.storage / "mk"):
        make_file(folder / "film.mp4", KIB)
    return site, type(site.api)(site.server.url, key.api_key, key.secret, cdn=159)


def errors(site, ids) -> set[str]:
    return {(site.api.status(one)["error"] or {"code": ""})["code"] for one in ids}


def test_N24_an_object_that_the_store_always_fails_stops_nobody(new_site, fake):
    site, client = site_of_two(new_site, fake)
    fake.play(POISONED)
    poison = site.queue("film.mp4", "videos", "poison.mp4", metadata={"poison": "1"})

    def failed_often():
        if site.api.status(poison)["state"] == "queued":
            site.server.run_cli("upload", "retry", poison, "--cdn", 158)
        return len(fake.seen("PutObject")) >= 25

    wait_until(failed_often, 60, "the object was refused 25 times, and nothing else was sent", poll_s=0.2)
    good = [site.queue("film.mp4", "videos", f"good-{number}.mp4") for number in range(5)]
    theirs = [client.upload("sestore4/mk/film.mp4", f"film-{number}.mp4", "theirs").data for number in range(5)]
    for one in good:
        assert site.wait_for(one, "completed", within_s=15)["attempts"] == 1
    wait_until(lambda: all(client.status(one)["state"] == "completed" for one in theirs), 15, "the others' are done")
    assert "is down" not in site.server.logs()


@pytest.mark.parametrize("size", [KIB, 200 * KIB])
def test_N25_a_bucket_that_fails_stops_no_other_and_costs_no_attempts(new_site, fake, size):
    """A store's 500 to many objects of one bucket: the bucket waits, the endpoint does not. Looking for them works."""
    site, client = site_of_two(new_site, fake)
    make_file(site.files / "film.mp4", size)
    fake.play(POISONED)
    sick = [site.queue("film.mp4", "videos", f"film-{number}.mp4", metadata={"poison": "1"}) for number in range(40)]
    wait_until(lambda: "bucket is down" in site.server.logs(), 30, "the bucket waits")
    theirs = [client.upload("sestore4/mk/film.mp4", f"film-{number}.mp4", "theirs").data for number in range(10)]
    wait_until(lambda: all(client.status(one)["state"] == "completed" for one in theirs), 15, "the others' are done")
    assert "endpoint is down" not in site.server.logs()
    bucket, = json.loads(site.server.cli("bucket", "list", "--cdn", 158, "--json"))
    assert "bucket videos" in bucket["trouble"], bucket
    fake.play({"about": "it works again", "rules": []})
    for one in sick:
        assert site.wait_for(one, "completed", within_s=90)["attempts"] <= 2, "those that were not sent lost no attempt"


def test_N26_a_refused_key_holds_its_bucket_until_it_is_good_again(new_site, fake):
    site = new_site(uploads=2)
    fake.create_bucket("other")
    site.use(fake, "videos")
    make_file(site.files / "film.mp4", KIB)
    good_key, fake.access_key = fake.access_key, "ANOTHERKEY"
    site.use(fake, "other")
    ids = [site.queue("film.mp4", "videos", f"film-{number}.mp4") for number in range(30)]
    wait_until(lambda: errors(site, ids) == {"s3_credential"}, 30, "all wait for the key")
    assert {site.api.status(one)["state"] for one in ids} == {"queued"}
    assert len(fake.seen("PutObject")) <= 6, "one at a time tries"
    site.wait_for(site.queue("film.mp4", "other"), "completed", within_s=15)
    buckets = {one["bucket"]: one["trouble"] for one in json.loads(site.server.cli("bucket", "list", "--json"))}
    assert "key" in buckets["videos"] and not buckets["other"], buckets
    fake.access_key = good_key
    for one in ids:
        assert site.wait_for(one, "completed", within_s=60)["attempts"] == 1
    assert site.server.logs().count("its uploads wait until it is good") == 1
    assert site.server.logs().count("takes the bucket's S3 key again") == 1


def test_N27_one_object_with_a_spoilt_signature_holds_no_other(site, fake):
    """A proxy that drops a header makes the store refuse the signature of the object that has it: the key is good."""
    site.use(fake, "videos")
    make_file(site.files / "film.mp4", KIB)
    fake.play({"about": "a header is lost", "rules": [
        {"operation": "PutObject", "if_header": "x-amz-meta-poison",
         "fault": {"status": 403, "code": "SignatureDoesNotMatch"}}]})
    spoilt = site.queue("film.mp4", "videos", "spoilt.mp4", metadata={"poison": "1"})
    waiting = wait_until(lambda: (one := site.api.status(spoilt))["error"] and one, 15, "it was refused")
    assert waiting["error"]["code"] == "s3_credential" and "proxy" in waiting["error"]["message"], waiting
    for number in range(5):
        site.wait_for(site.queue("film.mp4", "videos", f"good-{number}.mp4"), "completed", within_s=5)
    bucket, = json.loads(site.server.cli("bucket", "list", "--json"))
    assert not bucket["trouble"], bucket


def test_N15_new_settings_wake_what_waits_for_them(site, fake):
    """The documented rotation: the secret is changed, every other setting stays, and the queue goes on at once."""
    site.server.add_bucket("videos", fake.endpoint, fake.access_key, "a-wrong-secret",
                           more=("--max-parts", 500, "--part-size", "8MiB", "--acl-policy", "private"))
    make_file(site.files / "film.mp4", KIB)
    ids = [site.queue("film.mp4", "videos", f"film-{number}.mp4") for number in range(10)]
    wait_until(lambda: errors(site, ids) == {"s3_credential"}, 30, "all wait for the key")
    before, = json.loads(site.server.cli("bucket", "list", "--json"))
    again = site.server.run_cli("bucket", "add", "--cdn", 158, "--bucket", "videos", "--endpoint", fake.endpoint,
                                "--region", "us-east-1", "--access-key", fake.access_key, "--secret-key-file", "-",
                                stdin=fake.secret_key)
    assert again.returncode == 1 and "bucket set" in again.stderr and "max_parts" in again.stderr, again
    assert fake.secret_key not in again.stderr
    shown = site.server.cli("bucket", "set", "--cdn", 158, "--bucket", "videos", "--secret-key-file", "-",
                            stdin=fake.secret_key)
    assert "secret_key" in shown and fake.secret_key not in shown, shown
    for one in ids:
        assert site.wait_for(one, "completed", within_s=10)["attempts"] == 1
    after, = json.loads(site.server.cli("bucket", "list", "--json"))
    assert after == before | {"trouble": ""}


def test_N16_a_proxy_that_takes_no_large_requests_gets_smaller_parts(site, fake):
    site.use(fake, "videos")
    fake.largest_body = 6 * 1024 * KIB
    digest = make_file(site.files / "film.mp4", 40 * 1024 * KIB)
    make_file(site.files / "short.mp4", 12 * 1024 * KIB)
    done = site.wait_for(site.queue("film.mp4", "videos"), "completed", within_s=60)
    assert done["attempts"] == 1 and done["etag"].endswith("-8"), done
    assert sha256(fake.object("videos", "film.mp4").body) == digest
    refused = len([one for one in fake.requests if one.status == 413])
    site.wait_for(site.queue("short.mp4", "videos"), "completed", within_s=60)
    assert len([one for one in fake.requests if one.status == 413]) == refused, "it was learned for the bucket"
    found = json.loads(site.server.run_cli("bucket", "check", "--cdn", 158, "--bucket", "videos", "--json").stdout)
    assert [one["finding"] for one in found["findings"] if one["topic"] == "part-size"] == ["warn"], found
    site.server.cli("bucket", "set", "--cdn", 158, "--bucket", "videos", "--part-size", "5MiB")
    found = json.loads(site.server.run_cli("bucket", "check", "--cdn", 158, "--bucket", "videos", "--json").stdout)
    assert [one["finding"] for one in found["findings"] if one["topic"] == "part-size"] == [], found
    site.server.restart()
    fake.requests.clear()
    site.wait_for(site.queue("short.mp4", "videos", "again.mp4"), "completed", within_s=60)
    assert not [one for one in fake.requests if one.status == 413], "the size that was set"


def test_N23_a_request_that_no_part_is_small_enough_for_is_told_as_that(site, fake):
    site.use(fake, "videos")
    fake.largest_body = 1024 * KIB
    make_file(site.files / "film.mp4", 20 * 1024 * KIB)
    failed = site.wait_for(site.queue("film.mp4", "videos"), "failed", within_s=60)
    assert failed["error"]["code"] == "s3_too_large" and "client_max_body_size" in failed["error"]["message"], failed
    wait_until(lambda: not fake.open_uploads(), 10, "nothing stays open")


def test_N08_an_endpoint_with_a_path(site, fake):
    fake.path = "/storage/v1/s3"
    site.server.add_bucket("videos", fake.endpoint.replace("127.0.0.1", "LOCALHOST.") + "/storage/v1/s3/", fake.access_key,
                           fake.secret_key)
    bucket, = json.loads(site.server.cli("bucket", "list", "--json"))
    assert bucket["endpoint"] == f"http://localhost:{fake.port}/storage/v1/s3"
    for name, size in (("film.mp4", 20 * 1024 * KIB), ("short.mp4", KIB)):
        digest = make_file(site.files / name, size)
        site.wait_for(site.queue(name, "videos"), "completed", within_s=60)
        assert sha256(fake.object("videos", name).body) == digest
    assert all(one.target.startswith("/storage/v1/s3/videos") for one in fake.requests)

"""No multipart upload of ours stays open, whatever happens between Create and the end, and nobody else's is ever aborted."""

import datetime
import random

import pytest

from proxy import Proxy
from support import MIB, make_file, sha256, wait_until

NO_FAULT = {"about": "no fault", "rules": []}
SIZE = 17 * MIB  # two parts
SOON = "[litter]\nretry_s = 1\ngrace_s = 1"


def rule(operation, fault, **more):
    return {"about": "test", "rules": [{"operation": operation, "fault": fault, **more}]}


@pytest.fixture
def litter_site(new_site, fake):
    """A site that removes abandoned uploads at once, with a bucket and a file of two parts, `film.mp4`."""
    site = new_site(extra=SOON)
    site.use(fake, "videos")
    site.digest = make_file(site.files / "film.mp4", SIZE)
    return site


def litter(site) -> str:
    return site.server.cli("bucket", "litter")


def foreign_upload(fake, *, principal="arn:aws:iam::1:user/another", part=False, ago_s=0, key="film.mp4"):
    made = fake.store.create("videos", key, {}, principal)
    made.initiated -= datetime.timedelta(seconds=ago_s)
    if part:
        fake.store.put_part("videos", key, made.upload_id, 1, {}, b"theirs")
    return made.upload_id


def nothing_of_ours(site, fake, but=(), within_s=20):
    """Waits until only `but` is open, and until nothing is left to do."""
    wait_until(lambda: {one.upload_id for one in fake.open_uploads()} == set(but), within_s,
               f"no multipart upload of ours is open\n{site.server.logs()[-4000:]}")
    wait_until(lambda: "no multipart uploads wait" in litter(site), within_s, "the ledger has nothing to do")


@pytest.mark.parametrize("effect", [pytest.param(False, id="before_it_is_done"), pytest.param(True, id="after")])
def test_D36_killed_while_create_is_under_way(litter_site, fake, effect):
    site = litter_site
    fake.play(rule("CreateMultipartUpload", {"hold": True, "effect": effect}))
    upload_id = site.queue("film.mp4", "videos")
    wait_until(lambda: fake.seen("CreateMultipartUpload", stored=effect), 20, "Create is under way")
    site.server.kill9()
    fake.play(NO_FAULT)
    assert len(fake.open_uploads()) == effect
    site.server.start()
    site.wait_for(upload_id, "completed")
    assert sha256(fake.object("videos", "film.mp4").body) == site.digest
    nothing_of_ours(site, fake)


def test_D36_answers_that_are_lost(litter_site, fake):
    """Every Create works and no answer comes, until the attempts of the request are used up; then all is well."""
    site = litter_site
    fake.play(rule("CreateMultipartUpload", {"drop": "before_response"}, nth=[1, 2, 3]))
    upload_id = site.queue("film.mp4", "videos")
    site.wait_for(upload_id, "completed")
    assert len(fake.seen("CreateMultipartUpload", stored=True)) >= 4
    nothing_of_ours(site, fake)


def test_D36_an_answer_that_is_lost_on_a_connection_used_before(litter_site, fake):
    """Here libcurl would send Create a second time by itself, and the first would stay open unnoticed."""
    site = litter_site
    make_file(site.files / "small.mp4", 1000)
    site.wait_for(site.queue("small.mp4", "videos"), "completed")
    fake.play(rule("CreateMultipartUpload", {"drop": "before_response"}, nth=1))
    site.wait_for(site.queue("film.mp4", "videos"), "completed")
    assert len(fake.seen("CreateMultipartUpload", stored=True)) == 2
    nothing_of_ours(site, fake)


def test_D36_D37_D38_D39_killed_at_random(litter_site, fake):
    """Killed a random moment after a random request began; whatever that was, nothing of ours is left in the end."""
    site = litter_site
    seed = random.randrange(2**32)
    dice = random.Random(seed)
    theirs = [foreign_upload(fake, part=True), foreign_upload(fake)]
    uploads = []
    for _ in range(6):
        doomed = dice.random() < 0.5
        fault = {"status": 403, "code": "AccessDenied"} if doomed else {"delay_s": 0.05}
        fake.play(rule("CompleteMultipartUpload", fault, nth=1))
        uploads.append(site.queue("film.mp4", "videos"))
        begun, after = len(fake.requests), dice.randint(1, 7)
        # One that three crashes have ended is looked for 30 s more, where its Complete may have worked; the rest waits for it.
        wait_until(lambda: len(fake.requests) >= begun + after or site.api.status(uploads[-1])["finished"], 90,
                   f"something happens (seed {seed})")
        wait_s = dice.random() * 0.03
        moment = datetime.datetime.now() + datetime.timedelta(seconds=wait_s)
        wait_until(lambda: datetime.datetime.now() >= moment, 1, "a moment passes", poll_s=0.001)
        site.server.kill9()
        site.server.start()
    fake.play(NO_FAULT)
    for upload_id in uploads:
        wait_until(lambda: site.api.status(upload_id)["finished"], 90, f"upload {upload_id} ends (seed {seed})")
    nothing_of_ours(site, fake, but=theirs)


def test_D39_D46_an_abort_that_fails_ten_times(litter_site, fake):
    """Five tries at the end of the upload and more behind it, over a kill, until the store lets go."""
    site = litter_site
    fake.play({"about": "test", "rules": [
        {"operation": "UploadPart", "fault": {"status": 403, "code": "AccessDenied"}},
        {"operation": "AbortMultipartUpload", "nth": list(range(1, 8)),
         "fault": {"status": 500, "code": "InternalError"}},
        {"operation": "AbortMultipartUpload", "nth": [8, 9], "fault": {"drop": "before_response", "effect": False}},
        {"operation": "AbortMultipartUpload", "nth": 10, "fault": {"status": 403, "code": "AccessDenied"}}]})
    upload_id = site.queue("film.mp4", "videos")
    site.wait_for(upload_id, "failed")
    wait_until(lambda: "InternalError" in litter(site), 10, "the operator is told")
    aborts = len(fake.seen("AbortMultipartUpload"))
    site.server.kill9()
    site.server.start()
    wait_until(lambda: len(fake.seen("AbortMultipartUpload")) > aborts, 20, "it is tried again after a crash")
    nothing_of_ours(site, fake, within_s=40)
    assert len(fake.seen("AbortMultipartUpload", stored=True)) == 1
    assert not fake.has_object("videos", "film.mp4")


def test_D39_killed_during_the_abort(litter_site, fake):
    site = litter_site
    fake.play({"about": "test", "rules": [
        {"operation": "UploadPart", "fault": {"status": 403, "code": "AccessDenied"}},
        {"operation": "AbortMultipartUpload", "fault": {"hold": True}}]})
    upload_id = site.queue("film.mp4", "videos")
    wait_until(lambda: fake.seen("AbortMultipartUpload"), 20, "the abort is under way")
    site.server.kill9()
    fake.play(rule("UploadPart", {"status": 403, "code": "AccessDenied"}))
    site.server.start()
    site.wait_for(upload_id, "failed")
    nothing_of_ours(site, fake)


def test_D37_one_that_crashes_repeatedly_leaves_nothing(litter_site, fake):
    site = litter_site
    fake.play(rule("UploadPart", {"hold": True}))
    upload_id = site.queue("film.mp4", "videos")
    for crash in range(3):
        wait_until(lambda: len(fake.seen("UploadPart")) > 2 * crash, 20, "a part is under way")
        site.server.kill9()
        fake.play(rule("UploadPart", {"hold": True}))
        site.server.start()
    assert site.wait_for(upload_id, "failed")["error"]["code"] == "crashed_repeatedly"
    nothing_of_ours(site, fake)


def test_D47_foreign_uploads_to_the_same_key_stay(litter_site, fake):
    """Older ones, ones with parts, ones of another principal, and ones for keys that only begin alike."""
    site = litter_site
    theirs = [foreign_upload(fake, principal="arn:aws:iam::1:user/FAKEACCESSKEY", ago_s=60), foreign_upload(fake),
              foreign_upload(fake, principal="arn:aws:iam::1:user/FAKEACCESSKEY", key="film.mp4.bak")]
    fake.play(rule("CreateMultipartUpload", {"hold": True, "effect": True}))
    upload_id = site.queue("film.mp4", "videos")
    wait_until(lambda: fake.seen("CreateMultipartUpload", stored=True), 20, "Create is done, unanswered")
    site.server.kill9()
    fake.play(NO_FAULT)
    theirs += [foreign_upload(fake), foreign_upload(fake, principal="arn:aws:iam::1:user/FAKEACCESSKEY", part=True)]
    site.server.start()
    site.wait_for(upload_id, "completed")
    nothing_of_ours(site, fake, but=theirs)
    aborted = {one.query["uploadId"] for one in fake.seen("AbortMultipartUpload")}
    assert aborted and not aborted & set(theirs), "only what we opened was ever asked to go"


def test_D47_what_could_be_somebody_elses_stays(new_site, fake):
    """A store that names no initiators, and one upload more than ours can be: none is aborted until it is clear whose it is."""
    fake.tells_initiators = False
    site = new_site(extra=SOON)
    site.use(fake, "videos")
    make_file(site.files / "film.mp4", SIZE)
    fake.play(rule("CreateMultipartUpload", {"hold": True, "effect": True}))
    upload_id = site.queue("film.mp4", "videos")
    wait_until(lambda: fake.seen("CreateMultipartUpload", stored=True), 20, "Create is done, unanswered")
    theirs = foreign_upload(fake, principal=None)
    site.server.kill9()
    fake.play(NO_FAULT)
    site.server.start()
    site.wait_for(upload_id, "completed")
    wait_until(lambda: "are open that could be ours" in litter(site), 20, "the operator is told")
    assert len(fake.open_uploads()) == 2 and not fake.seen("AbortMultipartUpload")
    fake.store.put_part("videos", "film.mp4", theirs, 1, {}, b"theirs")
    nothing_of_ours(site, fake, but=[theirs])


def test_D36_without_the_right_to_list_it_is_kept_and_told(litter_site, fake):
    site = litter_site
    denied = {"operation": "ListMultipartUploads", "fault": {"status": 403, "code": "AccessDenied"}}
    fake.play({"about": "test", "rules": [
        {"operation": "CreateMultipartUpload", "nth": 1, "fault": {"drop": "before_response"}}, denied]})
    upload_id = site.queue("film.mp4", "videos")
    site.wait_for(upload_id, "completed")
    wait_until(lambda: "ListBucketMultipartUploads" in litter(site), 20, "the operator is told what is missing")
    fake.play(NO_FAULT)
    nothing_of_ours(site, fake)


def test_D36_D47_against_radosgw(new_site, rgw, rgw_bucket):
    """A real store: what was opened without an answer is found and aborted, what somebody else sends parts to stays."""
    key = {"Bucket": rgw_bucket, "Key": "film.mp4"}
    with Proxy(rgw.endpoint) as proxy:
        site = new_site(extra=SOON)
        site.server.add_bucket(rgw_bucket, proxy.endpoint, rgw.access_key, rgw.secret_key, region=rgw.region)
        make_file(site.files / "film.mp4", SIZE)
        creates = []
        proxy.loses = lambda seen: seen.method == "POST" and seen.target.endswith("?uploads=") and not creates.append(seen)
        upload_id = site.queue("film.mp4", rgw_bucket)
        wait_until(lambda: creates, 20, "a Create is lost")
        proxy.loses = lambda seen: False
        theirs = rgw.client.create_multipart_upload(**key)["UploadId"]
        rgw.client.upload_part(**key, UploadId=theirs, PartNumber=1, Body=b"theirs")
        site.wait_for(upload_id, "completed")

        def open_ids():
            return [one["UploadId"] for one in rgw.client.list_multipart_uploads(Bucket=rgw_bucket).get("Uploads", [])]

        wait_until(lambda: open_ids() == [theirs], 30, f"only theirs is open\n{site.server.logs()[-4000:]}")
        wait_until(lambda: "no multipart uploads wait" in litter(site), 20, "the ledger has nothing to do")
        assert open_ids() == [theirs]

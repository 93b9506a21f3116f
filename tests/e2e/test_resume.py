"""After kill -9 or a stop an upload resumes: no finished part is sent twice, and the object is whole."""

import collections
import types

import pytest

from proxy import Proxy
from support import MIB, make_file, sha256, wait_until

PART = 16 * MIB
SIZE = 5 * PART + 1000  # six parts
NO_FAULT = {"about": "no fault", "rules": []}


def part_rule(fault, **more):
    return {"about": "test", "rules": [{"operation": "UploadPart", "fault": fault, **more}]}


@pytest.fixture
def slow_site(new_site):
    """Sends two parts at a time, so that the first ones are done while later ones wait."""
    return new_site(parts=2)


def begin(site, fake, fault, if_part_above, complete_again="ok"):
    """Queues the file and waits until the parts up to `if_part_above` are confirmed and the others meet the fault."""
    fake.play({**part_rule(fault, if_part_above=if_part_above), "store": {"complete_again": complete_again}})
    site.use(fake, "videos")
    digest = make_file(site.files / "film.mp4", SIZE)
    upload_id = site.queue("film.mp4", "videos", metadata={"param1": "value1"})
    wait_until(lambda: site.api.status(upload_id)["bytes_sent"] == if_part_above * PART, 20,
               "the first parts are confirmed")
    wait_until(lambda: len(fake.seen("UploadPart")) >= if_part_above + 2, 10, "the next parts are under way")
    return upload_id, digest


def check_whole(site, fake, upload_id, digest, within_s=40):
    upload = site.wait_for(upload_id, "completed", within_s=within_s)
    stored = fake.object("videos", "film.mp4")
    assert sha256(stored.body) == digest and stored.headers["x-amz-meta-param1"] == "value1"
    assert upload["bytes_sent"] == upload["size"] == SIZE and upload["percent"] == 100
    assert not fake.open_uploads()
    return upload


def stored_times(fake) -> collections.Counter:
    return collections.Counter(one.part for one in fake.seen("UploadPart", stored=True))


def test_D37_kill_in_the_middle(slow_site, fake):
    upload_id, digest = begin(slow_site, fake, {"hold": True}, if_part_above=2)
    slow_site.server.kill9()
    fake.play(NO_FAULT)
    before = len(fake.requests)
    slow_site.server.start()
    check_whole(slow_site, fake, upload_id, digest)
    again = [one.part for one in fake.requests[before:] if one.operation == "UploadPart"]
    assert sorted(again) == [3, 4, 5, 6], "parts 1 and 2 were finished, each other one is sent once"
    assert set(stored_times(fake).values()) == {1} and len(fake.seen("CreateMultipartUpload")) == 1
    assert [one.operation for one in fake.requests[before:]].index("ListParts") == 0, "the store is asked what it has"


@pytest.mark.parametrize("status,code", [(403, "AccessDenied"), (405, "MethodNotAllowed"), (501, "NotImplemented")])
def test_D37_kill_before_a_store_that_lists_no_parts(slow_site, fake, status, code):
    """The parts on record do: none of them is sent again."""
    upload_id, digest = begin(slow_site, fake, {"hold": True}, if_part_above=2)
    slow_site.server.kill9()
    fake.play({"about": "lists nothing", "rules": [{"operation": "ListParts", "fault": {"status": status, "code": code}}]})
    before = len(fake.requests)
    slow_site.server.start()
    check_whole(slow_site, fake, upload_id, digest)
    assert fake.seen("ListParts"), "the store was asked"
    again = [one.part for one in fake.requests[before:] if one.operation == "UploadPart"]
    assert sorted(again) == [3, 4, 5, 6] and len(fake.seen("CreateMultipartUpload")) == 1


def test_D37_kill_when_parts_arrived_but_were_not_journaled(slow_site, fake):
    """The store has parts 3 to 6, but their answers never came: they are recognised by their checksums."""
    upload_id, digest = begin(slow_site, fake, {"hold": True, "effect": True}, if_part_above=2)
    wait_until(lambda: len(fake.seen("UploadPart", stored=True)) == 6, 10, "parts 3 to 6 are stored")
    slow_site.server.kill9()
    fake.play(NO_FAULT)
    slow_site.server.start()
    check_whole(slow_site, fake, upload_id, digest)
    assert stored_times(fake) == {number: 1 for number in range(1, 7)}


def test_D37_kill_again_and_again(slow_site, fake):
    upload_id, digest = begin(slow_site, fake, {"hold": True}, if_part_above=1)
    for done in (2, 3, 4):
        slow_site.server.kill9()
        fake.play(part_rule({"hold": True}, if_part_above=done))
        slow_site.server.start()
        wait_until(lambda: slow_site.api.status(upload_id)["bytes_sent"] == done * PART, 20,
                   f"{done} parts are confirmed")
    slow_site.server.kill9()
    fake.play(NO_FAULT)
    slow_site.server.start()
    check_whole(slow_site, fake, upload_id, digest)
    assert stored_times(fake) == {number: 1 for number in range(1, 7)}


@pytest.mark.parametrize("complete_again", ["ok", "no_such_upload"])
def test_D05_D08_D38_kill_when_the_object_is_complete_but_unconfirmed(slow_site, fake, complete_again):
    """Complete took effect, but its answer was lost: the token shows that the object is ours."""
    fake.play({"about": "test", "store": {"complete_again": complete_again},
               "rules": [{"operation": "CompleteMultipartUpload", "fault": {"hold": True, "effect": True}}]})
    slow_site.use(fake, "videos")
    digest = make_file(slow_site.files / "film.mp4", SIZE)
    upload_id = slow_site.queue("film.mp4", "videos", metadata={"param1": "value1"})
    wait_until(lambda: fake.seen("CompleteMultipartUpload", stored=True), 20, "the object is complete")
    slow_site.server.kill9()
    fake.play(NO_FAULT)
    slow_site.server.start()
    check_whole(slow_site, fake, upload_id, digest)
    assert stored_times(fake) == {number: 1 for number in range(1, 7)}, "nothing was sent again"
    assert len(fake.seen("CreateMultipartUpload")) == 1


@pytest.mark.parametrize("same_bytes", [False, True], ids=["other bytes", "same bytes"])
def test_D06_another_object_at_the_key_is_not_ours(slow_site, fake, same_bytes):
    """As above, but another program's object is there, of the same size or even with the same bytes: it does not have our
    token, and must not pass for ours (its metadata are not ours either)."""
    fake.play({"about": "test", "store": {"complete_again": "no_such_upload"},
               "rules": [{"operation": "CompleteMultipartUpload", "fault": {"hold": True}}]})
    slow_site.use(fake, "videos")
    digest = make_file(slow_site.files / "film.mp4", SIZE)
    upload_id = slow_site.queue("film.mp4", "videos", metadata={"param1": "value1"})
    complete = wait_until(lambda: fake.seen("CompleteMultipartUpload"), 20, "all parts are there")[0]
    slow_site.server.kill9()
    fake.play(NO_FAULT)
    ours, = fake.open_uploads()
    parts = [{"PartNumber": str(number), "ETag": part.etag} for number, part in sorted(ours.parts.items())]
    theirs = fake.store.complete("videos", "film.mp4", complete.query["uploadId"], {}, parts)
    theirs.headers = {}
    if not same_bytes:
        fake.store.put("videos", "film.mp4", {}, {}, bytes(SIZE))
    slow_site.server.start()
    # The store might still be at it: half a minute passes before the file is sent again.
    check_whole(slow_site, fake, upload_id, digest, within_s=90)


def test_D11_the_multipart_upload_vanished(slow_site, fake):
    upload_id, digest = begin(slow_site, fake, {"hold": True}, if_part_above=2)
    slow_site.server.kill9()
    for one in fake.open_uploads():
        fake.store.abort(one.bucket, one.key, one.upload_id)
    fake.play(NO_FAULT)
    slow_site.server.start()
    check_whole(slow_site, fake, upload_id, digest)
    assert len(fake.seen("CreateMultipartUpload")) == 2


@pytest.mark.parametrize("new_size", [SIZE, SIZE - PART, 1000], ids=["same size", "shorter", "small"])
def test_the_source_changed_meanwhile(slow_site, fake, new_size):
    """Old and new bytes never mix: the new version is uploaded from its beginning."""
    upload_id, _ = begin(slow_site, fake, {"hold": True}, if_part_above=2)
    slow_site.server.kill9()
    digest = make_file(slow_site.files / "film.mp4", new_size)
    fake.play(NO_FAULT)
    slow_site.server.start()
    upload = slow_site.wait_for(upload_id, "completed", within_s=40)
    assert sha256(fake.object("videos", "film.mp4").body) == digest and upload["size"] == new_size
    assert not fake.open_uploads(), "what was begun with the old version is taken back"


def test_the_source_is_gone_meanwhile(slow_site, fake):
    upload_id, _ = begin(slow_site, fake, {"hold": True}, if_part_above=2)
    slow_site.server.kill9()
    (slow_site.files / "film.mp4").unlink()
    fake.play(NO_FAULT)
    slow_site.server.start()
    upload = slow_site.wait_for(upload_id, "failed")
    assert upload["error"]["code"] == "source_missing" and "film.mp4" in upload["error"]["message"]
    wait_until(lambda: not fake.open_uploads(), 10, "what was begun is taken back")
    assert not fake.has_object("videos", "film.mp4")


def test_the_source_changes_during_the_upload(slow_site, fake):
    upload_id, _ = begin(slow_site, fake, {"delay_s": 1.0}, if_part_above=2)
    digest = make_file(slow_site.files / "film.mp4", SIZE, in_place=True)
    upload = slow_site.wait_for(upload_id, "completed", "failed", within_s=40)
    if upload["state"] == "completed":
        assert sha256(fake.object("videos", "film.mp4").body) == digest
    else:
        assert upload["error"]["code"] == "source_changed" and not fake.has_object("videos", "film.mp4")
    wait_until(lambda: not fake.open_uploads(), 10, "nothing is left open")


def test_D40_stop_and_start(slow_site, fake):
    """SIGTERM: the server ends soon although parts hang, and the upload resumes after a restart."""
    upload_id, digest = begin(slow_site, fake, {"hold": True}, if_part_above=2)
    slow_site.server.stop(within_s=30)
    fake.play(NO_FAULT)
    slow_site.server.start()
    upload = check_whole(slow_site, fake, upload_id, digest)
    assert stored_times(fake) == {number: 1 for number in range(1, 7)}
    assert not upload["error"], "a stop is no failure"


def test_D37_kill_in_the_middle_against_radosgw(slow_site, rgw, rgw_bucket):
    with Proxy(rgw.endpoint, bytes_per_s=16 * MIB) as proxy:
        slow_site.use(types.SimpleNamespace(endpoint=proxy.endpoint, access_key=rgw.access_key,
                                            secret_key=rgw.secret_key), rgw_bucket)
        digest = make_file(slow_site.files / "film.mp4", SIZE)
        upload_id = slow_site.queue("film.mp4", rgw_bucket)
        wait_until(lambda: slow_site.api.status(upload_id)["bytes_sent"] >= 2 * PART, 30, "two parts are confirmed")
        slow_site.server.kill9()
        proxy.cut()
        multipart, = rgw.client.list_multipart_uploads(Bucket=rgw_bucket)["Uploads"]
        there = [one["PartNumber"] for one in rgw.client.list_parts(
            Bucket=rgw_bucket, Key="film.mp4", UploadId=multipart["UploadId"])["Parts"]]
        assert 2 <= len(there) < 6, "the kill came too late to prove anything"
        before = len(proxy.parts())
        proxy.bytes_per_s = None
        slow_site.server.start()
        slow_site.wait_for(upload_id, "completed", within_s=40)
        again = proxy.parts()[before:]
        assert not set(again) & set(there), "a finished part was sent twice"
        # A part whose bytes had all passed may have become whole after it was listed: then it is not sent again either.
        assert len(again) == len(set(again)) and set(again) <= set(range(1, 7)) - set(there)
    assert sha256(rgw.client.get_object(Bucket=rgw_bucket, Key="film.mp4")["Body"].read()) == digest
    assert "Uploads" not in rgw.client.list_multipart_uploads(Bucket=rgw_bucket)

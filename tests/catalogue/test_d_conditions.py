"""Writes under If-None-Match: what follows from the store's refusals."""

import pytest

from support import KIB, MIB, make_file, sha256, wait_until

SIZES = pytest.mark.parametrize("size,operation", [(KIB, "PutObject"), (17 * MIB, "CompleteMultipartUpload")],
                                ids=["whole", "in parts"])


def refused(operation, status, code, **rule):
    return {"about": f"{operation} is answered {status}",
            "rules": [{"operation": operation, "fault": {"status": status, "code": code, "effect": False}} | rule]}


def queue(site, fake, size, **fields):
    site.use(fake, "videos")
    digest = make_file(site.files / "film.mp4", size)
    return site.queue("film.mp4", "videos", **fields), digest


@SIZES
def test_D10_412_where_no_object_is_found_is_tried_again_later(site, fake, size, operation):
    fake.play(refused(operation, 412, "PreconditionFailed"))
    upload_id, _ = queue(site, fake, size, overwrite="fail")
    upload = wait_until(lambda: (one := site.api.status(upload_id))["error"] and one, 20, "the attempt has ended")
    assert (upload["state"], upload["error"]["code"]) == ("queued", "s3_conflict") and upload["next_attempt"]
    assert len(fake.seen(operation)) >= 2 and not fake.has_object("videos", "film.mp4")


@SIZES
def test_D10_409_is_a_fresh_upload_once(site, fake, size, operation):
    fake.play(refused(operation, 409, "ConditionalRequestConflict", nth=1))
    upload_id, digest = queue(site, fake, size, overwrite="fail")
    site.wait_for(upload_id, "completed")
    assert sha256(fake.object("videos", "film.mp4").body) == digest and not fake.open_uploads()
    if operation == "CompleteMultipartUpload":
        assert len(fake.seen("CreateMultipartUpload")) == 2, "all parts are sent again"
    assert all(one.headers.get("if-none-match") == "*" for one in fake.seen(operation))


@SIZES
def test_D10_an_object_that_comes_meanwhile_is_not_replaced(site, fake, size, operation):
    fake.play({"about": "the first look finds nothing", "rules": [
        {"operation": "HeadObject", "nth": 1, "fault": {"status": 404, "code": "NoSuchKey", "effect": False}}]})
    fake.create_bucket("videos")
    fake.store.put("videos", "film.mp4", {}, {}, b"somebody else's")
    upload_id, _ = queue(site, fake, size, overwrite="fail")
    upload = site.wait_for(upload_id, "failed", within_s=60)
    assert upload["error"]["code"] == "destination_exists"
    assert [one.error for one in fake.seen(operation)] == ["PreconditionFailed"], "the store itself refused it"
    assert fake.object("videos", "film.mp4").body == b"somebody else's" and not fake.open_uploads()


@SIZES
def test_D10_a_lost_answer_is_no_object_of_somebody_else(site, fake, size, operation):
    fake.play({"about": "the answer is lost", "rules": [{"operation": operation, "nth": 1,
                                                         "fault": {"drop": "before_response"}}]})
    upload_id, digest = queue(site, fake, size, overwrite="fail")
    upload = site.wait_for(upload_id, "completed", within_s=60)
    assert upload["acl_applied"] == "private" and not upload["kept"]
    assert sha256(fake.object("videos", "film.mp4").body) == digest


@SIZES
def test_D10_a_store_without_conditions_is_written_to_without(site, fake, size, operation):
    fake.play(refused(operation, 501, "NotImplemented", if_header="if-none-match"))
    upload_id, digest = queue(site, fake, size, overwrite="fail")
    site.wait_for(upload_id, "completed")
    assert sha256(fake.object("videos", "film.mp4").body) == digest

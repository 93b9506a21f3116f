"""Visibility: private sends no ACL header; a bucket may refuse public-read."""

import pytest

from support import KIB, MIB, make_file

SIZES = pytest.mark.parametrize("size,operation", [(KIB, "PutObject"), (17 * MIB, "CreateMultipartUpload")],
                                ids=["whole", "parts"])
REFUSALS = pytest.mark.parametrize("status,code", [(400, "AccessControlListNotSupported"), (403, "AccessDenied")],
                                   ids=["bucket owner enforced", "block public access"])


def refuse_acls(status, code):
    return {"about": "refuses ACLs", "rules": [
        {"operation": operation, "if_header": "x-amz-acl", "fault": {"status": status, "code": code}}
        for operation in ("PutObject", "CreateMultipartUpload")]}


@SIZES
@pytest.mark.parametrize("fields", [{}, {"acl": "private"}], ids=["absent", "private"])
def test_private_sends_no_header(site, fake, size, operation, fields):
    fake.play(refuse_acls(400, "AccessControlListNotSupported"))
    site.use(fake, "videos")
    make_file(site.files / "film.mp4", size)
    answer = site.api.call("aws.upload", path="sestore4/jb/film.mp4", destination_path="film.mp4", metadata={},
                           bucket="videos", callback="", **fields)
    upload = site.wait_for(answer.data, "completed")
    assert (upload["acl"], upload["acl_applied"]) == ("private", "private")
    assert fake.seen(operation) and not [one for one in fake.requests if "x-amz-acl" in one.headers]


@SIZES
def test_public_read_sends_one(site, fake, size, operation):
    site.use(fake, "videos")
    make_file(site.files / "film.mp4", size)
    upload = site.wait_for(site.queue("film.mp4", "videos", acl="public-read"), "completed")
    assert (upload["acl"], upload["acl_applied"]) == ("public-read", "public-read")
    assert [one.operation for one in fake.requests if one.headers.get("x-amz-acl") == "public-read"] == [operation]
    assert fake.object("videos", "film.mp4").headers["x-amz-acl"] == "public-read"


@SIZES
@REFUSALS
def test_refused_fails_with_the_fix(site, fake, size, operation, status, code):
    fake.play(refuse_acls(status, code))
    site.use(fake, "videos")
    make_file(site.files / "film.mp4", size)
    upload = site.wait_for(site.queue("film.mp4", "videos", acl="public-read"), "failed")
    assert upload["error"]["code"] == "s3_acl_refused" and not upload["error"]["retryable"]
    for word in ("videos", "acl=private", "Object Ownership"):
        assert word in upload["error"]["message"], upload["error"]
    assert "--acl-policy" not in upload["error"]["message"], "a customer has no such command"
    assert "--acl-policy private" in site.server.cli("status", upload["id"]).replace("\n", " ")
    assert upload["acl_applied"] is None and not fake.has_object("videos", "film.mp4") and not fake.open_uploads()
    assert len(fake.seen(operation)) == 1, "what will not pass is not tried again"


@SIZES
@REFUSALS
def test_policy_private_falls_back(site, fake, size, operation, status, code):
    fake.play(refuse_acls(status, code))
    site.use(fake, "videos", acl_policy="private")
    digest_of = make_file(site.files / "film.mp4", size)
    upload = site.wait_for(site.queue("film.mp4", "videos", acl="public-read"), "completed")
    assert (upload["acl"], upload["acl_applied"]) == ("public-read", "private") and not upload["error"]
    assert "x-amz-acl" not in fake.object("videos", "film.mp4").headers and digest_of
    warnings = [line for line in site.server.logs().splitlines() if "public-read" in line and '"warn' in line]
    assert warnings, "the operator is told"

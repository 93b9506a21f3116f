"""Buckets with settings of their own, at a real store."""

import uuid

import pytest

from support import KIB, MIB, make_file, sha256

SIZES = pytest.mark.parametrize("size", [KIB, 17 * MIB], ids=["whole", "in parts"])


@SIZES
def test_D53_versions_are_kept_and_told(site, rgw, rgw_bucket, size):
    rgw.client.put_bucket_versioning(Bucket=rgw_bucket, VersioningConfiguration={"Status": "Enabled"})
    site.use(rgw, rgw_bucket)
    versions = {}
    for number in range(2):
        digest = make_file(site.files / f"film-{number}.mp4", size + number)
        upload = site.wait_for(site.queue(f"film-{number}.mp4", rgw_bucket, "film.mp4"), "completed")
        versions[upload["version_id"]] = digest
    assert len(versions) == 2 and None not in versions, "each tells the version that it made"
    for version, digest in versions.items():
        stored = rgw.client.get_object(Bucket=rgw_bucket, Key="film.mp4", VersionId=version)["Body"].read()
        assert sha256(stored) == digest


@SIZES
def test_D53_object_lock_with_a_default_retention(site, rgw, size):
    bucket = f"locked-{uuid.uuid4().hex[:12]}"
    rgw.client.create_bucket(Bucket=bucket, ObjectLockEnabledForBucket=True)
    rgw.client.put_object_lock_configuration(Bucket=bucket, ObjectLockConfiguration={
        "ObjectLockEnabled": "Enabled", "Rule": {"DefaultRetention": {"Mode": "GOVERNANCE", "Days": 1}}})
    site.use(rgw, bucket)
    digest = make_file(site.files / "film.mp4", size)
    upload = site.wait_for(site.queue("film.mp4", bucket), "completed")
    assert upload["version_id"]
    head = rgw.client.head_object(Bucket=bucket, Key="film.mp4")
    assert head["ObjectLockMode"] == "GOVERNANCE"
    assert sha256(rgw.client.get_object(Bucket=bucket, Key="film.mp4")["Body"].read()) == digest


def test_D53_requester_pays_is_a_clear_failure(site, fake):
    """The store asks for a header by which the requester takes the costs: nobody agreed to that here."""
    fake.play({"about": "requester pays", "rules": [{"operation": "PutObject", "fault": {
        "status": 403, "code": "AccessDenied", "message": "Access Denied: Requester Pays bucket"}}]})
    site.use(fake, "videos")
    make_file(site.files / "film.mp4", KIB)
    upload = site.wait_for(site.queue("film.mp4", "videos"), "failed")
    assert upload["error"]["code"] == "s3_access_denied" and "Requester Pays" in upload["error"]["message"]

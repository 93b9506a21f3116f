"""Group (d): credentials that expire while an upload runs."""

from support import MIB, make_file, sha256, wait_until


def test_D24_credentials_expire_in_mid_upload(site, fake, aws):
    """Parts signed with what the store has dropped go out again with new credentials; nothing starts over."""
    site.server.environment = {"AWS_EC2_METADATA_SERVICE_ENDPOINT": aws.endpoint}
    site.server.restart()
    site.server.cli("bucket", "add", "--cdn", 158, "--bucket", "videos", "--endpoint", fake.endpoint, "--region",
                    "us-east-1", "--credentials", "instance")
    fake.play({"about": "slow parts", "rules": [{"operation": "UploadPart", "fault": {"delay_s": 0.2}}]})
    digest = make_file(site.files / "film.mp4", 64 * MIB)
    upload_id = site.queue("film.mp4", "videos")
    wait_until(lambda: fake.seen("UploadPart", stored=True), 20, "a part is there")
    aws.expire_all()
    done = site.wait_for(upload_id, "completed")
    assert sha256(fake.object("videos", "film.mp4").body) == digest
    assert done["attempts"] == 1 and len(fake.seen("CreateMultipartUpload")) == 1
    assert any(one.error == "ExpiredToken" for one in fake.requests), "the case was met"
    assert [issued.by for issued in aws.issued] == ["imds", "imds"], "all of them share one look-up"
    site.server.secrets += aws.secrets()

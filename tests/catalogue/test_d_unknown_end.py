"""Complete's answer is lost, and the store does not say either how it ended."""

import pytest

from support import MIB, make_file, sha256, wait_until

SIZE = 33 * MIB


def lost(*heads: dict) -> dict:
    """Complete works and its answer is lost; `heads` says how the HEADs after it are answered."""
    rules = [{"operation": "CompleteMultipartUpload", "nth": 1, "fault": {"drop": "before_response"}}]
    return {"about": "an end without an answer", "store": {"complete_again": "no_such_upload"},
            "rules": rules + [{"operation": "HeadObject", "fault": {"effect": False} | head} | more
                              for head, more in heads]}


@pytest.mark.parametrize("status,code", [(500, "InternalError"), (503, "ServiceUnavailable")])
def test_D07_it_stays_unknown_while_the_store_fails_and_is_found_after(site, fake, status, code):
    fake.play(lost(({"status": status, "code": code}, {})))
    site.use(fake, "videos")
    digest = make_file(site.files / "film.mp4", SIZE)
    upload_id = site.queue("film.mp4", "videos")
    waiting = wait_until(lambda: (one := site.api.status(upload_id))["next_attempt"] and one, 60, "the attempt is over")
    assert waiting["state"] == "queued" and waiting["error"]["retryable"], "neither completed nor failed"
    sent = len(fake.seen("UploadPart", stored=True))
    fake.play({"about": "no fault", "rules": []})
    upload = site.wait_for(upload_id, "completed", within_s=60)
    assert sha256(fake.object("videos", "film.mp4").body) == digest and upload["checksum"]
    assert len(fake.seen("UploadPart", stored=True)) == sent, "no byte was sent twice"


@pytest.mark.parametrize("status,code", [(403, "AccessDenied"), (404, "NoSuchKey")])
def test_D07_where_the_object_cannot_be_seen_it_is_sent_again(site, fake, status, code):
    fake.play(lost(({"status": status, "code": code}, {"nth": [1, 2, 3]})))
    site.use(fake, "videos")
    digest = make_file(site.files / "film.mp4", SIZE)
    upload = site.wait_for(site.queue("film.mp4", "videos"), "completed", within_s=90)
    assert sha256(fake.object("videos", "film.mp4").body) == digest and upload["checksum"]
    assert not fake.open_uploads()

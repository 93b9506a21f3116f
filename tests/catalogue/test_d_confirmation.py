"""An object that the store has, or will have in a moment, is found: it is not sent twice, and its upload does not fail."""

import pytest

from support import KIB, MIB, make_file, sha256, wait_until

WHOLE, PARTS = 300 * KIB, 33 * MIB
SIZES = pytest.mark.parametrize("size,operation", [(WHOLE, "PutObject"), (PARTS, "CompleteMultipartUpload")],
                                ids=["whole", "parts"])
NO_FAULT = {"about": "no fault", "rules": []}


def play(fake, *rules, **store):
    fake.play({"about": "test", "rules": list(rules), "store": store})


def sent(fake) -> int:
    return len(fake.seen("UploadPart", stored=True)) + len(fake.seen("PutObject", stored=True))


@SIZES
@pytest.mark.parametrize("head", [{"status": 400, "body": ""}, {"status": 503, "code": "SlowDown"}, {"status": 502, "body": "x"}],
                         ids=["bare_400", "503", "502"])
def test_D59_the_source_is_gone_and_the_object_is_there(site, fake, receiver, size, operation, head):
    play(fake, {"operation": operation, "fault": {"drop": "before_response"}},
         {"operation": "HeadObject", "fault": {"effect": False} | head})
    site.use(fake, "videos")
    fake.store.put("videos", "film.mp4", {}, {}, b"the old one")
    digest = make_file(site.files / "film.mp4", size)
    upload_id = site.queue("film.mp4", "videos", callback=receiver.url)
    wait_until(lambda: site.api.status(upload_id)["next_attempt"], 60, "the attempt is over")
    assert sha256(fake.object("videos", "film.mp4").body) == digest, "the object is replaced"
    (site.files / "film.mp4").unlink()
    before = sent(fake)
    wait_until(lambda: (one := site.api.status(upload_id))["error"]["code"] == "source_missing" and one, 40,
               "the source is missed")
    assert site.api.status(upload_id)["state"] == "queued", "no answer to HEAD is not the end"
    fake.play(NO_FAULT)
    upload = site.wait_for(upload_id, "completed", within_s=60)
    assert upload["size"] == size and upload["checksum"] == f"crc32c:{fake.object('videos', 'film.mp4').checksum}"
    assert not upload["error"] and sent(fake) == before and not fake.open_uploads()
    told = wait_until(lambda: receiver.received, 20, "the callback comes")[0].json
    assert told["data"]["state"] == "completed"


@SIZES
def test_D59_an_object_that_is_not_there_is_a_failure(site, fake, size, operation):
    play(fake, {"operation": operation, "fault": {"status": 403, "code": "AccessDenied"}})
    site.use(fake, "videos")
    fake.store.put("videos", "film.mp4", {}, {}, b"the old one")
    make_file(site.files / "film.mp4", size)
    upload = site.wait_for(site.queue("film.mp4", "videos"), "failed", within_s=20)
    assert upload["error"]["code"] == "s3_access_denied" and fake.object("videos", "film.mp4").body == b"the old one"


@SIZES
@pytest.mark.parametrize("status", [302, 400, 403, 404, 451, 499, 501])
def test_D59_a_proxy_refuses_what_the_store_has_done(site, fake, size, operation, status):
    play(fake, {"operation": operation, "nth": 1, "fault": {"status": status, "body": "<html>no</html>", "effect": True}},
         complete_again="no_such_upload")
    site.use(fake, "videos")
    fake.store.put("videos", "film.mp4", {}, {}, b"the old one")
    digest = make_file(site.files / "film.mp4", size)
    upload = site.wait_for(site.queue("film.mp4", "videos"), "completed", within_s=20)
    assert sha256(fake.object("videos", "film.mp4").body) == digest and not upload["error"] and not fake.open_uploads()


@SIZES
def test_D60_three_crashes_after_the_object_is_there(site, fake, size, operation):
    silence = {"about": "no answers", "rules": [{"operation": operation, "fault": {"hold": True, "effect": True}},
                                                {"operation": "HeadObject", "fault": {"hold": True}}]}
    fake.play(silence)
    site.use(fake, "videos")
    digest = make_file(site.files / "film.mp4", size)
    upload_id = site.queue("film.mp4", "videos")
    wait_until(lambda: fake.seen(operation, stored=True), 30, "the object is there")
    for crash in range(3):
        wait_until(lambda: len(fake.seen(operation)) + len(fake.seen("HeadObject")) > crash, 30, "it is asked for")
        site.server.kill9()
        fake.play(silence if crash < 2 else NO_FAULT)
        site.server.start()
    upload = site.wait_for(upload_id, "completed", within_s=60)
    assert sha256(fake.object("videos", "film.mp4").body) == digest and upload["size"] == size
    assert "crashed" in site.server.logs(), "the crashes would have been its end"


@pytest.mark.parametrize("lost", [False, True], ids=["answered", "answer_lost"])
@pytest.mark.parametrize("told", [{"without": ["content-length"]}, {"headers": {"content-length": "0"}}],
                         ids=["no_length", "length_0"])
def test_D61_head_tells_no_length(site, fake, lost, told):
    rules = [{"operation": "CompleteMultipartUpload", "nth": 1, "fault": {"drop": "before_response"}}] if lost else []
    play(fake, {"operation": "HeadObject", "fault": told}, *rules, complete_again="no_such_upload")
    site.use(fake, "videos")
    digest = make_file(site.files / "film.mp4", PARTS)
    upload = site.wait_for(site.queue("film.mp4", "videos"), "completed", within_s=40)
    assert upload["attempts"] == 1 and upload["size"] == PARTS
    assert len(fake.seen("CreateMultipartUpload")) == 1 and sent(fake) == 3
    assert sha256(fake.object("videos", "film.mp4").body) == digest


@pytest.mark.parametrize("ranged", ["200", "403"])
def test_D61_a_get_of_a_range_tells_no_length_either(site, fake, ranged):
    get = {"body": "too much"} if ranged == "200" else {"status": 403, "code": "AccessDenied"}
    play(fake, {"operation": "HeadObject", "fault": {"without": ["content-length"]}},
         *([{"operation": "GetObject", "fault": get}] if ranged == "403" else []))
    site.use(fake, "videos")
    make_file(site.files / "film.mp4", PARTS)
    upload = site.wait_for(site.queue("film.mp4", "videos"), "completed", within_s=40)
    assert upload["checksum"].startswith("crc32c:") and sent(fake) == 3


@pytest.mark.parametrize("lost", [False, True], ids=["answered", "answer_lost"])
@pytest.mark.parametrize("checksums", [True, False], ids=["crc32c", "md5"])
def test_D62_the_metadata_of_multipart_uploads_is_dropped(site, fake, lost, checksums):
    rules = [{"operation": "CompleteMultipartUpload", "nth": [1, 3], "fault": {"drop": "before_response"}}] if lost else []
    play(fake, *rules, multipart_metadata=False, checksums=checksums, complete_again="no_such_upload")
    site.use(fake, "videos")
    for name in ("one.mp4", "two.mp4"):
        digest = make_file(site.files / name, PARTS)
        upload = site.wait_for(site.queue(name, "videos", metadata={"a": "b"}), "completed", within_s=40)
        assert upload["attempts"] == 1 and sha256(fake.object("videos", name).body) == digest
    assert len(fake.seen("CreateMultipartUpload")) == 2 and sent(fake) == 6
    assert site.server.logs().count("drops the metadata") == 1, "it is said once"


@pytest.mark.parametrize("more", [[], ["content-length"], ["content-length", "etag"]], ids=["mark", "length", "etag"])
@pytest.mark.parametrize("etags", ["opaque", "random"])
def test_D62_a_cdn_drops_the_mark_of_what_must_be_read_back(site, fake, more, etags):
    """Nothing confirms the bytes, so the object is read back: a mark that is missing is not another's."""
    play(fake, {"operation": "HeadObject", "fault": {"without": ["x-amz-meta-vodlift-upload", *more]}},
         checksums=False, content_md5=False, etags=etags)
    site.use(fake, "videos")
    for name in ("one.mp4", "two.mp4"):
        digest = make_file(site.files / name, WHOLE)
        upload = site.wait_for(site.queue(name, "videos"), "completed", within_s=30)
        assert upload["checksum"].startswith("read-back-crc32c:") and upload["attempts"] == 1
        assert sha256(fake.object("videos", name).body) == digest
    assert len([one for one in fake.seen("PutObject", stored=True) if one.key == "two.mp4"]) == 1


def test_D62_a_mark_is_missing_and_the_answer_was_lost(site, fake):
    play(fake, {"operation": "PutObject", "fault": {"drop": "before_response"}},
         {"operation": "HeadObject", "fault": {"without": ["x-amz-meta-vodlift-upload"]}})
    site.use(fake, "videos")
    digest = make_file(site.files / "film.mp4", WHOLE)
    upload_id = site.queue("film.mp4", "videos")
    wait_until(lambda: site.api.status(upload_id)["next_attempt"], 60, "the attempt is over")
    (site.files / "film.mp4").unlink()
    site.wait_for(upload_id, "completed", within_s=40)
    assert sha256(fake.object("videos", "film.mp4").body) == digest


def test_D62_another_mark_is_another_upload(site, fake):
    play(fake, {"operation": "CompleteMultipartUpload", "fault": {"status": 500, "code": "InternalError"}})
    site.use(fake, "videos")
    digest = make_file(site.files / "film.mp4", PARTS)
    body = (site.files / "film.mp4").read_bytes()
    fake.store.put("videos", "film.mp4", {}, {"x-amz-meta-vodlift-upload": "another"}, body)
    upload_id = site.queue("film.mp4", "videos")
    wait_until(lambda: site.api.status(upload_id)["next_attempt"], 60, "the attempt is over")
    fake.play(NO_FAULT)
    site.wait_for(upload_id, "completed", within_s=40)
    assert fake.seen("CompleteMultipartUpload", stored=True), "its own object is put in place"
    assert sha256(fake.object("videos", "film.mp4").body) == digest


@pytest.mark.parametrize("hides", [True, False], ids=["the_parts_are_gone_meanwhile", "the_parts_are_listed_meanwhile"])
def test_D63_a_proxy_gives_up_and_the_store_goes_on(site, fake, hides):
    play(fake, {"operation": "CompleteMultipartUpload", "nth": 1,
                "fault": {"status": 504, "body": "<html>Gateway Timeout</html>", "late_s": 12}},
         *([] if hides else [{"operation": "CompleteMultipartUpload", "fault": {"status": 504, "body": "", "effect": False}}]),
         complete_again="no_such_upload", hides_late=hides)
    site.use(fake, "videos")
    digest = make_file(site.files / "film.mp4", PARTS)
    upload = site.wait_for(site.queue("film.mp4", "videos"), "completed", within_s=60)
    assert len(fake.seen("CreateMultipartUpload")) == 1 and sent(fake) == 3, "one transfer"
    assert sha256(fake.object("videos", "film.mp4").body) == digest and not fake.open_uploads()
    assert upload["bytes_sent"] == PARTS


@pytest.mark.parametrize("status", [400, 200], ids=["refused", "refused_after_200"])
@pytest.mark.parametrize("code", ["BadDigest", "InvalidRequest"])
def test_D12_the_checksum_of_the_whole_is_refused_at_complete(site, fake, code, status):
    play(fake, {"operation": "CompleteMultipartUpload", "if_header": "x-amz-checksum-crc32c",
                "fault": {"status": status, "code": code}})
    site.use(fake, "videos")
    for name, creates in (("one.mp4", 2), ("two.mp4", 3)):
        digest = make_file(site.files / name, PARTS)
        upload = site.wait_for(site.queue(name, "videos"), "completed", within_s=40)
        assert upload["attempts"] == 1 and upload["checksum"].startswith("etag-md5:")
        assert sha256(fake.object("videos", name).body) == digest
        assert len(fake.seen("CreateMultipartUpload")) == creates, "it starts over once, and the next one does not"
    assert not fake.open_uploads()


@pytest.mark.parametrize("status,code", [(400, "InvalidRequest"), (400, "InvalidArgument"), (501, "NotImplemented")])
@pytest.mark.parametrize("learned", [True, False], ids=["taken_before", "at_first"])
@pytest.mark.parametrize("size,operation", [(WHOLE, "PutObject"), (PARTS, "UploadPart")], ids=["whole", "parts"])
def test_D12_the_checksum_of_the_bytes_is_refused(site, fake, size, operation, learned, status, code):
    site.use(fake, "videos")
    if learned:
        make_file(site.files / "before.mp4", size)
        site.wait_for(site.queue("before.mp4", "videos"), "completed", within_s=30)
    play(fake, {"operation": operation, "if_header": "x-amz-checksum-crc32c", "fault": {"status": status, "code": code}},
         {"operation": operation, "if_header": "x-amz-trailer", "fault": {"status": status, "code": code}})
    for name in ("one.mp4", "two.mp4"):
        digest = make_file(site.files / name, size)
        upload = site.wait_for(site.queue(name, "videos"), "completed", within_s=40)
        assert upload["attempts"] == 1 and sha256(fake.object("videos", name).body) == digest
    assert "md5" in upload["checksum"] and not fake.open_uploads(), upload


@pytest.mark.parametrize("status,code", [(400, "XAmzContentSHA256Mismatch"), (400, "BadDigest"), (403, "SignatureDoesNotMatch"),
                                         (403, "AccessDenied"), (400, "IncompleteBody"), (500, "InternalError")])
def test_D12_a_checksum_behind_the_bytes_that_was_taken_is_refused(site, fake, status, code):
    site.use(fake, "videos")
    make_file(site.files / "before.mp4", PARTS)
    site.wait_for(site.queue("before.mp4", "videos"), "completed", within_s=30)
    play(fake, {"operation": "UploadPart", "if_header": "x-amz-trailer", "fault": {"status": status, "code": code}})
    digest = make_file(site.files / "film.mp4", PARTS)
    upload = site.wait_for(site.queue("film.mp4", "videos"), "completed", within_s=40)
    assert upload["attempts"] == 1 and sha256(fake.object("videos", "film.mp4").body) == digest


@SIZES
@pytest.mark.parametrize("content_md5", [True, False], ids=["wrong_md5_refused", "wrong_md5_ignored"])
def test_D17_an_etag_looks_like_an_md5_and_is_none(site, fake, size, operation, content_md5):
    play(fake, checksums=False, etags="random", content_md5=content_md5)
    site.use(fake, "videos")
    digest = make_file(site.files / "film.mp4", size)
    upload = site.wait_for(site.queue("film.mp4", "videos"), "completed", within_s=40)
    assert upload["attempts"] == 1 and sha256(fake.object("videos", "film.mp4").body) == digest


def test_D04_the_root_of_an_answer_has_another_name(site, fake):
    answers = {"CreateMultipartUpload": "InitiateMultipartUploadResult", "CompleteMultipartUpload": "CompleteMultipartUploadResult"}
    site.use(fake, "videos")
    fake.renames = answers
    digest = make_file(site.files / "film.mp4", PARTS)
    upload = site.wait_for(site.queue("film.mp4", "videos"), "completed", within_s=40)
    assert upload["attempts"] == 1 and len(fake.seen("CreateMultipartUpload")) == 1
    assert sha256(fake.object("videos", "film.mp4").body) == digest


def test_D69_a_store_that_tells_no_checksum_of_the_whole_is_read_back_once(site, fake):
    play(fake, tells_whole=False)
    site.use(fake, "videos")
    for name in ("one.mp4", "two.mp4", "three.mp4"):
        digest = make_file(site.files / name, PARTS)
        upload = site.wait_for(site.queue(name, "videos"), "completed", within_s=40)
        assert upload["attempts"] == 1 and sha256(fake.object("videos", name).body) == digest
        assert upload["checksum"].startswith("read-back-crc32c:" if name == "one.mp4" else "etag-md5:"), upload
    assert {one.key for one in fake.seen("GetObject")} == {"one.mp4"}


def test_D69_etags_that_only_look_like_md5s_cost_no_reading_where_a_wrong_md5_is_refused(site, fake):
    play(fake, checksums=False, etags="random")
    site.use(fake, "videos")
    digest = make_file(site.files / "film.mp4", PARTS)
    upload = site.wait_for(site.queue("film.mp4", "videos"), "completed", within_s=40)
    assert upload["checksum"].startswith("part-md5:") and not fake.seen("GetObject"), upload
    assert sha256(fake.object("videos", "film.mp4").body) == digest


REFUSED = {"operation": "CompleteMultipartUpload", "if_header": "x-amz-checksum-crc32c",
           "fault": {"status": 400, "code": "BadDigest"}}
REFUSED_LATE = {"operation": "CompleteMultipartUpload", "if_header": "x-amz-checksum-crc32c",
                "fault": {"status": 200, "code": "InvalidRequest"}}


def check(site) -> str:
    return site.server.cli("bucket", "check", "--cdn", 158, "--bucket", "videos")


@pytest.mark.parametrize("rules,store", [([REFUSED], {}), ([REFUSED_LATE], {}), ([], {"tells_whole": False})],
                         ids=["refused", "refused_after_200", "not_told"])
@pytest.mark.parametrize("learned", [False, True], ids=["check_first", "upload_first"])
def test_D70_bucket_check_goes_to_the_end_of_a_multipart_upload(site, fake, rules, store, learned):
    play(fake, *rules, **store)
    site.use(fake, "videos")
    if learned:
        make_file(site.files / "before.mp4", PARTS)
        site.wait_for(site.queue("before.mp4", "videos"), "completed", within_s=40)
    shown = check(site)
    assert "CRC32C of objects in one request only, otherwise MD5" in shown and "FAIL" not in shown, shown
    assert not any(key.startswith("vodlift-bucket-check") for key in fake.store.buckets["videos"]) and not fake.open_uploads()
    creates = len(fake.seen("CreateMultipartUpload"))
    make_file(site.files / "film.mp4", PARTS)
    upload = site.wait_for(site.queue("film.mp4", "videos"), "completed", within_s=40)
    assert upload["checksum"].startswith("etag-md5:") and len(fake.seen("CreateMultipartUpload")) == creates + 1, upload


def test_D70_a_check_that_does_not_reach_the_end_raises_nothing(site, fake):
    play(fake, REFUSED)
    site.use(fake, "videos")
    make_file(site.files / "before.mp4", PARTS)
    site.wait_for(site.queue("before.mp4", "videos"), "completed", within_s=40)
    play(fake, {"operation": "CompleteMultipartUpload", "fault": {"status": 503, "code": "SlowDown"}})
    assert "FAIL" in site.server.run_cli("bucket", "check", "--cdn", 158, "--bucket", "videos").stdout
    play(fake, REFUSED)
    creates = len(fake.seen("CreateMultipartUpload"))
    make_file(site.files / "film.mp4", PARTS)
    site.wait_for(site.queue("film.mp4", "videos"), "completed", within_s=40)
    assert len(fake.seen("CreateMultipartUpload")) == creates + 1, "MD5 was still known"


def test_D70_a_better_answer_raises_the_mode_again(site, fake):
    play(fake, REFUSED)
    site.use(fake, "videos")
    assert "otherwise MD5" in check(site)
    play(fake)
    assert "CRC32C of the whole object, however it is sent" in check(site)
    make_file(site.files / "film.mp4", PARTS)
    upload = site.wait_for(site.queue("film.mp4", "videos"), "completed", within_s=40)
    assert upload["checksum"].startswith("crc32c:"), upload


@pytest.mark.parametrize("kept,told", [("dashes", "a-b"), ("plain", "(dropped)")])
def test_D71_a_store_that_changes_names_of_metadata_is_told_of_once(site, fake, kept, told):
    play(fake, metadata_names=kept)
    site.use(fake, "videos")
    for name in ("one.mp4", "two.mp4"):
        make_file(site.files / name, PARTS)
        upload = site.wait_for(site.queue(name, "videos", metadata={"a_b": "1", "title": "x"}), "completed", within_s=40)
        assert upload["metadata"] == {"a_b": "1", "title": "x"}
    line, = [line for line in site.server.logs().splitlines() if "the store changes names of metadata" in line]
    assert "a_b" in line and told in line and "videos" in line and "bucket check" in line
    assert len(fake.seen("HeadObject")) == 2, "no request is made for it"


def test_D71_names_that_are_kept_are_not_told_of(site, fake):
    site.use(fake, "videos")
    make_file(site.files / "film.mp4", PARTS)
    site.wait_for(site.queue("film.mp4", "videos", metadata={"a_b": "1", "a.b": "2"}), "completed", within_s=40)
    assert "names of metadata" not in site.server.logs()


@pytest.mark.parametrize("fault", [{"status": 504, "body": "<html>504 Gateway Time-out</html>"},
                                   {"status": 502, "body": ""}, {"drop": "before_response"}], ids=["504", "502", "lost"])
@pytest.mark.parametrize("size", [KIB, WHOLE], ids=["small", "whole"])
def test_D72_a_file_sent_whole_whose_answer_is_lost_is_not_sent_twice(site, fake, size, fault):
    play(fake, {"operation": "PutObject", "nth": 1, "fault": {"effect": True} | fault})
    site.use(fake, "videos")
    digest = make_file(site.files / "film.mp4", size)
    upload = site.wait_for(site.queue("film.mp4", "videos"), "completed", within_s=40)
    assert sent(fake) == 1 and upload["attempts"] == 1 and upload["checksum"].startswith("crc32c:")
    assert sha256(fake.object("videos", "film.mp4").body) == digest

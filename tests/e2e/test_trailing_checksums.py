"""If the store accepts a part's checksum after its bytes, a file is read once; if not, it is read twice, and all else is the same."""

import hashlib
import os
import pathlib

import pytest

from support import CAP_SYS_PTRACE, MIB, make_file, need_capability, wait_until

SIZE = 40 * MIB  # three parts
UNSIGNED_TRAILER = "STREAMING-UNSIGNED-PAYLOAD-TRAILER"
KINDS = pytest.mark.parametrize("kind", ["refused", "ignored", "kept"])


@pytest.fixture
def films(site, fake):
    site.use(fake, "videos")
    site.digest = make_file(site.files / "film.mp4", SIZE)
    return site


def trailing(record) -> bool:
    return record.headers.get("x-amz-content-sha256") == UNSIGNED_TRAILER


def parts_of(fake, key: str) -> list[tuple[int, bool]]:
    """Number and form of every part that was sent, in order of their numbers."""
    return sorted((one.part, trailing(one)) for one in fake.seen("UploadPart") if one.key == key)


def upload(films, fake, name: str) -> dict:
    done = films.wait_for(films.queue("film.mp4", "videos", name), "completed", within_s=60)
    assert hashlib.sha256(fake.object("videos", name).body).hexdigest() == films.digest
    assert done["checksum"].startswith("crc32c:")
    return done


def bytes_read_by(films) -> int:
    need_capability(CAP_SYS_PTRACE, "what another process has read")
    text = pathlib.Path(f"/proc/{films.server.process.pid}/io").read_text()
    return int(dict(line.split(": ") for line in text.splitlines())["rchar"])


def test_one_part_tries_it_and_all_others_follow(films, fake):
    upload(films, fake, "first.mp4")
    first = [form for _, form in parts_of(fake, "first.mp4")]
    assert len(first) == 3 and any(first), "none is sent twice"
    upload(films, fake, "second.mp4")
    assert parts_of(fake, "second.mp4") == [(1, True), (2, True), (3, True)]
    assert fake.object("videos", "second.mp4").headers.get("content-encoding") is None
    films.server.restart()
    upload(films, fake, "third.mp4")
    assert len(parts_of(fake, "third.mp4")) == 3


def test_a_file_is_read_once(films, fake):
    upload(films, fake, "first.mp4")
    before = bytes_read_by(films)
    upload(films, fake, "second.mp4")
    once = bytes_read_by(films) - before
    assert SIZE <= once < 1.2 * SIZE
    fake.store.trailers = "refused"
    films.server.restart()
    before = bytes_read_by(films)
    upload(films, fake, "third.mp4")
    assert bytes_read_by(films) - before > 1.9 * SIZE, "what the measurement can tell"


def test_a_file_that_has_left_the_page_cache(films, fake):
    upload(films, fake, "first.mp4")
    with open(films.files / "film.mp4", "rb") as file:
        os.fsync(file.fileno())
        os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
    upload(films, fake, "second.mp4")
    assert parts_of(fake, "second.mp4") == [(1, True), (2, True), (3, True)]


@KINDS
def test_a_store_that_does_not_know_it(films, fake, kind):
    fake.store.trailers = kind
    upload(films, fake, "first.mp4")
    first = parts_of(fake, "first.mp4")
    assert [number for number, form in first if not form] == [1, 2, 3]
    assert len(first) == 4, "one part was sent twice"
    upload(films, fake, "second.mp4")
    assert parts_of(fake, "second.mp4") == [(1, False), (2, False), (3, False)], "it is asked once"


@KINDS
def test_a_store_that_knows_it_no_longer(films, fake, kind):
    upload(films, fake, "first.mp4")
    fake.store.trailers = kind
    upload(films, fake, "second.mp4")
    second = parts_of(fake, "second.mp4")
    assert [number for number, form in second if not form] == [1, 2, 3]
    upload(films, fake, "third.mp4")
    assert not any(form for _, form in parts_of(fake, "third.mp4"))


def test_a_store_that_sums_the_frame_too_by_now(films, fake):
    """The store answers 200 with the CRC32C of what it kept, every time: no error of transmission explains that."""
    upload(films, fake, "first.mp4")
    fake.play({"about": "keeps the frame as content, and sums it", "rules": [
        {"operation": "UploadPart", "if_header": "x-amz-trailer",
         "fault": {"headers": {"x-amz-checksum-crc32c": "AAAAAA=="}}}]})
    upload(films, fake, "second.mp4")
    second = parts_of(fake, "second.mp4")
    assert [number for number, form in second if not form] == [1, 2, 3]


def test_a_bit_that_flips_on_the_wire(films, fake):
    upload(films, fake, "first.mp4")
    fake.play({"about": "one bit arrives as another one", "rules": [
        {"operation": "UploadPart", "nth": [2], "fault": {"flip": True}}]})
    upload(films, fake, "second.mp4")
    assert [one.error for one in fake.seen("UploadPart") if one.error] == ["BadDigest"]
    assert all(form for _, form in parts_of(fake, "second.mp4")), "no reason to give it up"


@pytest.mark.parametrize("fault", [
    {"status": 400, "code": "InvalidRequest"}, {"status": 501, "code": "NotImplemented"}, {"status": 415},
    {"status": 403, "code": "SignatureDoesNotMatch"}, {"status": 400, "code": "XAmzContentSHA256Mismatch"},
    {"status": 500, "code": "InternalError"}, {"drop": "before_body"}, {"drop": "mid_body"},
    {"headers": {"x-amz-checksum-crc32c": "AAAAAA=="}}, {"headers": {"x-amz-checksum-crc32c": ""}}], ids=str)
def test_whatever_a_store_makes_of_it(films, fake, fault):
    fake.play({"about": "knows no trailing checksums", "rules": [
        {"operation": "UploadPart", "if_header": "x-amz-trailer", "fault": fault}]})
    upload(films, fake, "first.mp4")
    assert [form for _, form in parts_of(fake, "first.mp4")].count(True) == 1
    upload(films, fake, "second.mp4")
    assert parts_of(fake, "second.mp4") == [(1, False), (2, False), (3, False)]


def test_a_busy_store_is_asked_again(films, fake):
    fake.play({"about": "the first part is too much", "rules": [
        {"operation": "UploadPart", "nth": [1], "fault": {"status": 503, "code": "SlowDown"}}]})
    upload(films, fake, "first.mp4")
    upload(films, fake, "second.mp4")
    assert all(form for _, form in parts_of(fake, "second.mp4"))


def test_what_fails_either_way_is_told_as_it_is(films, fake):
    fake.play({"about": "may not write", "rules": [
        {"operation": "UploadPart", "fault": {"status": 403, "code": "AccessDenied"}}]})
    error = films.wait_for(films.queue("film.mp4", "videos"), "failed", within_s=60)["error"]
    assert error["code"] == "s3_access_denied", error
    fake.play({"about": "well again", "rules": []})
    upload(films, fake, "second.mp4")
    upload(films, fake, "third.mp4")
    assert all(form for _, form in parts_of(fake, "third.mp4")), "it was no word on the form"


def test_a_kill_in_the_midst_goes_on_with_what_is_there(films, fake):
    upload(films, fake, "first.mp4")
    fake.play({"about": "the last part gets no answer", "rules": [
        {"operation": "UploadPart", "if_part_above": 2, "nth": [1], "fault": {"hold": True}}]})
    upload_id = films.queue("film.mp4", "videos", "second.mp4")
    wait_until(lambda: len(fake.seen("UploadPart", stored=True)) >= 5, 20, "two parts are there")
    films.server.kill9()
    fake.play({"about": "well again", "rules": []})
    films.server.start()
    films.wait_for(upload_id, "completed", within_s=60)
    assert hashlib.sha256(fake.object("videos", "second.mp4").body).hexdigest() == films.digest
    assert [number for number, _ in parts_of(fake, "second.mp4")] == [1, 2, 3, 3]


@pytest.mark.parametrize("kind, words", [("taken", "read once"), ("refused", "read twice"), ("ignored", "read twice"),
                                         ("kept", "read twice"), ("copied", "read twice")])
def test_bucket_check_finds_it_out_for_uploads(films, fake, kind, words):
    fake.store.trailers = kind
    assert words in films.server.run_cli("bucket", "check", "--cdn", 158, "--bucket", "videos").stdout
    assert not fake.open_uploads() and not fake.store.buckets["videos"]
    upload(films, fake, "film.mp4")
    assert parts_of(fake, "film.mp4") == [(number, kind == "taken") for number in (1, 2, 3)]

"""`acl_applied` says what the store did with acl=public-read, at the cost of two requests for a bucket."""

import pytest

from support import KIB, MIB, make_file, wait_until

SIZES = pytest.mark.parametrize("size", [KIB, 17 * MIB], ids=["whole", "parts"])
NO_RIGHT = {"operation": "GetObjectAcl", "fault": {"status": 403, "code": "AccessDenied"}}
NO_SUCH_REQUEST = {"operation": "GetObjectAcl", "fault": {"status": 501, "code": "NotImplemented"}}
THE_OBJECT = {"operation": "GetObjectAcl", "fault": {"status": 200, "body": "the object's own bytes"}}
NO_ANSWER = {"operation": "GetObjectAcl", "fault": {"drop": "before_body"}}
UNREADABLE = pytest.mark.parametrize("rules", [[], [NO_RIGHT], [NO_SUCH_REQUEST], [THE_OBJECT], [NO_ANSWER]],
                                     ids=["grants", "no_right", "not_implemented", "another_answer", "no_answer"])


def play(fake, *rules, **store):
    fake.play({"about": "test", "rules": list(rules), "store": store})


def send(site, name: str, size: int = KIB, **fields) -> dict:
    make_file(site.files / name, size)
    return site.wait_for(site.queue(name, "videos", acl="public-read", **fields), "completed")


def questions(fake) -> int:
    anonymous = [one for one in fake.requests if "authorization" not in one.headers]
    return len(fake.seen("GetObjectAcl")) + len(anonymous)


@SIZES
@UNREADABLE
def test_D68_a_store_that_ignores_the_acl_is_found_out(site, fake, receiver, size, rules):
    play(fake, *rules, ignores_acls=True)
    site.use(fake, "videos")
    upload = send(site, "film.mp4", size, callback=receiver.url)
    assert (upload["acl"], upload["acl_applied"], upload["attempts"]) == ("public-read", "private", 1) and not upload["error"]
    told = wait_until(lambda: receiver.received, 20, "the callback comes")[0].json
    assert told["data"]["acl_applied"] == "private"


@UNREADABLE
def test_D68_a_store_that_keeps_the_acl_is_believed(site, fake, rules):
    play(fake, *rules)
    site.use(fake, "videos")
    assert send(site, "film.mp4")["acl_applied"] == "public-read"


def test_D68_a_bucket_is_asked_once(site, fake):
    play(fake, ignores_acls=True)
    site.use(fake, "videos")
    for name in ("one.mp4", "two.mp4"):
        make_file(site.files / name, KIB)
    ids = [site.queue(name, "videos", destination=f"{number}", acl="public-read")
           for number in range(8) for name in ("one.mp4", "two.mp4")]
    assert {site.wait_for(one, "completed")["acl_applied"] for one in ids} == {"private"}
    assert questions(fake) == 2
    make_file(site.files / "film.mp4", KIB)
    assert site.wait_for(site.queue("film.mp4", "videos"), "completed")["acl_applied"] == "private"
    assert questions(fake) == 2, "nobody asks about private objects"


def test_D68_a_changed_bucket_is_asked_again(site, fake):
    play(fake, ignores_acls=True)
    site.use(fake, "videos")
    assert send(site, "one.mp4")["acl_applied"] == "private"
    play(fake, ignores_acls=False)
    assert send(site, "two.mp4")["acl_applied"] == "private", "not asked again at once"
    site.server.cli("bucket", "set", "--cdn", 158, "--bucket", "videos", "--acl-policy", "private")
    assert send(site, "three.mp4")["acl_applied"] == "public-read"
    assert questions(fake) == 3


def test_D68_a_bucket_policy_opens_what_no_acl_opens(site, fake):
    play(fake, ignores_acls=True, public=True)
    site.use(fake, "videos")
    assert send(site, "film.mp4")["acl_applied"] == "public-read"


@pytest.mark.parametrize("answer", [(404, b""), (302, b""), (503, b""), (200, b"please sign in")],
                         ids=["404", "302", "503", "sign_in"])
def test_D68_what_proves_nothing_leaves_what_was_asked_for(site, fake, answer):
    play(fake, NO_RIGHT, ignores_acls=True)
    fake.anonymous_answer = answer
    site.use(fake, "videos")
    assert send(site, "film.mp4")["acl_applied"] == "public-read"
    assert send(site, "next.mp4")["acl_applied"] == "public-read" and questions(fake) == 2


@pytest.mark.parametrize("rules", [[], [NO_RIGHT]], ids=["grants", "no_right"])
def test_D68_bucket_check_finds_it_beforehand(site, fake, rules):
    play(fake, *rules, ignores_acls=True)
    site.use(fake, "videos")
    shown = site.server.cli("bucket", "check", "--cdn", 158, "--bucket", "videos")
    line, = [one for one in shown.splitlines() if one.startswith("warn")]
    assert "acl" in line and "acl_applied=private" in line, shown
    asked = questions(fake)
    assert send(site, "film.mp4")["acl_applied"] == "private" and questions(fake) == asked, "uploads know it already"

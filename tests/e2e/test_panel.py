"""The Control Panel in Chromium, on the real server. Each test is one scenario of tests/panel/."""

import json

import pytest

from panel import Panel
from support import MIB, make_file, wait_until


@pytest.fixture
def panel(site):
    return Panel(site.server)


def test_the_first_admin_signs_in_by_the_link(panel):
    panel.play("sign_in.firstAdmin")


def test_an_upload_is_seen_live(new_site, fake, receiver):
    """Queued behind another one, then sent part by part, without a reload: on the list, on its page, on the overview."""
    site = new_site(uploads=1, parts=1)
    site.use(fake, "videos", more=("--part-size", "5MiB"))
    make_file(site.files / "first.mp4", 1)
    make_file(site.files / "film.mp4", 40 * MIB)
    fake.play({"about": "the first waits, each part too", "rules": [
        {"operation": "PutObject", "fault": {"hold": True}},
        {"operation": "UploadPart", "fault": {"in_turn": True}}]})
    ids = []

    def queue() -> int:
        ids.append(site.queue("first.mp4", "videos"))
        site.wait_for(ids[0], "uploading")
        ids.append(site.queue("film.mp4", "videos", callback=receiver.url))
        return ids[1]

    def begin() -> None:
        assert site.api.call("aws.cancel", id=ids[0]).ok
        fake.release()

    panel = Panel(site.server)
    panel.play("live.upload", panel.admin, {"queue": queue, "begin": begin, "confirm": fake.let_answer})


def test_what_needs_a_person_and_what_others_change_is_seen_live(site, fake):
    """A bucket refuses us, works again, and somebody adds another one: on two pages that nobody reloads."""
    site.use(fake, "videos")
    make_file(site.files / "film.mp4", 1)
    site.wait_for(site.queue("film.mp4", "videos"), "completed")

    def refuse() -> None:
        fake.play({"about": "no access", "rules": [{"operation": "PutObject", "fault": {"status": 403, "code": "AccessDenied"}}]})
        site.wait_for(site.queue("film.mp4", "videos", "2.mp4"), "failed")

    def mend() -> None:
        fake.play({"about": "no fault", "rules": []})
        site.server.cli("bucket", "check", "--cdn", 158, "--bucket", "videos")

    panel = Panel(site.server)
    panel.play("live.attention", panel.person("olga", "operator"),
               {"refuse": refuse, "mend": mend,
                "add": lambda: site.server.add_bucket("more", fake.endpoint, fake.access_key, fake.secret_key)})


@pytest.fixture
def busy(new_site, fake):
    """A site whose only place is taken: what is queued waits. Its bucket holds every request with a body."""
    site = new_site(uploads=1)
    site.use(fake, "videos")
    fake.play({"about": "all waits", "rules": [{"operation": "PutObject", "fault": {"hold": True}}]})
    make_file(site.files / "held.mp4", 1)
    site.wait_for(site.queue("held.mp4", "videos"), "uploading")
    yield site
    fake.release()


def test_an_operator_queues_files_and_steers_them(busy):
    for name in ("a.mp4", "b.mp4", "notes.txt", "deep/c.mp4"):
        make_file(busy.files / "films" / name, 1)
    panel = Panel(busy.server)
    panel.play("operator.queueAndSteer", panel.person("olga", "operator"),
               {"count": lambda: len(busy.server.cli("upload", "list", "--json").splitlines())})


def test_an_operator_repeats_what_failed_and_sends_a_callback_again(site, fake, new_receiver):
    site.use(fake, "videos")
    make_file(site.files / "film.mp4", 1)
    site.wait_for(site.queue("film.mp4", "videos"), "completed")
    receiver = new_receiver((500, {}))
    ids = [site.queue("film.mp4", "videos", overwrite="fail", metadata={"n": str(i)},
                      callback=receiver.url if i == 0 else "") for i in range(3)]
    for one in ids:
        site.wait_for(one, "failed")
    wait_until(lambda: receiver.received, 10, "the first callback arrives")
    panel = Panel(site.server)

    def mend() -> None:
        receiver.answers = [(200, {})]

    panel.play("operator.retryAndCallback", panel.person("olga", "operator"), {"mend": mend})


def test_an_operator_adds_and_checks_a_bucket_and_paints_a_limit(site, fake):
    panel = Panel(site.server)
    panel.play("operator.bucketAndLimit", panel.person("olga", "operator"),
               endpoint=fake.endpoint, access_key=fake.access_key, secret_key=fake.secret_key)
    site.server.secrets.append(fake.secret_key)


def test_a_form_sends_the_choice_that_it_shows(site):
    panel = Panel(site.server)
    panel.play("operator.choices", panel.person("olga", "operator"))


def test_an_admin_makes_keys_and_invites_people(new_site):
    server = new_site().server
    panel = Panel(server)
    panel.play("operator.keysAndPeople", panel.admin)


def test_an_admin_sees_that_the_audit_log_was_edited(site):
    panel = Panel(site.server)

    def edit() -> None:
        log = site.server.folder / "audit.log"
        log.write_text(log.read_text().replace('"cdn":158', '"cdn":159', 1))

    panel.play("operator.auditChain", panel.admin, {"edit": edit})


def completed_and_failed(site, fake) -> tuple[int, int]:
    site.use(fake, "videos")
    make_file(site.files / "mine.mp4", 1)
    done = site.queue("mine.mp4", "videos")
    site.wait_for(done, "completed")
    failed = site.queue("mine.mp4", "videos", overwrite="fail")
    site.wait_for(failed, "failed")
    return done, failed


def test_a_viewer_finds_nothing_that_changes(site, fake):
    _, failed = completed_and_failed(site, fake)
    panel = Panel(site.server)
    panel.play("roles.viewer", panel.person("vera", "viewer"), id=str(failed))


def test_a_customer_sees_one_account(site, fake):
    _, own = completed_and_failed(site, fake)
    site.server.add_account(159, "kb")
    site.server.add_bucket("videos", fake.endpoint, fake.access_key, fake.secret_key, 159)
    make_file(site.server.storage / "kb/theirs.mp4", 1)
    others = json.loads(site.server.cli("upload", "sestore4/kb/theirs.mp4", "--cdn", 159, "--bucket", "videos", "--json"))["id"]
    panel = Panel(site.server)
    panel.play("roles.customer", panel.person("carl", "customer", 158), own=own, others=others)


def test_an_operator_has_no_people_and_no_keys(panel):
    panel.play("roles.operator", panel.person("olga", "operator"))


def test_all_by_the_keyboard(busy):
    for name in ("a.mp4", "b.mp4"):
        make_file(busy.files / name, 1)
    busy.queue("a.mp4", "videos")
    other = busy.queue("b.mp4", "videos")
    panel = Panel(busy.server)
    assert panel.admin
    panel.play("keyboard.all", other=other)


def test_what_uploads_use_is_removed_by_the_keyboard(busy, fake):
    make_file(busy.files / "a.mp4", 1)
    busy.queue("a.mp4", "videos")
    panel = Panel(busy.server)
    panel.play("keyboard.remove", panel.admin, {"release": fake.release})


@pytest.mark.parametrize("pages", ["uploads", "others"])
def test_pages_are_fit_for_all(site, fake, receiver, pages):
    completed, failed = completed_and_failed(site, fake)
    site.wait_for(site.queue("mine.mp4", "videos", "again.mp4", callback=receiver.url), "completed")
    wait_until(lambda: receiver.received, 10, "the callback arrives")
    site.server.cli("limit", "set", "--all", "--rate", "50MB", "--at", "Mon-Fri 08:00-18:00 10MB")
    panel = Panel(site.server)
    panel.play(f"pages.{pages}", panel.admin, completed=completed, failed=failed)


def test_the_first_data_waits_for_little(site, fake):
    """More uploads than a screen shows. What the first painting can do without comes behind it."""
    site.use(fake, "videos")
    make_file(site.files / "a.mp4", 1)
    ids = [site.queue("a.mp4", "videos", f"{i}.mp4") for i in range(60)]
    for one in ids:
        site.wait_for(one, "completed")
    panel = Panel(site.server)
    panel.play("first.data", panel.admin, uploads=len(ids))


def test_ten_tabs_share_one_stream(busy):
    make_file(busy.files / "a.mp4", 1)
    keys = iter(("one.mp4", "two.mp4"))
    panel = Panel(busy.server)
    panel.play("tabs.ten", panel.admin, {"queue": lambda: busy.queue("a.mp4", "videos", next(keys))})


def test_H12_H16_foreign_texts_stay_texts(site, fake, receiver):
    hostile = "<img src=x onerror=alert(1)>"
    name = f"\"'>{hostile}<script>alert(2)<!--.mp4"
    formula = "=cmd|' |C calc'!A0.mp4"
    message = f"</code>{hostile}{{{{7*7}}}}"
    site.use(fake, "videos")
    for one in (name, formula, "+1.mp4", "@x.mp4"):
        make_file(site.files / one, 1)
    callback = receiver.url + "?q=%22%3E%3Csvg/onload=alert(3)%3E"
    receiver.answers, receiver.answer_body = [(500, {"X-Reason": hostile})], hostile.encode()
    fake.play({"about": "refuses the second", "rules": [
        {"operation": "PutObject", "nth": 2, "fault": {"status": 400, "code": "Hostile", "message": message}}]})
    ids = {}
    for state in ("completed", "failed"):
        ids[state] = site.queue(name, "videos", f"{formula}/{hostile}{state}", metadata={"title": hostile}, callback=callback)
        site.wait_for(ids[state], state)
    site.wait_for(site.queue(formula, "videos"), "completed")
    panel = Panel(site.server)
    panel.admin.call("POST", "/session", {"name": hostile, "password": "x" * 20}, headers={"User-Agent": hostile})
    # What has an alphabet of its own takes no such text; that it was tried is shown on the page of the audit log.
    refused = [panel.admin.call("POST", "/people", {"name": hostile, "role": "viewer"}),
               panel.admin.call("POST", "/buckets", {"cdn": 158, "bucket": hostile, "endpoint": fake.endpoint, "region": "us-east-1",
                                                     "access_key": "a", "secret_key": "b" * 20})]
    assert [one.status for one in refused] == [400, 400], refused
    assert panel.admin.call("POST", "/tokens", {"label": hostile}).status == 201
    wait_until(lambda: receiver.received, 20, "a callback was answered with a hostile text")
    panel.play("hostile.texts", panel.admin, ids=ids, name=name, key=formula, message=message, metadata=hostile,
               callback="onload=alert", bucket="videos")

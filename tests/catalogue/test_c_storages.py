"""C24, C25 and C35: storages that are empty, hang, are gone, or are closed to the daemon."""

import contextlib
import http.client
import threading
import time

import pytest

from forms import refused
from support import KIB, MIB, build_dir, make_file, sha256, wait_until


@pytest.fixture
def two(new_site, fake):
    """A site with two storages, and a file on each; `site.second` is the account's folder on sestore5."""
    site = new_site()
    site.use(fake, "videos")
    site.server.stop()
    second = site.server.folder / "second"
    make_file(second / "jb/film.mp4", KIB)
    make_file(site.files / "film.mp4", KIB)
    site.server.configure(extra=f'[[storage]]\nname = "sestore5"\nroot = "{second}"')
    site.second = second / "jb"
    site.server.start()
    return site


def upload(site, storage: str, name: str = "film.mp4", destination: str = "film.mp4"):
    return site.api.upload(f"{storage}/jb/{name}", destination, "videos")


def held_in_the_queue(site, fake) -> int:
    """An upload from sestore5 that is queued behind four from sestore4 which the store holds."""
    fake.play({"about": "waits", "rules": [{"operation": "PutObject", "fault": {"hold": True}}]})
    for number in range(4):
        assert upload(site, "sestore4", destination=str(number)).ok
    wait_until(lambda: len(fake.seen("PutObject")) == 4, 10, "four are under way")
    queued = upload(site, "sestore5", destination="queued")
    assert queued.ok, queued
    return queued.data


def test_C24_an_empty_mount_point(two, fake):
    """Its queued uploads wait for the storage to come back; no others wait."""
    waiting = held_in_the_queue(two, fake)
    two.second.rename(two.second.parent / "hidden")
    fake.play({"about": "no fault", "rules": []})
    tried = wait_until(lambda: (one := two.api.status(waiting))["error"] and one, 15, "it is tried")
    assert tried["state"] == "queued" and tried["error"]["code"] == "storage_unavailable", tried
    assert tried["error"]["retryable"] and tried["next_attempt"]
    refused(upload(two, "sestore5"), "2003", "sestore5", "mounted")
    refused(two.api.call("files.list", path="sestore5/jb"), "2003", "sestore5", "mounted")
    two.wait_for(upload(two, "sestore4", destination="other").data, "completed")
    (two.second.parent / "hidden").rename(two.second)
    two.wait_for(waiting, "completed", within_s=40)


@pytest.fixture
def dying(two):
    """The same, where sestore5 hangs as long as the file `dying.switch` is there."""
    two.switch = two.server.folder / "hangs"
    two.server.stop()
    two.server.environment = {"LD_PRELOAD": str(build_dir() / "libhanging_storage.so"),
                              "HANGING_ROOT": str(two.second.parent), "HANGING_SWITCH": str(two.switch)}
    two.server.start()
    yield two
    two.switch.unlink(missing_ok=True)


def test_C24_a_storage_that_hangs(dying, fake):
    """The first calls give up after seconds, those behind them at once, and other storages never notice."""
    two, switch = dying, dying.switch
    assert upload(two, "sestore5", destination="before").ok
    waiting = held_in_the_queue(two, fake)
    switch.touch()
    try:
        answers = []
        callers = [threading.Thread(target=lambda: answers.append(upload(two, "sestore5", destination="hangs")))
                   for _ in range(4)]
        listing = threading.Thread(target=lambda: answers.append(two.api.call("files.list", path="sestore5/jb")))
        for one in [*callers, listing]:
            one.start()
        began = time.monotonic()
        while any(one.is_alive() for one in callers):
            start = time.monotonic()
            assert upload(two, "sestore4", destination="beside").ok
            assert two.api.call("files.list", path="sestore4/jb").ok
            assert time.monotonic() - start < 2, "another storage is held up"
            assert time.monotonic() - began < 20, "the callers never get an answer"
        for answer in answers:
            refused(answer, "2003", "sestore5", "does not answer")
        assert len(answers) == 4
        for _ in range(20):
            start = time.monotonic()
            refused(upload(two, "sestore5", destination="hangs"), "2003", "does not answer")
            assert time.monotonic() - start < 2, "it waits again, though nothing came back"
        told = {one["storage"]: one["available"] for one in two.api.call("files.getstorage").data}
        assert told == {"sestore4": True, "sestore5": False}
        fake.play({"about": "no fault", "rules": []})
        tried = wait_until(lambda: (one := two.api.status(waiting))["error"] and one, 15, "it is tried")
        assert tried["state"] == "queued" and tried["error"]["code"] == "storage_unavailable"
        two.wait_for(upload(two, "sestore4", destination="during").data, "completed")
        assert listing.is_alive(), "it waits on the storage's own thread"
    finally:
        switch.unlink()
    listing.join(10)
    assert answers[-1].ok and answers[-1].body["total"] == 1
    wait_until(lambda: upload(two, "sestore5", destination="after").ok, 10, "the storage is used again")
    two.wait_for(waiting, "completed", within_s=40)


IN_PARTS = 17 * MIB  # two


def read_while_it_hangs(site, fake, where: str) -> tuple[int, str]:
    """An upload from sestore5 that has begun when that storage dies; gives back its id and its file's digest."""
    size = KIB if where == "whole" else IN_PARTS
    digest = make_file(site.second / "read.mp4", size)
    operation, fault = {"whole": ("HeadObject", {"delay_s": 1}), "checksum": ("CreateMultipartUpload", {"delay_s": 1}),
                        "transfer": ("UploadPart", {"bytes_per_s": 4 * MIB})}[where]
    fake.play({"about": "slow", "rules": [{"operation": operation, "nth": 1, "fault": fault}]})
    answer = site.api.upload("sestore5/jb/read.mp4", f"read-{where}", "videos", overwrite="keep")
    assert answer.ok, answer
    wait_until(lambda: fake.seen(operation), 20, "it has begun")
    site.switch.touch()
    return answer.data, digest


@pytest.mark.parametrize("where", ["whole", "checksum", "transfer"])
def test_C24_a_storage_that_hangs_while_it_is_read(dying, fake, where):
    """The upload gets an error and is retried, and resumes where it was; uploads from other storages continue meanwhile."""
    upload_id, digest = read_while_it_hangs(dying, fake, where)
    dying.wait_for(upload(dying, "sestore4", destination="beside").data, "completed")
    told = wait_until(lambda: (one := dying.api.status(upload_id))["error"] and one, 40, "it is told")
    assert told["state"] == "queued" and told["next_attempt"], told
    assert told["error"]["code"] == "storage_unavailable" and told["error"]["retryable"], told
    assert "sestore5/jb/read.mp4" in told["error"]["message"] and "does not answer" in told["error"]["message"]
    for number in range(8):
        dying.wait_for(upload(dying, "sestore4", destination=f"during-{number}").data, "completed")
    dying.switch.unlink()
    dying.wait_for(upload_id, "completed", within_s=60)
    assert sha256(fake.object("videos", f"read-{where}").body) == digest and not fake.open_uploads()


def test_C24_a_storage_that_dies_before_its_files_are_closed(dying, fake):
    """The objects exist and are recorded; other storages continue, and the daemon can stop."""
    fake.play({"about": "slow", "rules": [{"operation": "PutObject", "nth": [1, 2, 3, 4], "fault": {"delay_s": 2}}]})
    sent = [upload(dying, "sestore5", destination=f"five-{number}").data for number in range(4)]
    wait_until(lambda: len(fake.seen("PutObject")) == 4, 10, "all are sent")
    dying.switch.touch()
    for upload_id in sent:
        dying.wait_for(upload_id, "completed", within_s=20)
    for number in range(8):
        dying.wait_for(upload(dying, "sestore4", destination=f"four-{number}").data, "completed")
    dying.server.stop(within_s=25)


def test_C24_another_client_writes_to_a_file_whose_attributes_are_in_memory(dying, fake):
    """The file server's word counts: no object is made of two versions."""
    path = dying.second / "film.mp4"
    make_file(path, IN_PARTS)
    fake.play({"about": "slow", "rules": [{"operation": "UploadPart", "nth": [1, 2], "fault": {"delay_s": 2}}]})
    upload_id = upload(dying, "sestore5").data
    wait_until(lambda: fake.seen("UploadPart"), 20, "it is sent")
    with open(path, "r+b") as file:
        file.seek(IN_PARTS - KIB)
        file.write(b"another version" * 10)
    dying.wait_for(upload_id, "completed", within_s=60)
    assert fake.object("videos", "film.mp4").body == path.read_bytes()
    assert "starting over" in dying.server.logs()


def until_it_stops(call) -> None:
    with contextlib.suppress(OSError, http.client.HTTPException):
        call()


@pytest.mark.parametrize("where", ["checksum", "transfer"])
def test_C24_a_stop_does_not_wait_for_a_storage_that_hangs(dying, fake, where):
    upload_id, digest = read_while_it_hangs(dying, fake, where)
    hanging = [threading.Thread(target=until_it_stops, args=(call,)) for call in (
        lambda: dying.api.call("files.list", path="sestore5/jb"), lambda: upload(dying, "sestore5", destination="hangs"))]
    for one in hanging:
        one.start()
    dying.wait_for(upload(dying, "sestore4", destination="beside").data, "completed")
    dying.server.stop(within_s=25)
    assert not list(dying.server.store.parent.glob("*-wal")), "the database is whole without its log"
    for one in hanging:
        one.join(10)
    dying.switch.unlink()
    fake.play({"about": "no fault", "rules": []})
    dying.server.start()
    dying.wait_for(upload_id, "completed", within_s=60)
    assert sha256(fake.object("videos", f"read-{where}").body) == digest and not fake.open_uploads()


def test_C35_a_storage_that_the_daemon_may_not_enter(new_site, fake, request):
    """It is not available, the log says which path and why, and what is queued waits until it is open again."""
    site = new_site()
    site.use(fake, "videos")
    make_file(site.files / "film.mp4", KIB)
    site.server.obeys_modes = True
    site.server.restart()
    fake.play({"about": "waits", "rules": [{"operation": "PutObject", "fault": {"hold": True}}]})
    for number in range(4):
        assert upload(site, "sestore4", destination=str(number)).ok
    wait_until(lambda: len(fake.seen("PutObject")) == 4, 10, "four are under way")
    waiting = upload(site, "sestore4", destination="waiting").data
    request.addfinalizer(lambda: site.server.storage.chmod(0o755))
    site.server.storage.chmod(0)
    assert [one["available"] for one in site.api.call("files.getstorage").data] == [False]
    refused(upload(site, "sestore4"), "2003", "sestore4")
    refused(site.api.call("files.list", path="sestore4/jb"), "2003", "sestore4")
    logged = [line for line in site.server.logs().splitlines() if str(site.server.storage) in line]
    assert len(logged) == 1 and "Permission denied" in logged[0] and "sestore4" in logged[0], logged
    fake.play({"about": "no fault", "rules": []})
    tried = wait_until(lambda: (one := site.api.status(waiting))["error"] and one, 20, "it is tried")
    assert (tried["state"], tried["error"]["code"]) == ("queued", "storage_unavailable"), tried
    assert str(site.server.storage) not in tried["error"]["message"]
    site.server.storage.chmod(0o755)
    site.wait_for(waiting, "completed", within_s=60)
    assert site.api.call("files.getstorage").data[0]["available"]


@pytest.mark.parametrize("what", ["closed", "a file", "missing"])
def test_C35_the_log_says_at_start_what_is_wrong_with_a_root(new_site, request, what):
    site = new_site()
    root = site.server.storage
    site.server.stop()
    request.addfinalizer(lambda: root.is_dir() and root.chmod(0o755))
    if what == "closed":
        root.chmod(0)
    else:
        root.rename(root.with_name("elsewhere"))
    if what == "a file":
        root.write_text("")
    site.server.obeys_modes = True
    site.server.start()
    reason = {"closed": "Permission denied", "a file": "Not a directory", "missing": "No such file or directory"}[what]
    assert any(str(root) in line and reason in line for line in site.server.logs().splitlines()), site.server.logs()
    assert not site.api.call("files.getstorage").data[0]["available"]


def test_C25_a_storage_that_is_taken_out_of_the_configuration(two, fake, receiver):
    fake.play({"about": "waits", "rules": [{"operation": "PutObject", "fault": {"hold": True}}]})
    queued = [two.api.upload("sestore5/jb/film.mp4", f"{number}", "videos", callback=receiver.url).data
              for number in range(8)]
    wait_until(lambda: fake.seen("PutObject"), 10, "some are under way")
    two.server.kill9()
    fake.play({"about": "no fault", "rules": []})
    two.server.configure()
    two.server.start()
    for upload_id in queued:
        ended = two.wait_for(upload_id, "failed")
        assert ended["error"]["code"] == "storage_removed" and not ended["error"]["retryable"], ended
        assert "sestore5" in ended["error"]["message"]
    wait_until(lambda: len(receiver.received) >= 8, 20, "each is told of")
    refused(upload(two, "sestore5"), "2003", "unknown")
    two.wait_for(upload(two, "sestore4").data, "completed")

"""An endpoint that is down, has no address, or asks to slow down: it gets no requests for a while, and no other uploads wait."""

import socket
import types

from support import KIB, make_file, wait_until

DEAD_UPLOADS = 60


def dead_endpoint(fake):
    """Like a fake's, but nobody listens there."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    return types.SimpleNamespace(endpoint=f"http://127.0.0.1:{port}", access_key=fake.access_key,
                                 secret_key=fake.secret_key)


def test_D21_a_dead_endpoint_holds_up_nobody_else(new_site, fake):
    site = new_site(uploads=2)
    site.use(fake, "videos")
    site.use(dead_endpoint(fake), "dead")
    make_file(site.files / "film.mp4", KIB)
    dead = [site.queue("film.mp4", "dead", f"film-{number}.mp4") for number in range(DEAD_UPLOADS)]
    wait_until(lambda: "endpoint is down" in site.server.logs(), 30, "the endpoint counts as down")
    alive = [site.queue("film.mp4", "videos", f"film-{number}.mp4") for number in range(10)]
    for upload_id in alive:
        site.wait_for(upload_id, "completed", within_s=15)
    waiting = [site.api.status(upload_id) for upload_id in dead]
    assert {one["state"] for one in waiting} <= {"queued", "uploading"}
    assert any(one["error"] and one["error"]["code"] == "s3_unavailable" and one["error"]["retryable"] for one in waiting)


def test_D21_credentials_that_cannot_be_had_say_nothing_of_the_endpoint(new_site, fake):
    """Another account's bucket is at the same endpoint: its uploads do not wait for the first account's source of credentials."""
    site = new_site(uploads=8)
    site.server.environment = {"AWS_EC2_METADATA_SERVICE_ENDPOINT": dead_endpoint(fake).endpoint}
    site.server.restart()
    site.use(fake, "videos")
    site.server.cli("bucket", "add", "--cdn", 158, "--bucket", "without", "--endpoint", fake.endpoint, "--region",
                    "us-east-1", "--credentials", "instance", "--path-style")
    make_file(site.files / "film.mp4", KIB)
    without = [site.queue("film.mp4", "without", f"film-{number}.mp4") for number in range(DEAD_UPLOADS)]
    wait_until(lambda: all(site.api.status(one)["error"] for one in without), 60, "none of them gets credentials")
    for upload_id in [site.queue("film.mp4", "videos", f"film-{number}.mp4") for number in range(10)]:
        site.wait_for(upload_id, "completed", within_s=15)
    assert "endpoint is down" not in site.server.logs()
    errors = {site.api.status(one)["error"]["code"] for one in without}
    assert errors == {"s3_credential"}, errors


def test_D52_a_name_without_an_address_is_tried_again(site, fake):
    site.use(types.SimpleNamespace(endpoint="http://no-such-store.invalid", access_key=fake.access_key,
                                   secret_key=fake.secret_key), "videos")
    make_file(site.files / "film.mp4", KIB)
    upload_id = site.queue("film.mp4", "videos")
    upload = wait_until(lambda: (one := site.api.status(upload_id))["error"] and one, 30, "the first attempt is over")
    assert upload["state"] == "queued" and upload["error"]["retryable"]
    assert "no-such-store.invalid" in upload["error"]["message"]


def test_D19_a_store_that_is_overrun_is_asked_less(new_site, fake):
    """SlowDown to everything for a time: no storm, and all is done once it is over."""
    site = new_site(uploads=8)
    site.use(fake, "videos")
    make_file(site.files / "film.mp4", KIB)
    fake.play({"about": "overrun", "rules": [
        {"operation": "PutObject", "nth": list(range(1, 41)), "fault": {"status": 503, "code": "SlowDown"}}]})
    ids = [site.queue("film.mp4", "videos", f"film-{number}.mp4") for number in range(30)]
    for upload_id in ids:
        site.wait_for(upload_id, "completed", within_s=90)
    assert len(fake.seen("PutObject")) == 70, "forty refusals, thirty objects"

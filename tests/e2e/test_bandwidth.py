"""Bandwidth limits: uploads in their scope obey them from the moment that they are set."""

import time

import pytest

from support import MIB, make_file, wait_until
from test_fairness import Customer

RATE = 2_000_000
SIZE = 8 * MIB
AT_RATE_S = SIZE / RATE


@pytest.fixture
def limited(new_site, fake):
    site = new_site()
    site.use(fake, "videos")
    make_file(site.files / "film.mp4", SIZE)
    return site


def limit(site, *arguments) -> str:
    return site.server.cli("limit", "set", *arguments)


def upload(site, destination: str) -> float:
    """Seconds until it is there."""
    begun = time.monotonic()
    site.wait_for(site.queue("film.mp4", "videos", destination), "completed", within_s=60)
    return time.monotonic() - begun


@pytest.mark.parametrize("scope", [("--all",), ("--storage", "sestore4"), ("--cdn", 158), ("--cdn", 158, "--bucket", "videos")],
                         ids=["all", "storage", "account", "bucket"])
def test_an_upload_keeps_to_the_limit_of_each_scope(limited, scope):
    assert upload(limited, "before") < AT_RATE_S / 2
    assert "2MB" in limit(limited, *scope, "--rate", "2MB")
    assert AT_RATE_S * 0.9 <= upload(limited, "limited") < AT_RATE_S * 2
    limited.server.cli("limit", "remove", *scope)
    assert upload(limited, "after") < AT_RATE_S / 2


def test_uploads_share_a_limit_and_others_do_not_feel_it(limited, fake):
    limit(limited, "--cdn", 158, "--rate", "4MB")
    other = Customer(limited, fake)
    make_file(other.files / "b.mp4", SIZE)
    begun = time.monotonic()
    both = [limited.queue("film.mp4", "videos", name) for name in ("one", "two")]
    other.wait_for([other.queue("b.mp4", "b.mp4")], within_s=AT_RATE_S / 2)
    for one in both:
        limited.wait_for(one, "completed")
    assert time.monotonic() - begun >= AT_RATE_S * 0.9, "two files at twice the rate"


def test_a_limit_is_changed_under_a_running_upload(limited):
    limit(limited, "--all", "--rate", "100kB")
    upload_id = limited.queue("film.mp4", "videos")
    limited.wait_for(upload_id, "uploading")
    time.sleep(1)  # without the limit it would have ended long before
    assert limited.api.status(upload_id)["state"] == "uploading"
    limit(limited, "--all", "--rate", "none")
    limited.wait_for(upload_id, "completed", within_s=10)


def test_a_limited_upload_is_cancelled_as_any(limited, fake):
    limit(limited, "--all", "--rate", "100kB")
    upload_id = limited.queue("film.mp4", "videos")
    wait_until(lambda: fake.seen("PutObject"), 10, "it is being sent")
    assert limited.api.call("aws.cancel", id=upload_id).ok
    limited.wait_for(upload_id, "cancelled", within_s=5)


def test_limits_stay_over_a_restart_and_follow_their_timetable(limited):
    limit(limited, "--cdn", 158, "--rate", "none", "--at", "daily 00:00-12:00 2MB", "--at", "daily 12:00-24:00 2MB", "--zone",
          "Europe/Paris")
    limited.server.restart()
    shown = limited.server.cli("limit", "list")
    assert "daily 00:00-12:00 2MB; daily 12:00-24:00 2MB" in shown and "Europe/Paris" in shown, shown
    assert upload(limited, "limited") >= AT_RATE_S * 0.9


def test_parts_of_a_large_file_share_the_limit(limited, fake):
    make_file(limited.files / "large.mp4", 40 * MIB)
    limit(limited, "--all", "--rate", "10MB")
    begun = time.monotonic()
    limited.wait_for(limited.queue("large.mp4", "videos"), "completed", within_s=60)
    took = time.monotonic() - begun
    assert 40 * MIB / 10e6 * 0.9 <= took < 40 * MIB / 10e6 * 2
    assert len(fake.seen("UploadPart", stored=True)) == 3


@pytest.mark.parametrize("arguments, hint", [
    (("--all", "--rate", "fast"), "50MB"),
    (("--all", "--rate", "1kB"), "100kB to 1000GB"),
    (("--all", "--rate", "1MB", "--at", "sometimes 2MB"), "Mon-Fri 08:00-18:00"),
    (("--all", "--rate", "1MB", "--zone", "Mars/Olympus"), "Europe/Paris"),
    (("--storage", "sestore9", "--rate", "1MB"), "sestore4"),
    (("--cdn", 777, "--rate", "1MB"), "no such account"),
    (("--cdn", 158, "--bucket", "nosuch", "--rate", "1MB"), "bucket list"),
    (("--rate", "1MB"), "--all"),
    (("--all", "--cdn", 158, "--rate", "1MB"), "--cdn"),
])
def test_what_makes_no_sense_is_told_and_changes_nothing(limited, arguments, hint):
    done = limited.server.run_cli("limit", "set", *arguments)
    assert done.returncode != 0 and hint in done.stderr, done.stderr
    assert "no limits" in limited.server.cli("limit", "list")


def test_the_audit_log_names_the_change(limited):
    limit(limited, "--cdn", 158, "--rate", "2MB")
    audit = wait_until(lambda: (text := (limited.server.folder / "audit.log").read_text()) and "limit.set" in text and text, 5,
                       "the audit log has it")
    line = next(one for one in audit.splitlines() if "limit.set" in one)
    assert "158" in line and "2MB" in line, line

"""aws.status by state: all six of them at once, asked for in every way."""

import json

import pytest

from api_client import ApiClient, hmac_base64
from php_text import json_encode, serialize
from server import Site
from support import make_file, wait_until

ORDER = ("completed", "failed", "uploading", "queued", "paused", "cancelled")  # in which they are queued


@pytest.fixture(scope="module")
def place():
    """One site for all refusals."""
    site = Site()
    yield site
    site.close()


@pytest.fixture
def one_each(site, fake):
    """A site with one upload in each state, and their ids by state."""
    site.use(fake, "videos")
    make_file(site.files / "film.mp4", 1000)
    ids = {}

    def queue(state, destination=None):
        ids[state] = site.queue("film.mp4", "videos", destination or f"{state}.mp4", metadata={"to-be": state})
        return ids[state]

    site.wait_for(queue("completed"), "completed")
    fake.play("put_access_denied")
    site.wait_for(queue("failed"), "failed")
    fake.play({"about": "waits", "rules": [{"operation": "PutObject", "fault": {"hold": True}}]})
    queue("uploading")
    wait_until(lambda: site.api.status(ids["uploading"])["state"] == "uploading", 10, "it is under way")
    for state in ("queued", "paused", "cancelled"):
        queue(state, "uploading.mp4")  # waits for the one to the same object
    assert site.api.call("aws.pause", id=ids["paused"]).ok
    assert site.api.call("aws.cancel", id=ids["cancelled"]).ok
    yield site, ids
    fake.play({"about": "no fault", "rules": []})


def found(site, **fields) -> list[str]:
    answer = site.api.call("aws.status", **fields)
    assert answer.ok, answer
    assert [one["id"] for one in answer.data] == sorted((one["id"] for one in answer.data), reverse=True)
    return [one["state"] for one in answer.data]


def test_states(one_each):
    site, ids = one_each
    newest_first = list(reversed(ORDER))
    assert found(site) == found(site, state=list(ORDER)) == newest_first
    for state in ORDER:
        assert found(site, state=state) == found(site, state=[state]) == found(site, state=[state, state]) == [state]
    waiting = ["queued", "paused", "uploading"]
    assert found(site, state=waiting) == ["paused", "queued", "uploading"]
    assert found(site, state=waiting, limit=2) == ["paused", "queued"]
    assert found(site, state=waiting, limit=2, offset=2) == ["uploading"]
    assert found(site, state=waiting, offset=3) == []

    assert found(site, state=waiting, id=[ids["paused"], ids["failed"], 4711]) == ["paused"]
    assert found(site, state="completed", id=ids["failed"]) == [], "it is there, and in another state"
    absent = site.api.call("aws.status", state="completed", id=[4711, 4712])
    assert absent.code == "2005" and absent.data == 0
    site.server.add_account(159, "eve")
    key = site.server.add_key(159)
    eve = ApiClient(site.server.url, key.api_key, key.secret, 159)
    assert eve.call("aws.status", state=list(ORDER)).data == []
    assert eve.call("aws.status", state="failed", id=ids["failed"]).code == "2005"

    assert site.api.call("aws.cancel", id=ids["paused"]).ok
    assert found(site, state="paused") == [] and found(site, state="cancelled") == ["cancelled", "cancelled"]
    site.server.kill9()
    site.server.start()
    assert found(site, state=["completed", "failed", "cancelled"]) == ["cancelled", "cancelled", "failed", "completed"]


def test_in_the_field_php(one_each):
    site, _ = one_each
    for rule in (json_encode, serialize):
        for state, expected in (("failed", ["failed"]), (["uploading", "completed"], ["uploading", "completed"])):
            request = site.api.request("aws.status", state=state)
            text = serialize(request | {"signature": hmac_base64(site.key.secret, rule(request))})
            answer = site.api.post(text, field="php")
            assert answer.ok and [one["state"] for one in answer.data] == expected, answer


@pytest.mark.parametrize("state,words", [
    ("done", "must be queued, paused, uploading, completed, failed or cancelled"), ("", "must be queued"),
    ("Failed", "must be"), ("failed,queued", "must be"), ("' OR 1=1 --", "must be"), (7, "must be"),
    (True, "must be"), ({"failed": 1}, "must be"), (["failed", "done"], "each word of the list"),
    ([["failed"]], "each word"), ([], "1 to 6 words"), (["failed"] * 7, "1 to 6 words")])
def test_other_words_are_refused(place, state, words):
    answer = place.api.call("aws.status", state=state)
    assert answer.code == "2001" and answer.message.startswith("state: ") and words in answer.message, answer


def test_command_line(one_each):
    site, ids = one_each
    listed = json.loads(site.server.cli("status", "--state", "failed,cancelled", "--json"))
    assert [one["id"] for one in listed] == [ids["cancelled"], ids["failed"]]
    assert "completed.mp4" not in site.server.cli("status", "--state", "paused")
    for arguments in (("--state", "done"), ("--state", "failed", ids["failed"])):
        refused = site.server.run_cli("status", *arguments)
        assert refused.returncode != 0 and "state" in refused.stderr, refused

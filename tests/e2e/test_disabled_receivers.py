"""A receiver of callbacks that fails for days gets one an hour, until it takes one."""

import pytest

from clock import SettableClock
from rest_client import RestClient
from support import KIB, make_file, wait_until

HOUR, DAY = 3600, 24 * 3600


class Case:
    """A customer's server that takes no callback, and one that takes alerts."""

    def __init__(self, site, fake, alerts, down):
        self.site, self.fake, self.alerts, self.down = site, fake, alerts, down
        self.clock = SettableClock(site)
        self.rest = RestClient(site.server.socket)
        self.count = 0
        site.use(fake, "videos")
        make_file(site.files / "film.mp4", KIB)

    def move(self, seconds: int) -> None:
        self.fake.clock_ahead_s = seconds
        self.clock.set(seconds)

    def end_upload(self) -> int:
        """By the command line, as signed calls have another clock. Answers the callback's id."""
        self.count += 1
        self.site.server.cli("upload", "sestore4/jb/film.mp4", "--cdn", 158, "--bucket", "videos", "--to", f"{self.count}.mp4",
                             "--callback", self.down.url, "--watch")
        return self.rest.call("GET", "/callbacks", query={"limit": 1}).data["items"][0]["id"]

    def wait_for(self, callback: int, state: str) -> dict:
        show = lambda: self.rest.call("GET", f"/callbacks/{callback}").data
        return wait_until(lambda: (one := show())["state"] == state and one, 20, f"callback {callback} is {state}")

    def facts(self) -> dict:
        return self.rest.call("GET", "/callbacks/receivers", query={"cdn": 158}).data["items"][0]

    def told(self) -> list[str]:
        return [one.json["state"] for one in list(self.alerts.received) if one.json["code"] == "callbacks_disabled"]


@pytest.fixture
def case(new_site, fake, receiver, new_receiver):
    """The receiver is disabled: it has failed twice, with six days between."""
    case = Case(new_site(extra=f'[alerts]\nwebhook = "{receiver.url}"\n'), fake, receiver, new_receiver((503, {})))
    case.end_upload()
    wait_until(lambda: case.facts()["failing_since"], 20, "the callback has failed once")
    assert not case.facts()["disabled"]
    case.move(6 * DAY)
    wait_until(lambda: case.facts()["disabled"], 40, "the callback has failed again")
    assert len(case.down.received) == 2
    return case


def test_it_gets_nothing_also_over_a_restart_and_is_told(case):
    refused = case.wait_for(case.end_upload(), "failed")
    assert refused["attempts"] == 1 and refused["last"]["http_status"] is None, refused
    assert refused["last"]["error"].startswith("not sent: the receiver is disabled"), refused
    wait_until(lambda: case.told() == ["first"], 40, "the operator is told")
    needs = case.rest.call("GET", "/overview").data["attention"]
    assert [one["code"] for one in needs if one["kind"] == "callbacks"] == ["callbacks_disabled"], needs
    case.site.server.restart()
    case.wait_for(case.end_upload(), "failed")
    assert case.facts()["disabled"] and len(case.down.received) == 2


def test_one_an_hour_is_tried(case):
    case.move(6 * DAY + 2 * HOUR)
    wait_until(lambda: len(case.down.received) == 3, 20, "one is tried")
    case.wait_for(case.end_upload(), "failed")
    assert len(case.down.received) == 3
    case.down.answers = [(200, {})]
    case.move(6 * DAY + 4 * HOUR)
    case.wait_for(case.end_upload(), "delivered")
    assert not case.facts()["disabled"] and case.facts()["failing_since"] is None
    case.wait_for(case.end_upload(), "delivered")


def test_what_is_sent_again_is_tried_and_enables_it(case):
    first = case.end_upload()
    case.wait_for(first, "failed")
    case.site.server.cli("callback", "send", first)
    wait_until(lambda: len(case.down.received) == 3, 20, "it is tried")
    assert "503" in case.wait_for(first, "failed")["tries"][1]["error"], "once, and then it is over"
    wait_until(lambda: case.told() == ["first"], 40, "the operator is told")
    case.down.answers = [(200, {})]
    case.site.server.cli("callback", "send", first)
    assert case.wait_for(first, "delivered")["webhook_id"] == case.down.received[-1].webhook_id
    assert not case.facts()["disabled"]
    case.wait_for(case.end_upload(), "delivered")
    wait_until(lambda: case.told() == ["first", "resolved"], 40, "the operator is told that it is over")

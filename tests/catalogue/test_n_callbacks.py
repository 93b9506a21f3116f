"""No receiver of callbacks holds up the callbacks of others, and none is reached where it may not be."""

import contextlib
import threading
import time

import pytest

from callback_receiver import CallbackReceiver
from support import KIB, make_file, wait_until
from test_fairness import Customer, database

OTHER = 159


class HangingReceiver:
    """Takes callbacks and answers none of them until release(). Listens on as many addresses as asked for."""

    def __init__(self, addresses: int = 1):
        self.arrived: list = []
        self._released = threading.Event()
        self._receivers = [CallbackReceiver(address=f"127.0.1.{number + 1}") for number in range(addresses)]
        for one in self._receivers:
            one.on_receive = self._hold

    def _hold(self, callback) -> None:
        self.arrived.append(callback)
        self._released.wait(60)

    def release(self) -> None:
        self._released.set()

    @property
    def urls(self) -> list[str]:
        return [one.url for one in self._receivers]

    def __enter__(self) -> "HangingReceiver":
        self._stack = contextlib.ExitStack()
        for one in self._receivers:
            self._stack.enter_context(one)
        return self

    def __exit__(self, *_) -> None:
        self.release()
        self._stack.close()


def add_callbacks(server, upload_id: int, urls: list[str]) -> None:
    """One pending callback to each URL, of uploads that are copies of this one. The server is stopped."""
    with database(server) as connection:
        def copied(table: str, **changed) -> str:
            names = [row[1] for row in connection.execute(f"PRAGMA table_info({table})") if row[1] != "id"]
            return f"({', '.join(names)}) SELECT {', '.join(changed.get(name, name) for name in names)} FROM {table}"

        upload = f"INSERT INTO uploads {copied('uploads')} WHERE id = :first"
        callback = copied("callbacks", upload_id=":new", webhook_id="'msg_' || :new", url=":url", receiver=":receiver",
                          state="'pending'", attempts="0", fence="0", delayed="0")
        for url in urls:
            new = connection.execute(upload, {"first": upload_id}).lastrowid
            connection.execute(f"INSERT INTO callbacks {callback} WHERE upload_id = :first",
                               {"first": upload_id, "new": new, "url": url,
                                "receiver": url.removeprefix("http://").partition("/")[0]})


def delivered(site, receiver, count: int = 1) -> int:
    """An upload of the account whose callback this receiver has taken as its `count`-th."""
    upload_id = site.queue("film.mp4", "videos", f"film-{count}.mp4", callback=receiver.url)
    wait_until(lambda: len(receiver.received) == count, 10, "the receiver hears of it")
    wait_until(lambda: site.api.status(upload_id)["callback_state"] == "delivered", 10, "the delivery is recorded")
    return upload_id


def queue_for_the_other(two, **fields) -> None:
    two.other.api.url = two.server.url  # which a restart changes
    two.other.queue("film.mp4", "film.mp4", **fields)


@pytest.fixture
def two(site, fake):
    """The site with a bucket and a file, and `other`: another account with the same."""
    site.use(fake, "videos")
    site.other = Customer(site, fake)
    for files in (site.files, site.other.files):
        make_file(files / "film.mp4", KIB)
    return site


def test_N10_a_receiver_that_hangs_holds_up_no_other_account(two, receiver, new_receiver):
    first = delivered(two, receiver)
    others = new_receiver((200, {}))
    with HangingReceiver() as hanging:
        two.server.stop()
        add_callbacks(two.server, first, hanging.urls * 400)
        two.server.start()
        wait_until(lambda: len(hanging.arrived) >= 8, 10, "its places are taken")
        queue_for_the_other(two, callback=others.url)
        wait_until(lambda: others.received, 10, "the other account hears of its upload")


def test_N11_a_receiver_that_hangs_holds_up_no_other_receiver_of_its_account(two, receiver, new_receiver):
    first = delivered(two, receiver)
    never_heard_of = new_receiver((200, {}))
    with HangingReceiver() as hanging:
        two.server.stop()
        add_callbacks(two.server, first, hanging.urls * 10_000)
        two.server.start()
        wait_until(lambda: len(hanging.arrived) >= 8, 10, "its places are taken")
        two.queue("film.mp4", "videos", callback=receiver.url)
        two.queue("film.mp4", "videos", callback=never_heard_of.url)
        wait_until(lambda: len(receiver.received) == 2 and never_heard_of.received, 10, "both receivers hear of it")


def test_N12_a_backlog_that_waits_is_not_written(two, receiver):
    first = delivered(two, receiver)
    with HangingReceiver() as hanging:
        two.server.stop()
        add_callbacks(two.server, first, hanging.urls * 10_000)
        two.server.start()
        wait_until(lambda: len(hanging.arrived) >= 8, 10, "its places are taken")
        for count in range(2, 6):
            delivered(two, receiver, count)
        two.server.kill9()
        with database(two.server) as connection:
            leased = connection.execute("SELECT count(*) FROM callbacks WHERE fence > 0 AND upload_id > ? AND state = 'pending'",
                                        (first,)).fetchone()[0]
    assert leased == len(hanging.arrived) == 8
    two.server.start()


def test_N13_a_slow_receiver_gets_eight_at_a_time_without_pauses(two, new_receiver):
    slow = new_receiver((200, {}))
    slow.on_receive = lambda _callback: time.sleep(5.5)
    delivered(two, slow)
    for number in range(24):
        two.queue("film.mp4", "videos", f"{number}.mp4", callback=slow.url)
    wait_until(lambda: len(slow.received) == 25, 45, "it has taken them eight at a time, not eight in each half minute")


def test_N14_many_receivers_that_hang_hold_up_nobody_else(two, receiver, new_receiver):
    first = delivered(two, receiver)
    others = new_receiver((200, {}))
    with HangingReceiver(addresses=100) as hanging:
        two.server.stop()
        add_callbacks(two.server, first, hanging.urls * 10)
        two.server.start()
        wait_until(lambda: len(hanging.arrived) >= 32, 10, "their places are taken")
        queue_for_the_other(two, callback=others.url)
        wait_until(lambda: others.received, 10, "the other account hears of its upload")

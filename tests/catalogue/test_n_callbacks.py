"""No receiver of callbacks holds up the callbacks of others, and none is reached where it may not be."""

import contextlib
import ctypes
import os
import subprocess
import threading
import time

import pytest

from callback_receiver import CallbackReceiver
from fake_s3 import FakeS3
from server import Site
from support import CAP_SYS_ADMIN, KIB, make_file, need_capability, wait_until
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


def restart_with_callbacks(server, upload_id: int, urls: list[str]) -> None:
    """The server starts again with these callbacks pending, as add_callbacks() makes them."""
    server.stop()
    add_callbacks(server, upload_id, urls)
    server.start()


def test_N10_a_receiver_that_hangs_holds_up_no_other_account(two, receiver, new_receiver):
    first = delivered(two, receiver)
    others = new_receiver((200, {}))
    with HangingReceiver() as hanging:
        restart_with_callbacks(two.server, first, hanging.urls * 400)
        wait_until(lambda: len(hanging.arrived) >= 8, 10, "its places are taken")
        queue_for_the_other(two, callback=others.url)
        wait_until(lambda: others.received, 10, "the other account hears of its upload")


def test_N11_a_receiver_that_hangs_holds_up_no_other_receiver_of_its_account(two, receiver, new_receiver):
    first = delivered(two, receiver)
    never_heard_of = new_receiver((200, {}))
    with HangingReceiver() as hanging:
        restart_with_callbacks(two.server, first, hanging.urls * 10_000)
        wait_until(lambda: len(hanging.arrived) >= 8, 10, "its places are taken")
        two.queue("film.mp4", "videos", callback=receiver.url)
        two.queue("film.mp4", "videos", callback=never_heard_of.url)
        wait_until(lambda: len(receiver.received) == 2 and never_heard_of.received, 10, "both receivers hear of it")


def test_N12_a_backlog_that_waits_is_not_written(two, receiver):
    first = delivered(two, receiver)
    with HangingReceiver() as hanging:
        restart_with_callbacks(two.server, first, hanging.urls * 10_000)
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
        restart_with_callbacks(two.server, first, hanging.urls * 10)
        wait_until(lambda: len(hanging.arrived) >= 32, 10, "their places are taken")
        queue_for_the_other(two, callback=others.url)
        wait_until(lambda: others.received, 10, "the other account hears of its upload")


PUBLIC = "93.184.216.34"


@contextlib.contextmanager
def network_of_its_own():
    """This thread, and all that it starts, are in a network that holds nothing but this host, which has a public address too."""
    need_capability(CAP_SYS_ADMIN, "a network of its own")
    libc = ctypes.CDLL(None, use_errno=True)
    with open("/proc/thread-self/ns/net") as before:
        assert libc.unshare(0x40000000) == 0, os.strerror(ctypes.get_errno())  # CLONE_NEWNET
        try:
            for command in ("link set lo up", f"addr add {PUBLIC}/32 dev lo", "addr add 2606:2800:220::34/128 dev lo"):
                subprocess.run(["ip", *command.split()], check=True)
            yield
        finally:
            assert libc.setns(before.fileno(), 0) == 0


def test_N28_no_address_of_this_host_is_reached_unless_it_is_allowed():
    with network_of_its_own(), contextlib.ExitStack() as stack:
        fake = stack.enter_context(FakeS3())
        fake.create_bucket("videos")
        receiver = stack.enter_context(CallbackReceiver([(500, {})], address=PUBLIC))
        site = Site(allow_networks=("127.0.0.0/8", f"{PUBLIC}/32"))
        stack.callback(site.close)
        site.use(fake, "videos")
        make_file(site.files / "film.mp4", KIB)
        site.queue("film.mp4", "videos", callback=receiver.url)
        wait_until(lambda: "callback failed, and is sent again" in site.server.logs(), 20, "the address is reached while it is allowed")
        assert len(receiver.received) == 1
        site.server.configure()
        site.server.restart()
        wait_until(lambda: "of this host itself" in site.server.logs(), 20, "the next delivery is refused")
        assert len(receiver.received) == 1
        for host in (PUBLIC, f"[::ffff:{PUBLIC}]", "0x5db8d822", "[2606:2800:220::34]"):
            answer = site.api.upload("sestore4/jb/film.mp4", "x", "videos", callback=f"http://{host}:{receiver.port}/x")
            assert answer.code == "2001" and "callback" in answer.message and "this host" in answer.message, (host, answer)


def test_N29_ports_are_those_of_http_and_those_allowed(new_site, fake, receiver, new_receiver):
    other = new_receiver((200, {}))
    site = new_site(allow_ports=(str(receiver.port), f"{other.port}-{other.port}"))
    site.use(fake, "videos")
    make_file(site.files / "film.mp4", KIB)
    fake.play({"about": "waits", "rules": [{"operation": "PutObject", "fault": {"hold": True}}]})
    site.queue("film.mp4", "videos", "first.mp4", callback=receiver.url)
    site.queue("film.mp4", "videos", "second.mp4", callback=other.url)
    for port in (22, 25, 81, 1024, 2375, 65535):
        answer = site.api.upload("sestore4/jb/film.mp4", "x", "videos", callback=f"http://www.example.com:{port}/x")
        assert answer.code == "2001" and all(word in answer.message for word in ("callback", str(port), "allow_ports")), answer
    # The port is judged again when the callback is sent.
    site.server.configure(allow_ports=(str(other.port),))
    site.server.kill9()
    fake.play({"about": "no fault", "rules": []})
    site.server.start()
    wait_until(lambda: other.received and "may not reach port" in site.server.logs(), 20, "one is sent, the other refused")
    assert not receiver.received

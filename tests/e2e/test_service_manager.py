"""What the daemon and systemd tell each other, with sockets and messages as systemd makes them."""

import http.client
import os
import re
import signal
import socket
import subprocess
import threading
import time

import pytest

from support import ROOT, binary, wait_until


class Manager:
    """Stands in for systemd: takes the messages of the process, and passes sockets on."""

    def __init__(self, server):
        self.server = server
        self.path = server.folder / "notify.sock"
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(str(self.path))
        self.told: list[str] = []
        threading.Thread(target=self._listen, daemon=True).start()

    def _listen(self):
        while True:
            try:
                self.told.append(self.socket.recv(4096).decode())
            except OSError:
                return

    def start(self, sockets=(), names="", watchdog_s=0):
        environment = {"PATH": os.defpath, "NOTIFY_SOCKET": str(self.path)}
        if watchdog_s:
            environment |= {"WATCHDOG_USEC": str(int(watchdog_s * 1e6))}
        # The process must find itself in LISTEN_PID, and the sockets from descriptor 3 on.
        script = "export LISTEN_PID=$$ WATCHDOG_PID=$$; " if sockets else ""
        moves = " ".join(f"{3 + at}<&{one.fileno()}" for at, one in enumerate(sockets))
        if sockets:
            environment |= {"LISTEN_FDS": str(len(sockets)), **({"LISTEN_FDNAMES": names} if names else {})}
        command = f'{script}exec "$0" serve --config "$1" {moves}'
        self.server.process = subprocess.Popen(["bash", "-c", command, binary(), self.server.config], env=environment,
                                               pass_fds=[one.fileno() for one in sockets],
                                               stdout=open(self.server.folder / "stdout.9", "wb"),
                                               stderr=open(self.server.folder / "stderr.9", "wb"))

    def heard(self, pattern, within_s=20):
        return wait_until(lambda: next((one for one in self.told if re.search(pattern, one)), None), within_s, f"{pattern} is told")


@pytest.fixture
def manager(new_site):
    site = new_site()
    site.server.stop()
    return Manager(site.server)


def listener(address="127.0.0.1"):
    made = socket.create_server((address, 0))
    return made, made.getsockname()


def ask(address, timeout_s=10):
    connection = http.client.HTTPConnection(*address[:2], timeout=timeout_s)
    connection.request("POST", "/stable/", "", {"Content-Type": "application/x-www-form-urlencoded"})
    return connection.getresponse().status


def test_it_says_that_it_is_ready_what_it_does_and_that_it_stops(manager):
    manager.start(watchdog_s=2)
    assert not any("READY" in one for one in manager.told) or "listening on" in (manager.server.folder / "stdout.9").read_text()
    manager.heard("^READY=1$")
    manager.heard("^STATUS=0 running, 0 waiting$")
    manager.server.process.send_signal(signal.SIGHUP)
    assert re.search(r"MONOTONIC_USEC=\d+", manager.heard("^RELOADING=1"))
    wait_until(lambda: manager.told.count("READY=1") == 2, 10, "it is ready again")
    manager.server.stop()
    assert "STOPPING=1" in manager.told


def test_signs_of_life_come_at_half_of_the_time(manager):
    manager.start(watchdog_s=4)
    manager.heard("^READY=1$")
    time.sleep(5)
    signs = manager.told.count("WATCHDOG=1")
    assert 1 <= signs <= 4, manager.told


def test_a_socket_that_was_passed_on_is_the_one_of_the_api(manager):
    held, address = listener()
    manager.start([held], names="api")
    manager.heard("^READY=1$")
    assert ask(address) == 200
    assert f"listening on http://127.0.0.1:{address[1]}\n" in (manager.server.folder / "stdout.9").read_text()


def test_a_single_socket_needs_no_name(manager):
    held, address = listener()
    manager.start([held], names="vodlift.socket")
    manager.heard("^READY=1$")
    assert ask(address) == 200


def test_a_restart_refuses_no_call(manager):
    """Calls that come between two runs wait for the second one."""
    held, address = listener()
    manager.start([held], names="api")
    manager.heard("^READY=1$")
    answers, stop = [], threading.Event()

    def call():
        while not stop.is_set():
            try:
                answers.append(ask(address, timeout_s=30))
            except OSError as failure:
                answers.append(repr(failure))

    callers = [threading.Thread(target=call) for _ in range(4)]
    for one in callers:
        one.start()
    try:
        for _ in range(3):
            time.sleep(0.3)
            manager.server.stop()
            time.sleep(0.2)
            manager.told.clear()
            manager.start([held], names="api")
            manager.heard("^READY=1$")
    finally:
        stop.set()
        for one in callers:
            one.join()
    assert set(answers) == {200} and len(answers) > 20, [one for one in answers if one != 200][:3]


@pytest.mark.parametrize("names, said", [("api:web", "sockets of unknown names were passed on: web"),
                                         ("api:panel", "passwords would cross the network unencrypted")])
def test_sockets_that_cannot_be_used_are_refused(manager, names, said):
    one, _ = listener()
    other, _ = listener("0.0.0.0")
    manager.start([one, other], names=names)
    assert manager.server.process.wait(20) == 2
    manager.server.process = None
    assert said in (manager.server.folder / "stderr.9").read_text()


def test_an_open_socket_does_not_open_the_panel(manager):
    """The configuration says loopback, but the socket is open to the world: then there is no panel on it."""
    held, address = listener("0.0.0.0")
    manager.start([held], names="api")
    manager.heard("^READY=1$")
    assert "control panel:" not in (manager.server.folder / "stdout.9").read_text()
    connection = http.client.HTTPConnection("127.0.0.1", address[1], timeout=10)
    connection.request("GET", "/panel/")
    assert connection.getresponse().status == 404


def test_units_hold_what_systemd_checks(tmp_path):
    for name in ("vodlift.service", "vodlift.socket"):
        text = (ROOT / "packaging" / name).read_text().replace("/usr/bin/vodlift", str(binary()))
        (tmp_path / name).write_text(text)
    checked = subprocess.run(["systemd-analyze", "verify", "--man=no", tmp_path / "vodlift.service", tmp_path / "vodlift.socket"],
                             capture_output=True, text=True, timeout=60)
    complaints = [line for line in (checked.stdout + checked.stderr).splitlines() if "vodlift" in line]
    assert checked.returncode == 0 and not complaints, complaints
    exposed = subprocess.run(["systemd-analyze", "security", "--offline=true", "--threshold=12", tmp_path / "vodlift.service"],
                             capture_output=True, text=True, timeout=60)
    assert exposed.returncode == 0, exposed.stdout[-1000:]

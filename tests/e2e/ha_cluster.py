#!/usr/bin/python3
"""Three machines with etcd, Patroni and PostgreSQL 15, as docs/high-availability.md says, on this one.

Their files are those of packaging/high-availability, with other addresses, folders and passwords. As root each machine is a
network namespace on a bridge of its own, so its link can be cut. Without root each is an address of the loopback.

By hand: ha_cluster.py starts the three, prints [store] url, and reads commands: status, kill, restart, stop, cont, cut, heal
(with a machine's name; kill without one kills the primary's). It ends at the end of its input.
"""

import json
import os
import pathlib
import pwd
import random
import re
import secrets
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import urllib.request

from certificates import make_certificate
from postgres_server import PROGRAMS
from support import ROOT, need_user, wait_until

EXAMPLES = ROOT / "packaging/high-availability"
NAMES = ("db1", "db2", "db3")


class Machine:
    """etcd and Patroni with its PostgreSQL. What runs on it is found by its working folder, which is below `folder`."""

    def __init__(self, name: str, folder: pathlib.Path, address: str, inside: list[str], port: str):
        self.name, self.folder, self.address = name, folder, address
        self._inside = inside  # a command that enters its namespace and gives up root
        self._port = port  # of the bridge; empty: it has no link of its own
        self._started: list[subprocess.Popen] = []

    def start(self) -> None:
        settings = dict(line.split("=", 1) for line in (self.folder / "etcd.env").read_text().splitlines() if line[:1] not in ("", "#"))
        with open(self.folder / "log", "ab") as log:
            for command, environment in ((["etcd"], settings), (["patroni", self.folder / "patroni.yml"], {})):
                self._started.append(subprocess.Popen(
                    [*self._inside, *command], cwd=self.folder, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                    env={"PATH": os.defpath, "HOME": str(self.folder), "LC_ALL": "C.UTF-8"} | environment))

    def processes(self) -> list[int]:
        """Those that run, Patroni and etcd before what they have started."""
        found = []
        for entry in pathlib.Path("/proc").iterdir():
            try:
                if entry.name.isdigit() and pathlib.Path(os.readlink(entry / "cwd")).is_relative_to(self.folder):
                    found.append(int(entry.name))
            except OSError:  # it has just ended
                pass
        own = [one.pid for one in self._started]
        return sorted(found, key=lambda process: process not in own)

    def send(self, number: int) -> None:
        """A signal to all of them, and to what they start meanwhile."""
        sent: set[int] = set()
        while new := [one for one in self.processes() if one not in sent]:
            for process in new:
                try:
                    os.kill(process, number)
                except ProcessLookupError:
                    pass
            sent.update(new)

    def kill(self) -> None:
        """Ends everything on it at once. Its files stay as they are."""
        self.send(signal.SIGKILL)
        for one in self._started:
            one.wait(10)
        self._started = []
        wait_until(lambda: not self.processes(), 10, f"nothing runs on {self.name}", poll_s=0.005)

    def link(self, state: str) -> None:
        """`up` or `down`."""
        assert self._port, "only root can make a link, and cut it"
        subprocess.run(["ip", "link", "set", self._port, state], check=True)

    def ask(self, path: str) -> dict:
        """What its Patroni answers. OSError: nothing, or no."""
        with urllib.request.urlopen(f"http://{self.address}:8008{path}", timeout=2) as answer:
            return json.load(answer)

    def sql(self, text: str, database: str = "vodlift", within_s: float = 30) -> str:
        """As the superuser, through the server's socket; what it answers, a row a line."""
        done = subprocess.run([*self._psql(database), "-qAtc", text], capture_output=True, text=True, timeout=within_s, cwd="/")
        if done.returncode != 0:
            raise RuntimeError(f"{self.name}: {done.stderr}")
        return done.stdout.strip()

    def session(self) -> subprocess.Popen:
        """One that reads statements; it ends with its input, or at the first error."""
        return subprocess.Popen(self._psql("vodlift"), stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd="/")

    def _psql(self, database: str) -> list:
        as_user = self._inside[self._inside.index("setpriv"):] if self._inside else []
        return [*as_user, PROGRAMS / "psql", "-X", "-h", self.folder, "-U", "postgres", "-d", database, "-v", "ON_ERROR_STOP=1"]


class HaCluster:
    """The three, started and healthy, with the database and the role `vodlift`. Any thread, one at a time. `parameters`: lines of
    patroni.yml, settings of PostgreSQL besides the page's."""

    def __init__(self, parameters: tuple[str, ...] = ()):
        self._parameters = "".join(f"        {one}\n" for one in parameters)
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="vodlift-ha-"))
        self.folder.chmod(0o755)
        self._bridge = ""
        self._namespaces: list[subprocess.Popen] = []
        self.machines: dict[str, Machine] = {}
        try:
            self._make_machines()
            for machine in self.machines.values():
                machine.start()
            self.wait_healthy(90)
            password, passwords = secrets.token_hex(12), self.folder / "pgpass"
            passwords.touch(0o600)
            passwords.write_text(f"*:5432:vodlift:vodlift:{password}\n")
            primary = self.machines[self.primary()]
            primary.sql(f"CREATE ROLE vodlift LOGIN PASSWORD '{password}'", "postgres")
            primary.sql("CREATE DATABASE vodlift OWNER vodlift ENCODING 'UTF8' TEMPLATE template0", "postgres")
            wait_until(lambda: all(self._has_database(one) for one in self.machines.values()), 30, "the standbys have the database")
        except BaseException as failed:
            print(self.logs()[-6000:], file=sys.stderr)
            self.close()
            raise failed

    @staticmethod
    def _has_database(machine: Machine) -> bool:
        return machine.sql("SELECT count(*) FROM pg_database WHERE datname = 'vodlift'", "postgres") == "1"

    def _make_machines(self) -> None:
        root = os.geteuid() == 0
        user = need_user("postgres", "three machines") if root else pwd.getpwuid(os.geteuid())
        network = self._make_bridge() if root else f"127.{random.randint(1, 254)}.{random.randint(0, 255)}"
        addresses = {name: f"{network}.{number}" for number, name in enumerate(NAMES, 1)}
        certificate, key = make_certificate(self.folder, "server", tuple(addresses.values()))
        certificate.chmod(0o644)
        passwords = {word: secrets.token_hex(12) for word in ("PASSWORD-OF-REPLICATOR", "PASSWORD-OF-REWINDER")}
        for number, name in enumerate(NAMES, 1):
            folder = self.folder / name
            folder.mkdir(mode=0o700)
            inside = []
            if root:
                inside = [*self._make_namespace(number, f"{addresses[name]}/24"), "setpriv", f"--reuid={user.pw_uid}",
                          f"--regid={user.pw_gid}", "--clear-groups"]
            shutil.copy(key, folder / "server.key")
            (folder / "server.key").chmod(0o600)
            others = {"10.0.0.0/24": f"{network}.0/24"} | {f"10.0.0.{at}": addresses[one] for at, one in enumerate(NAMES, 1)}
            own = {"name: db1": f"name: {name}", "listen: 10.0.0.1": f"listen: {addresses[name]}",
                   "connect_address: 10.0.0.1": f"connect_address: {addresses[name]}", "ETCD_NAME=db1": f"ETCD_NAME={name}",
                   "URLS=http://10.0.0.1": f"URLS=http://{addresses[name]}"}
            places = {"/var/lib/etcd/vodlift": folder / "etcd", "/var/lib/postgresql/15/vodlift": folder / "data",
                      "/var/lib/postgresql/.patroni.pgpass": folder / "pgpass", "/var/run/postgresql": folder,
                      "/etc/vodlift-db/server.crt": certificate, "/etc/vodlift-db/server.key": folder / "server.key"}
            if not root:
                places["local all postgres peer"] = "local all postgres trust"
            for example in ("patroni.yml", "etcd.env"):
                text = (EXAMPLES / example).read_text().replace("      parameters:\n", f"      parameters:\n{self._parameters}", 1)
                for before, after in (own | others | places | passwords).items():
                    text = text.replace(before, str(after))
                assert not re.search(r"10\.0\.0\.|PASSWORD-OF|/etc/|/var/", re.sub("^ *#.*", "", text, flags=re.MULTILINE)), text
                (folder / example).write_text(text)
                (folder / example).chmod(0o600)
            if root:
                for path in (folder, *folder.iterdir()):
                    os.chown(path, user.pw_uid, user.pw_gid)
            self.machines[name] = Machine(name, folder, addresses[name], inside, f"{self._bridge}-{number}" if root else "")

    def _make_bridge(self) -> str:
        """The first that nobody has; gives back the first three numbers of its network."""
        for number in range(256):
            name = f"vlha{number}"
            if subprocess.run(["ip", "link", "add", name, "type", "bridge"], capture_output=True).returncode == 0:
                self._bridge = name
                subprocess.run(["ip", "address", "add", f"10.213.{number}.254/24", "dev", name], check=True)
                subprocess.run(["ip", "link", "set", name, "up"], check=True)
                return f"10.213.{number}"
        raise RuntimeError("no bridge can be made: ip link add type bridge needs root")

    def _make_namespace(self, number: int, address: str) -> list[str]:
        """It lasts as long as one process in it; gives back a command that enters it."""
        held = subprocess.Popen(["unshare", "--net", "sh", "-c", "echo ready; exec sleep infinity"], stdout=subprocess.PIPE)
        self._namespaces.append(held)
        held.stdout.readline()
        enter = ["nsenter", f"--net=/proc/{held.pid}/ns/net"]
        port = f"{self._bridge}-{number}"
        subprocess.run(["ip", "link", "add", port, "type", "veth", "peer", "name", "eth0", "netns", str(held.pid)], check=True)
        subprocess.run(["ip", "link", "set", port, "master", self._bridge, "up"], check=True)
        for command in (f"address add {address} dev eth0", "link set eth0 up", "link set lo up"):
            subprocess.run([*enter, "ip", *command.split()], check=True)
        return enter

    def url(self) -> str:
        """[store] url with all three, as the page says. The password is in a file of this user."""
        hosts = ",".join(machine.address for machine in self.machines.values())
        return (f"postgresql://vodlift@{hosts}/vodlift?sslmode=verify-full&sslrootcert={self.folder / 'server.crt'}"
                f"&passfile={self.folder / 'pgpass'}")

    def members(self) -> dict[str, dict]:
        """The members by name, as any machine that answers knows them: role, state, lag and so on."""
        for machine in self.machines.values():
            try:
                return {one["name"]: one for one in machine.ask("/cluster")["members"]}
            except OSError:
                pass
        return {}

    def primary(self, within_s: float = 60) -> str:
        """The machine whose server takes changes, once there is one."""
        def leader():
            for name, machine in self.machines.items():
                try:
                    if machine.ask("/primary")["role"] == "master":  # not while it is about to become one
                        return name
                except OSError:
                    pass
            return None

        return wait_until(leader, within_s, "there is a primary", poll_s=0.1)

    def wait_healthy(self, within_s: float = 60) -> str:
        """Until one is primary, both others follow it, and one of them is its synchronous standby; gives back the primary."""
        def healthy():
            members = self.members()
            roles = sorted(one["role"] for one in members.values() if one["state"] in ("running", "streaming"))
            if roles != ["leader", "replica", "sync_standby"]:
                return None
            name = next(name for name, one in members.items() if one["role"] == "leader")
            try:
                states = self.machines[name].sql("SELECT state, sync_state FROM pg_stat_replication ORDER BY 2", "postgres", 5)
            except (RuntimeError, subprocess.TimeoutExpired):
                return None
            return name if states.split() == ["streaming|async", "streaming|sync"] else None

        try:
            return wait_until(healthy, within_s, "one is primary and both others follow it", poll_s=0.2)
        except AssertionError as failed:
            raise AssertionError(f"{failed}\n{self.members()}\n{self.logs()[-6000:]}") from None

    def kill_primary(self) -> str:
        """kill -9 of all that runs on the primary's machine; gives back its name."""
        name = self.primary()
        self.kill(name)
        return name

    def kill(self, name: str) -> None:
        self.machines[name].kill()

    def restart(self, name: str) -> None:
        """Starts the machine again after it was killed."""
        self.machines[name].start()

    def stop(self, name: str) -> None:
        """SIGSTOP of all that runs on it."""
        self.machines[name].send(signal.SIGSTOP)

    def cont(self, name: str) -> None:
        self.machines[name].send(signal.SIGCONT)

    def cut(self, name: str) -> None:
        """Takes its link away: nothing comes to it or from it, and nobody is told."""
        self.machines[name].link("down")

    def heal(self, name: str) -> None:
        self.machines[name].link("up")

    def sql(self, text: str) -> str:
        """In the database of the primary."""
        return self.machines[self.primary()].sql(text)

    def logs(self) -> str:
        return "".join(f"--- {path.relative_to(self.folder)}\n{path.read_text(errors='replace')}" for path in sorted(self.folder.glob("*/log")))

    def close(self) -> None:
        for machine in self.machines.values():
            machine.kill()
        for held in self._namespaces:
            held.kill()
            held.wait(10)
            held.stdout.close()
        if self._bridge:
            for number in range(1, len(NAMES) + 1):
                subprocess.run(["ip", "link", "delete", f"{self._bridge}-{number}"], capture_output=True)
            subprocess.run(["ip", "link", "delete", self._bridge], check=True)
        shutil.rmtree(self.folder)


def main() -> None:
    began = time.monotonic()
    cluster = HaCluster()
    try:
        print(f"healthy after {time.monotonic() - began:.0f} s; files are in {cluster.folder}\n[store] url = \"{cluster.url()}\"", flush=True)
        for line in sys.stdin:
            command, name = (line.split() + ["", ""])[:2]
            if command == "status":
                for member in cluster.members().values():
                    print(f"{member['name']}: {member['role']}, {member['state']}, timeline {member.get('timeline')}", flush=True)
            elif command == "kill" and not name:
                print(f"killed {cluster.kill_primary()}", flush=True)
            elif command in ("kill", "restart", "stop", "cont", "cut", "heal") and name in NAMES:
                getattr(cluster, command)(name)
            else:
                print("status, kill [NAME], restart NAME, stop NAME, cont NAME, cut NAME, heal NAME", flush=True)
    finally:
        cluster.close()


if __name__ == "__main__":
    main()

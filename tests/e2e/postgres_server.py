"""A real PostgreSQL 15 of the tests' own, on a private Unix socket."""

import contextlib
import os
import pathlib
import shutil
import signal
import subprocess
import tempfile

from support import need_user, wait_until

PROGRAMS = pathlib.Path("/usr/lib/postgresql/15/bin")
PASSWORD = "not-so-secret word"


class PostgresServer:
    """It does not sync, which makes it fast, so the daemon must be told to accept that. `role` needs the password, the
    usual role `vodlift` none. `settings`: more of them, as postgres -c takes them. `room_mib`: its files lie on a disk of that size in
    memory, which needs the right to mount."""

    role = "secured"

    def __init__(self, settings: tuple[str, ...] = (), room_mib: int = 0):
        user = need_user("postgres", "a PostgreSQL server") if os.geteuid() == 0 else None  # it does not run as root
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="vodlift-pg-"))
        self._settings = [word for one in settings for word in ("-c", one)]
        self._has_disk = room_mib > 0
        if self._has_disk:
            subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={room_mib}m,mode=755", "tmpfs", self.folder], check=True)
        self._databases = 0
        self._process: subprocess.Popen | None = None
        self._as_user: list[str] = []
        if user:
            os.chown(self.folder, user.pw_uid, user.pw_gid)
            self._as_user = ["setpriv", f"--reuid={user.pw_uid}", f"--regid={user.pw_gid}", "--clear-groups"]
        try:
            self._run("initdb", "-D", self.folder / "data", "-A", "trust", "-U", "vodlift", "-E", "UTF8", "--locale=C",
                      "--no-sync", "--no-instructions")
            rules = self.folder / "data/pg_hba.conf"
            rules.write_text(f"local all {self.role} scram-sha-256\n{rules.read_text()}")
            self.start()
            self.sql("postgres", f"CREATE ROLE {self.role} LOGIN PASSWORD '{PASSWORD}'")
        except BaseException:
            self.close()
            raise

    def start(self) -> None:
        with open(self.folder / "log", "ab") as log:
            self._process = subprocess.Popen(
                [*self._as_user, PROGRAMS / "postgres", "-D", self.folder / "data", "-k", self.folder, "-c", "listen_addresses=",
                 "-c", "fsync=off", "-c", "max_connections=200", *self._settings], stdout=log, stderr=log, stdin=subprocess.DEVNULL, cwd="/")

        def answers():
            assert self._process.poll() is None, (self.folder / "log").read_text()
            return subprocess.run([PROGRAMS / "pg_isready", "-q", "-h", self.folder], timeout=10).returncode == 0

        wait_until(answers, 30, "PostgreSQL takes connections", poll_s=0.05)

    @property
    def pid(self) -> int:
        return self._process.pid

    def stop(self, mode: str = "fast") -> None:
        """`fast`: in order, without waiting for clients; `immediate`: as a crash of its processes."""
        self._run("pg_ctl", "stop", "-D", self.folder / "data", "-m", mode, "-w", "-s")
        self._process.wait(10)

    def kill9(self) -> None:
        """Kills all its processes at once: what only its memory had is lost."""
        def state(process: int) -> str:
            try:
                return pathlib.Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0]
            except (FileNotFoundError, ProcessLookupError):
                return "gone"

        self._process.send_signal(signal.SIGSTOP)  # so that it starts no other
        wait_until(lambda: state(self._process.pid) == "T", 10, "the first process has stopped", poll_s=0.001)
        children = [*map(int, pathlib.Path(f"/proc/{self._process.pid}/task/{self._process.pid}/children").read_text().split())]
        for one in [*children, self._process.pid]:
            with contextlib.suppress(ProcessLookupError):
                os.kill(one, signal.SIGKILL)
        self._process.wait(10)
        # While one of them has its memory, no server starts here.
        wait_until(lambda: all(state(one) in ("Z", "X", "gone") for one in children), 10, "all its processes have ended", poll_s=0.001)

    @property
    def runs(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def close(self) -> None:
        if self.runs:
            self.stop("immediate")
        if self._has_disk:
            subprocess.run(["umount", "--lazy", self.folder], check=True)
        shutil.rmtree(self.folder)

    def sql(self, database: str, text: str) -> str:
        """Runs it; what it answers, a row a line."""
        done = subprocess.run([PROGRAMS / "psql", "-h", self.folder, "-U", "vodlift", "-d", database, "-v", "ON_ERROR_STOP=1",
                               "-qAtc", text], capture_output=True, text=True, timeout=30)
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    def new_database(self) -> str:
        self._databases += 1
        name = f"test{self._databases}"
        self.sql("postgres", f"CREATE DATABASE {name}")
        return name

    def url(self, database: str, user: str = "vodlift") -> str:
        return f"postgresql://{user}@/{database}?host={self.folder}"

    @contextlib.contextmanager
    def pooler(self):
        """PgBouncer in front of it, which pools sessions; a function that gives the URL of a database through it."""
        folder = self.folder / "pooler"
        folder.mkdir()
        (folder / "users").write_text('"vodlift" ""\n')
        (folder / "pgbouncer.ini").write_text("\n".join([
            "[databases]", f"* = host={self.folder}", "[pgbouncer]", "pool_mode = session", "default_pool_size = 40",
            f"unix_socket_dir = {folder}", "listen_port = 6432", "auth_type = trust", f"auth_file = {folder / 'users'}", ""]))
        for path in (folder, *folder.iterdir()):
            shutil.chown(path, self.folder.stat().st_uid)
        with open(folder / "log", "wb") as log:
            process = subprocess.Popen([*self._as_user, "pgbouncer", folder / "pgbouncer.ini"], stdout=log, stderr=log, cwd="/")
        try:
            wait_until((folder / ".s.PGSQL.6432").exists, 10, "PgBouncer takes connections")
            yield lambda database: f"postgresql://vodlift@:6432/{database}?host={folder}"
        finally:
            process.kill()
            process.wait(10)
            shutil.rmtree(folder)

    def _run(self, program: str, *arguments) -> None:
        done = subprocess.run([*self._as_user, PROGRAMS / program, *arguments], capture_output=True, text=True, timeout=60, cwd="/")
        assert done.returncode == 0, f"{program}: {done.stderr}"

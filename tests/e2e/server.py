"""The real vodlift as a process of its own, in a folder of its own, administered through its command line."""

import contextlib
import dataclasses
import json
import os
import pathlib
import re
import resource
import shutil
import signal
import subprocess
import tempfile
import typing
import urllib.error
import urllib.request

from api_client import ApiClient
from support import binary, wait_until


@dataclasses.dataclass
class Key:
    api_key: str
    secret: str


class Server:
    """One daemon. Its folder holds configuration, database, logs and the storage `sestore4`; close() removes it all."""

    def __init__(self, **settings):
        # A short name: a Unix socket's path has 107 bytes at most.
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="vodlift-e2e-"))
        self.storage = self.folder / "storage"
        self.storage.mkdir()
        self.socket = self.folder / "admin.sock"
        self.store = self.folder / "vodlift.db"
        self.config = self.folder / "vodlift.toml"
        self.configure(**settings)
        self.process: subprocess.Popen | None = None
        self.url = ""
        self.secrets: list[str] = []  # what must never be seen in a log
        self.environment: dict[str, str] = {}  # besides PATH, from the next start on
        self._runs = 0
        self.obeys_modes = False  # from the next start on: may not read what the files' modes forbid, though root starts it

    def configure(self, allow_networks: tuple[str, ...] = ("127.0.0.0/8",), allow_ports: tuple[str, ...] = ("1024-65535",), uploads: int = 4, parts: int = 4,
                  log_format: str = "json", log_level: str = "info", server: str = "", storage: str = "",
                  quiet_s: int = 0, turn_s: int = 30, extra: str = "", store: typing.Callable[["Server"], str] | None = None) -> None:
        """Writes the configuration file; it counts from the next start on. `server` and `storage` are lines added to those
        sections, `extra` is whole sections, `store` gives the lines of another database than the file."""
        self.config.write_text("\n".join([
            "[server]", 'listen = "127.0.0.1:0"', f'admin_socket = "{self.socket}"', server,
            "[store]", store(self) if store else f'path = "{self.store}"',
            "[[storage]]", 'name = "sestore4"', f'root = "{self.storage}"', storage,
            "[worker]", f"uploads = {uploads}", f"parts_per_upload = {parts}", f"source_quiet_s = {quiet_s}", f"turn_s = {turn_s}",
            "[callback]", f"allow_networks = {json.dumps(list(allow_networks))}", f"allow_ports = {json.dumps(list(allow_ports))}",
            "[log]", f'format = "{log_format}"', f'level = "{log_level}"', extra, ""]))

    def start(self) -> None:
        assert self.process is None, "it runs already"
        self._runs += 1
        out = self.folder / f"stdout.{self._runs}"
        with open(out, "wb") as stdout, open(self.folder / f"stderr.{self._runs}", "wb") as stderr:
            root = self.obeys_modes and os.geteuid() == 0
            without = ["setpriv", "--securebits=+noroot", "--inh-caps=-all", "--ambient-caps=-all"] if root else []
            self.process = subprocess.Popen([*without, binary(), "serve", "--config", self.config], stdout=stdout,
                                            stderr=stderr, stdin=subprocess.DEVNULL,
                                            env={"PATH": os.defpath} | self.environment)
        pattern = re.compile(r"^(?:listening on (https?://\S+)|roles: \S+)$", re.MULTILINE)

        def line():
            assert self.process.poll() is None, f"vodlift ended at start: {self.process.returncode}\n{self.logs()}"
            return pattern.search(out.read_text())

        self.url = wait_until(line, 20, "vodlift prints where it listens, or that it does not")[1] or ""
        wait_until(self.socket.exists, 5, "the admin socket is there")

    def refused_start(self, code: int | None = None) -> str:
        """Starts it, which must fail (with this exit code, if one is given); what it printed."""
        done = subprocess.run([binary(), "serve", "--config", self.config], capture_output=True, text=True, timeout=30)
        assert done.returncode != 0 and code in (None, done.returncode), done
        return done.stdout + done.stderr

    def kill9(self) -> None:
        self.process.kill()
        self.process.wait(10)
        self.process = None

    def stop(self, within_s: float = 30) -> None:
        """Ends it as a service manager does. It must end with code 0 and in time."""
        self.process.send_signal(signal.SIGTERM)
        code = self.process.wait(within_s)
        self.process = None
        assert code == 0, f"vodlift ended with {code} after SIGTERM\n{self.logs()}"

    @contextlib.contextmanager
    def full_disk(self):
        """While this lasts, its files cannot grow, except for some lines of its logs. The database, which writes pages, finds no room."""
        logs = [*self.folder.glob("std*.*"), *self.folder.glob("*.log")]
        size = max(path.stat().st_size for path in logs) + 8192
        before = resource.prlimit(self.process.pid, resource.RLIMIT_FSIZE)
        resource.prlimit(self.process.pid, resource.RLIMIT_FSIZE, (size, before[1]))
        try:
            yield
        finally:
            resource.prlimit(self.process.pid, resource.RLIMIT_FSIZE, before)

    def restart(self) -> None:
        if self.process:
            self.stop()
        self.start()

    def close(self) -> None:
        """Stops it, removes its folder, and fails if its logs have a secret."""
        try:
            if self.process:
                self.stop()
            logs = self.logs()
            for secret in self.secrets:
                assert secret not in logs, f"the logs have a secret: {secret[:4]}…"
        finally:
            self.remove()

    def remove(self) -> None:
        """Ends it by force, if it still runs, and removes its folder."""
        if self.process:
            self.kill9()
        shutil.rmtree(self.folder)

    def logs(self) -> str:
        return "".join(f"--- {path.name}\n{path.read_text(errors='replace')}"
                       for path in sorted(self.folder.glob("std*.*")))

    def printed(self, pattern: str) -> str:
        """What the group of `pattern` matches in the standard output of this run; empty: nothing matches."""
        found = re.search(pattern, (self.folder / f"stdout.{self._runs}").read_text())
        return found[1] if found else ""

    def metrics(self) -> str:
        """The page of `[metrics] listen`."""
        with urllib.request.urlopen(self.printed(r"monitoring: (\S+)"), timeout=10) as page:
            return page.read().decode()

    def readiness(self) -> tuple[int, dict]:
        """Status and body of /readyz of `[metrics] listen`."""
        url = self.printed(r"monitoring: (\S+)").replace("/metrics", "/readyz")
        try:
            with urllib.request.urlopen(url, timeout=10) as answer:
                return answer.status, json.loads(answer.read())
        except urllib.error.HTTPError as refused:
            return refused.code, json.loads(refused.read())

    def run_cli(self, *arguments, stdin: str = "", within_s: float = 30) -> subprocess.CompletedProcess:
        """Runs the command line against this daemon. It may fail."""
        return subprocess.run([binary(), *map(str, arguments), "--socket", self.socket], input=stdin, text=True,
                              capture_output=True, timeout=within_s, env={"PATH": os.defpath})

    def cli(self, *arguments, stdin: str = "") -> str:
        """Runs the command line, which must succeed; returns its standard output."""
        done = self.run_cli(*arguments, stdin=stdin)
        assert done.returncode == 0, f"vodlift {' '.join(map(str, arguments))}: {done.returncode}\n{done.stderr}"
        return done.stdout

    def add_account(self, cdn: int = 158, user: str = "jb") -> dict:
        (self.storage / user).mkdir(exist_ok=True)
        account = json.loads(self.cli("account", "add", "--cdn", cdn, "--user", user, "--json"))
        self.secrets.append(account["webhook_secret"])
        return account

    def add_key(self, cdn: int = 158, permissions: str | None = None) -> Key:
        rules = ["--permissions", permissions] if permissions else []
        key = json.loads(self.cli("key", "add", "--cdn", cdn, *rules, "--json"))
        self.secrets.append(key["secret"])
        return Key(key["api_key"], key["secret"])

    def add_bucket(self, bucket: str, endpoint: str, access_key: str, secret_key: str, cdn: int = 158,
                   region: str = "us-east-1", acl_policy: str | None = None, more: tuple[str, ...] = ()) -> None:
        secret_file = self.folder / "bucket-secret"
        secret_file.write_text(secret_key + "\n")
        policy = ["--acl-policy", acl_policy] if acl_policy else []
        self.cli("bucket", "add", "--cdn", cdn, "--bucket", bucket, "--endpoint", endpoint, "--region", region,
                 "--access-key", access_key, "--secret-key-file", secret_file, "--path-style", "--replace", *policy, *more)
        secret_file.unlink()
        self.secrets.append(secret_key)


class Site:
    """A running server with one account (158, user jb), one key, and a client that uses it."""

    def __init__(self, **config):
        self.server = Server(**config)
        try:
            self.server.start()
            self.account = self.server.add_account()
            self.key = self.server.add_key()
        except BaseException:
            self.server.remove()
            raise

    @property
    def api(self) -> ApiClient:
        return self.api_of(self.server)

    def api_of(self, server: Server) -> ApiClient:
        """The account's client of another node on the same database."""
        return ApiClient(server.url, self.key.api_key, self.key.secret)

    @property
    def files(self) -> pathlib.Path:
        """The account's folder; a file in it is `sestore4/jb/NAME` to the API."""
        return self.server.storage / "jb"

    def use(self, s3, bucket: str, **options) -> None:
        """Gives the account a bucket on an S3 server (anything with endpoint, access_key and secret_key)."""
        self.server.add_bucket(bucket, s3.endpoint, s3.access_key, s3.secret_key, **options)

    def queue(self, name: str, bucket: str, destination: str | None = None, **fields) -> int:
        """aws.upload of a file in the account's folder, which must be accepted; returns the id."""
        answer = self.api.upload(f"sestore4/jb/{name}", destination or name, bucket, **fields)
        assert answer.ok and answer.message == "Queued file for upload", answer
        assert isinstance(answer.data, int) and answer.data >= 1, answer
        return answer.data

    def wait_for(self, upload_id: int, *states: str, within_s: float = 30) -> dict:
        """The upload's object once it is in one of `states`; fails at once in another end state."""
        last: dict = {}

        def there():
            last.update(self.api.status(upload_id))
            if last["state"] in states:
                return last
            assert last["state"] not in ("completed", "failed", "cancelled"), f"{last}\n{self.server.logs()}"
            return None

        try:
            return wait_until(there, within_s, f"upload {upload_id} becomes {' or '.join(states)}")
        except AssertionError as failure:
            raise AssertionError(f"{failure}\nlast seen: {last}\n{self.server.logs()[-8000:]}") from None

    def close(self) -> None:
        self.server.close()

"""A Debian 12 in a folder, in which packages are installed with apt. Only root can make one."""

import hashlib
import os
import pathlib
import shlex
import signal
import subprocess

from support import wait_until


def run(*command, within_s: float = 600) -> str:
    done = subprocess.run([*map(str, command)], capture_output=True, text=True, timeout=within_s, stdin=subprocess.DEVNULL)
    assert done.returncode == 0, f"{shlex.join(map(str, command))}\n{done.stdout}\n{done.stderr}"
    return done.stdout


def archive_for(package: pathlib.Path) -> pathlib.Path:
    """A minimal Debian 12 with apt's lists, and the packages that `package` depends on, in apt's cache. It is made once for
    each list of dependencies, and then kept in the user's cache."""
    depends = run("dpkg-deb", "--field", package, "Depends")
    folder = pathlib.Path(os.environ.get("XDG_CACHE_HOME") or pathlib.Path.home() / ".cache") / "vodlift/debian"
    archive = folder / f"{hashlib.sha256(depends.encode()).hexdigest()[:12]}.tar"
    if not archive.exists():
        folder.mkdir(parents=True, exist_ok=True)
        for old in folder.glob("*.tar"):
            old.unlink()
        part = folder / f"{archive.stem}.{os.getpid()}.part.tar"
        sites = run("apt-get", "indextargets", "--format", "$(REPO_URI) $(CODENAME)", "Created-By: Packages").splitlines()
        site = next((line.split()[0] for line in sites if line.endswith(" bookworm")), "http://deb.debian.org/debian/")
        download = "chroot \"$1\" apt-get -qq install --no-install-recommends --download-only -y /tmp/package.deb"
        run("mmdebstrap", "--quiet", "--mode=root", "--variant=minbase", "--skip=cleanup/apt", "--skip=output/dev",
            f"--customize-hook=cp {shlex.quote(str(package))} \"$1/tmp/package.deb\"", f"--customize-hook={download}",
            "bookworm", part, f"deb {site} bookworm main")
        part.rename(archive)
    return archive


class DebianRoot:
    """The system in `folder`, which does not run: its daemons are started by hand."""

    def __init__(self, folder: pathlib.Path, package: pathlib.Path):
        self.folder = folder
        self.daemon: subprocess.Popen | None = None
        run("tar", "--extract", "--file", archive_for(package), "--directory", folder)
        (folder / "dev").mkdir()  # scripts of packages write to /dev/null
        os.mknod(folder / "dev/null", 0o666 | 0o020000, os.makedev(1, 3))
        (folder / "dev/null").chmod(0o666)

    def inside(self, *command, user: str = "root") -> list[str]:
        """The command line that runs `command` in there, with a /proc, as the same process. (Sandboxes of apt: not here.)"""
        chroot = shlex.join(["chroot", f"--userspec={user}:{user}", str(self.folder), "env", "-i", "DEBIAN_FRONTEND=noninteractive",
                             "PATH=/usr/sbin:/usr/bin:/sbin:/bin", *map(str, command)])
        return ["unshare", "--mount", "sh", "-c", f"mount -t proc proc {shlex.quote(str(self.folder / 'proc'))} && exec {chroot}"]

    def run(self, *command) -> str:
        return run(*self.inside(*command))

    def apt(self, *arguments) -> str:
        return self.run("apt-get", "-y", "-q", "--no-install-recommends", *arguments)

    def install(self, package: pathlib.Path) -> str:
        target = self.folder / "tmp/package.deb"
        target.write_bytes(package.read_bytes())
        return self.apt("install", "/tmp/package.deb")

    def about(self, path: str) -> tuple[str, str]:
        """Mode, and owner with group, as the names that the system in there has for them."""
        mode, _, owner = self.run("stat", "--format", "%a %U:%G", path).strip().partition(" ")
        return mode, owner

    def start(self, *command, user: str, ready: str) -> None:
        """Starts a daemon, and waits until it prints `ready`."""
        out = self.folder / "tmp/daemon.log"
        with open(out, "wb") as log:
            self.daemon = subprocess.Popen(self.inside(*command, user=user), stdout=log, stderr=log, stdin=subprocess.DEVNULL)

        def started():
            assert self.daemon.poll() is None, out.read_text()
            return ready in out.read_text()

        wait_until(started, 30, f"the daemon prints {ready}")

    def stop(self) -> None:
        """As systemd stops it."""
        self.daemon.send_signal(signal.SIGTERM)
        code = self.daemon.wait(35)
        self.daemon = None
        assert code == 0, (self.folder / "tmp/daemon.log").read_text()

    def close(self) -> None:
        if self.daemon:
            self.daemon.kill()
            self.daemon.wait()

"""Small things that every e2e test needs."""

import hashlib
import os
import pathlib
import pwd
import re
import subprocess
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
KIB = 1024
MIB = 1024 * 1024


def binary() -> pathlib.Path:
    """The vodlift under test: $VODLIFT_BINARY, or the release build."""
    path = pathlib.Path(os.environ.get("VODLIFT_BINARY", ROOT / "build/release/vodlift"))
    if not os.access(path, os.X_OK):
        raise FileNotFoundError(f"{path} is not there: build it with ./do build, or name another in VODLIFT_BINARY")
    return path.resolve()


def need_capability(number: int, what: str) -> None:
    """Reports that a test could not be run where this process lacks a Linux capability. `what` needs it."""
    held = int(re.search(r"CapEff:\s*(\w+)", pathlib.Path("/proc/self/status").read_text())[1], 16)
    if not held >> number & 1:
        # Here, because the demo and the benchmark use this file without pytest.
        import pytest

        from catalogue_rows import NOT_RUN

        pytest.skip(f"{NOT_RUN}{what} needs root, or a user namespace (./do e2e makes one where the system allows it)")


def need_user(name: str, what: str) -> pwd.struct_passwd:
    """The user as whom `what` runs, because it does not run as root. Reports that a test could not be run where root cannot become
    that user: a user namespace may know root alone."""
    user = pwd.getpwnam(name)
    ranges = (map(int, line.split()) for line in pathlib.Path("/proc/self/uid_map").read_text().splitlines())
    if not any(first <= user.pw_uid < first + count for first, _, count in ranges):
        import pytest

        from catalogue_rows import NOT_RUN

        pytest.skip(f"{NOT_RUN}{what} needs root itself: this user namespace has no user {name}")
    return user


CAP_SYS_PTRACE, CAP_SYS_ADMIN = 19, 21


def build_dir() -> pathlib.Path:
    return binary().parent


def wait_until(condition, within_s: float, what: str, poll_s: float = 0.02):
    """The first true value of condition(). Fails if there is none in time, with the message that `what` did not happen."""
    deadline = time.monotonic() + within_s
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() >= deadline:
            raise AssertionError(f"not within {within_s} s: {what}")
        time.sleep(poll_s)


def make_file(path: pathlib.Path, size: int, in_place: bool = False) -> str:
    """Random bytes, so that no two parts are alike; gives back their SHA-256. `in_place` writes over a file of that size
    without making it shorter meanwhile, as an empty file is a version too that may be uploaded."""
    path.parent.mkdir(parents=True, exist_ok=True)
    digest = hashlib.sha256()
    with open(path, "r+b" if in_place else "wb") as out:
        left = size
        while left > 0:
            chunk = os.urandom(min(left, 4 * MIB))
            digest.update(chunk)
            out.write(chunk)
            left -= len(chunk)
    return digest.hexdigest()


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()

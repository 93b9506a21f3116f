"""The package in a Debian 12: installed, used, upgraded while an upload runs, removed, installed again, purged. `./do package-test`.

No systemd runs there. What it would do for the maintainer scripts (start, stop, RuntimeDirectory=) is done here."""

import json
import os
import pathlib
import subprocess

import pytest

from catalogue_rows import NOT_RUN
from debian_root import DebianRoot, run
from support import MIB, ROOT, build_dir, make_file, sha256, wait_until

PART = 16 * MIB
SIZE = 5 * PART + 1000  # six parts
CONFIGURATION = "/etc/vodlift/vodlift.toml"


def build_package(folder: pathlib.Path, version: str) -> pathlib.Path:
    os.environ["VODLIFT_PACKAGE_VERSION"] = version
    return pathlib.Path(run(ROOT / "packaging/build-deb", build_dir(), folder).strip())


@pytest.fixture(scope="module")
def debian(tmp_path_factory):
    """With the first version of the package."""
    if os.geteuid() != 0 or pathlib.Path("/proc/self/uid_map").read_text().split()[2] == "1":
        pytest.skip(f"{NOT_RUN}a Debian in a folder needs root")
    package = build_package(tmp_path_factory.mktemp("first"), "0.0.1")
    system = DebianRoot(tmp_path_factory.mktemp("debian"), package)
    system.install(package)
    yield system
    system.close()


@pytest.fixture(scope="module")
def next_package(tmp_path_factory):
    return build_package(tmp_path_factory.mktemp("second"), "0.0.2")


def start(debian) -> None:
    debian.run("install", "-d", "-m", "0700", "-o", "vodlift", "-g", "vodlift", "/run/vodlift")
    debian.start("/usr/bin/vodlift", "serve", "--config", CONFIGURATION, user="vodlift", ready="listening on http://127.0.0.1:")


def state_of(debian, upload: int) -> dict:
    return json.loads(debian.run("vodlift", "status", upload, "--json"))


def test_1_users_and_modes(debian):
    assert debian.run("getent", "passwd", "vodlift").rstrip().endswith(":/var/lib/vodlift:/usr/sbin/nologin")
    assert debian.about(CONFIGURATION) == ("640", "root:vodlift")
    assert debian.about("/var/lib/vodlift") == ("700", "vodlift:vodlift")
    assert debian.about("/usr/bin/vodlift") == ("755", "root:root")
    enabled = {path.name for path in (debian.folder / "etc/systemd/system").glob("*.wants/vodlift*")}
    assert enabled == {"vodlift.service"}


def test_2_units(debian):
    units = sorted(f"/lib/systemd/system/{path.name}" for path in (debian.folder / "lib/systemd/system").glob("vodlift.*"))
    done = subprocess.run(debian.inside("systemd-analyze", "verify", "--man=no", *units), capture_output=True, text=True, timeout=60)
    assert (done.returncode, [line for line in done.stderr.splitlines() if "vodlift" in line]) == (0, [])


def test_3_the_example_starts_without_its_storage(debian):
    configuration = debian.folder / CONFIGURATION.lstrip("/")
    example = configuration.read_text()
    assert not (debian.folder / "mnt/sestore4").exists()
    edited = example.replace("127.0.0.1:8080", "127.0.0.1:0").replace("# source_quiet_s = 5 ", "source_quiet_s = 0 ")
    configuration.write_text(edited)  # a port that no other test has; the file is sent as it is
    start(debian)


def begin_upload(debian, fake) -> tuple[int, str]:
    """An upload of which two parts are confirmed, and the next ones hang."""
    digest = make_file(debian.folder / "mnt/sestore4/jb/film.mp4", SIZE)
    (debian.folder / "root/secret").write_text(fake.secret_key + "\n")
    debian.run("vodlift", "account", "add", "--cdn", 158, "--user", "jb")
    debian.run("vodlift", "bucket", "add", "--cdn", 158, "--bucket", "videos", "--endpoint", fake.endpoint, "--region", "us-east-1",
               "--access-key", fake.access_key, "--secret-key-file", "/root/secret", "--path-style")
    fake.play({"about": "test", "rules": [{"operation": "UploadPart", "if_part_above": 2, "fault": {"hold": True}}]})
    queued = json.loads(debian.run("vodlift", "upload", "sestore4/jb/film.mp4", "--cdn", 158, "--bucket", "videos", "--json"))
    upload = queued["id"]
    wait_until(lambda: state_of(debian, upload)["bytes_sent"] == 2 * PART, 30, "two parts are confirmed", poll_s=0.2)
    return upload, digest


def test_4_an_upgrade_while_an_upload_runs(debian, fake, next_package):
    upload, digest = begin_upload(debian, fake)
    configuration = (debian.folder / CONFIGURATION.lstrip("/")).read_text()
    debian.install(next_package)
    assert debian.run("dpkg-query", "-W", "-f", "${Version}", "vodlift") == "0.0.2"
    assert (debian.folder / CONFIGURATION.lstrip("/")).read_text() == configuration
    assert state_of(debian, upload)["state"] == "uploading", "the old program still runs"

    fake.play({"about": "no fault", "rules": []})
    debian.stop()
    start(debian)
    wait_until(lambda: state_of(debian, upload)["state"] == "completed", 60, "the upload completes", poll_s=0.2)
    assert sha256(fake.object("videos", "film.mp4").body) == digest
    stored = [one.part for one in fake.seen("UploadPart", stored=True)]
    assert sorted(stored) == [1, 2, 3, 4, 5, 6], "no part is sent twice"
    debian.stop()


def test_5_removal_keeps_the_data(debian, next_package):
    debian.apt("remove", "vodlift")
    assert not (debian.folder / "usr/bin/vodlift").exists() and not (debian.folder / "lib/systemd/system/vodlift.service").exists()
    for kept in ("vodlift.db", "master.key"):
        assert debian.about(f"/var/lib/vodlift/{kept}") == ("600", "vodlift:vodlift")
    assert debian.about(CONFIGURATION) == ("640", "root:vodlift")

    debian.install(next_package)
    start(debian)
    assert state_of(debian, 1)["state"] == "completed", "the package installed again goes on with the database"
    debian.stop()


def test_6_purge(debian):
    """It removes the data, but nothing that is mounted below them."""
    debian.run("vodlift", "init", "--config", CONFIGURATION)
    mounted = debian.folder / "var/lib/vodlift/mounted"
    mounted.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "tmpfs", mounted], check=True)
    try:
        (mounted / "film.mp4").touch()
        debian.apt("purge", "vodlift")
        assert (mounted / "film.mp4").exists()
        assert [path.name for path in mounted.parent.iterdir()] == ["mounted"]
    finally:
        subprocess.run(["umount", mounted], check=True)
    assert not (debian.folder / "etc/vodlift").exists(), "the note of `init` is gone as well"
    assert debian.run("getent", "passwd", "vodlift"), "the user stays"

"""The scripts for radosgw touch nothing that is not theirs. (That they work, the end-to-end tests show.)"""

import pathlib
import subprocess
import tempfile

HERE = pathlib.Path(__file__).parent


def run(script: str, *arguments, **options) -> subprocess.CompletedProcess:
    return subprocess.run([HERE / script, *map(str, arguments)], capture_output=True, text=True, timeout=60, **options)


def test_up_refuses_a_folder_with_something_in_it(tmp_path):
    (tmp_path / "precious").write_text("x")
    done = run("rgw-up", tmp_path)
    assert done.returncode == 1 and "not empty" in done.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["precious"]


def test_down_refuses_a_folder_of_others(tmp_path):
    (tmp_path / "precious").write_text("x")
    done = run("rgw-down", tmp_path)
    assert done.returncode == 1 and (tmp_path / "precious").exists()


def test_down_of_nothing_is_fine(tmp_path):
    assert run("rgw-down", tmp_path / "absent").returncode == 0


def test_down_spares_a_process_that_inherited_the_id(tmp_path):
    """A stale pid file must not cost a stranger's life."""
    (tmp_path / ".vodlift-rgw").touch()
    (tmp_path / "run").mkdir()
    stranger = subprocess.Popen(["sleep", "60"])
    try:
        (tmp_path / "run/rgw.pid").write_text(str(stranger.pid))
        assert run("rgw-down", tmp_path).returncode == 0 and not tmp_path.exists()
        assert stranger.poll() is None
    finally:
        stranger.kill()
        stranger.wait()


def test_usage():
    for arguments in ((), ("--unknown",), ("one", "two")):
        done = run("rgw-up", *arguments)
        assert done.returncode == 2 and "rgw-up DIR" in done.stderr
    assert run("rgw-down").returncode == 2


def test_a_failed_start_shows_the_logs_and_leaves_nothing():
    """An OSD of no size cannot be made."""
    folder = pathlib.Path(tempfile.mkdtemp(prefix="vodlift-rgw-"))
    done = run("rgw-up", folder, "--osd-bytes", 4096)
    assert done.returncode == 1 and "did not come up" in done.stderr and "--- " in done.stderr
    assert not folder.exists()
    mine = [path for path in pathlib.Path("/proc").glob("[0-9]*/cmdline") if str(folder).encode() in read(path)]
    assert not mine


def read(path: pathlib.Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:
        return b""

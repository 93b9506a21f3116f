"""Files that hold secrets are closed to others, and useless without the master key. That secrets show nowhere is row B28 of
the catalogue."""

import stat
import subprocess

from support import KIB, binary, make_file


def test_files_are_closed_to_others(site):
    folder = site.server.folder
    for path in [*folder.glob("vodlift.db*"), folder / "master.key", site.server.socket]:
        mode = path.stat().st_mode
        assert stat.S_IMODE(mode) & 0o077 == 0, f"{path.name}: {stat.filemode(mode)}"


def test_the_master_key_is_needed(site, fake):
    """Sealed under the key file: with another key the server says so at the start, and the right one still works."""
    site.use(fake, "videos")
    site.server.stop()
    key = site.server.folder / "master.key"
    right = key.read_bytes()
    # Valid whether the file holds raw bytes or hexadecimal digits.
    key.write_bytes(right[::-1])
    done = subprocess.run([binary(), "serve", "--config", site.server.config], capture_output=True, text=True,
                          timeout=20)
    assert done.returncode != 0 and "master key" in done.stderr, done
    assert "listening" not in done.stdout and fake.secret_key not in done.stderr
    key.write_bytes(right)
    site.server.start()
    make_file(site.files / "film.mp4", KIB)
    site.wait_for(site.queue("film.mp4", "videos"), "completed")

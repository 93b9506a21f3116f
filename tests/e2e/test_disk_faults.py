"""A disk that fails to sync or to read: no answer is given that the next start could prove wrong."""

import http.client
import os
import subprocess
import urllib.error

import pytest

from api_client import sign
from support import binary, make_file


@pytest.fixture
def on_a_failing_disk(new_site, fake):
    site = new_site()
    switch = site.server.folder / "syncs-fail"
    site.server.environment = {"LD_PRELOAD": str(binary().parent / "libfailing_sync.so"), "FAILING_SYNC": str(switch)}
    site.server.restart()
    site.use(fake, "videos")
    make_file(site.files / "film.mp4", 1000)
    return site, switch


def test_no_answer_is_given_that_could_be_wrong(on_a_failing_disk):
    site, switch = on_a_failing_disk
    kept = site.queue("film.mp4", "videos")
    text = sign(site.api.request("aws.upload", path="sestore4/jb/film.mp4", destination_path="doubtful.mp4",
                                 bucket="videos"), site.key.secret)
    switch.touch()
    with pytest.raises((http.client.HTTPException, urllib.error.URLError, ConnectionError)):
        site.api.post(text)
    assert site.server.process.wait(10) == 3
    site.server.process = None
    assert "failed to sync" in site.server.logs()

    switch.unlink()
    site.server.start()
    site.wait_for(kept, "completed")
    answer = site.api.post(text)  # the same bytes show how the first call ended
    assert answer.ok
    site.wait_for(answer.data, "completed")
    assert sorted(one["destination_path"] for one in site.api.all()) == ["doubtful.mp4", "film.mp4"]


@pytest.mark.parametrize("place", [0, 4096, 40_000, 100_000], ids=lambda place: f"from byte {place}")
@pytest.mark.parametrize("which", ["", "-wal"], ids=["database", "log"])
def test_a_read_error_at_the_start_is_no_damage(new_site, fake, place, which):
    """Who obeyed "restore a backup" would lose what is in the file."""
    site = new_site()
    site.use(fake, "videos")
    make_file(site.files / "film.mp4", 1000)
    ids = [site.queue("film.mp4", "videos", f"{number}.mp4") for number in range(50)]
    for upload in ids:
        site.wait_for(upload, "completed")
    if which:
        site.server.kill9()  # the log holds the last changes
    else:
        site.server.stop()
    database = site.server.store
    failing = database.with_name(database.name + which)
    assert failing.stat().st_size > place
    switch = site.server.folder / "reads-fail"
    switch.touch()
    disk = {"LD_PRELOAD": str(binary().parent / "libfailing_read.so"), "FAILING_SWITCH": str(switch),
            "FAILING_ROOT": str(failing), "FAILING_FROM": str(place)}
    done = subprocess.run([binary(), "serve", "--config", site.server.config], capture_output=True, text=True, timeout=60,
                          env={"PATH": os.defpath} | disk)
    said = done.stdout + done.stderr
    assert done.returncode != 0 and "check the disk" in said, said
    assert "damaged (" not in said and "malformed" not in said and "not a database" not in said, said
    switch.unlink()
    site.server.start()
    assert len(site.api.all()) == 50, "the file was whole all the time"

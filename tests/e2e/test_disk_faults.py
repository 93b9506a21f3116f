"""A disk that fails to sync: no answer is given that the next start could prove wrong."""

import http.client
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

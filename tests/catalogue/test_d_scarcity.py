"""The machine has no resources left: requests and attempts fail, the process stays, and nothing is lost."""

import contextlib
import http.client
import resource

import pytest

from api_client import sign
from support import KIB, MIB, build_dir, make_file, sha256, wait_until


@contextlib.contextmanager
def no_more_files(server):
    """While this lasts, the server cannot open files and connections; what is open stays open."""
    pid = server.process.pid
    before = resource.prlimit(pid, resource.RLIMIT_NOFILE)
    # The limit is of the number that a new one gets: the lowest that is free, and those below are the server's for good.
    resource.prlimit(pid, resource.RLIMIT_NOFILE, (8, before[1]))
    try:
        yield
    finally:
        resource.prlimit(pid, resource.RLIMIT_NOFILE, before)


def test_D45_the_limit_of_open_files_is_reached(new_site, fake):
    site = new_site(uploads=2)
    site.use(fake, "videos")
    digests = {f"film-{number}.mp4": make_file(site.files / f"film-{number}.mp4", KIB + number) for number in range(20)}
    fake.play({"about": "slow", "rules": [{"operation": "PutObject", "fault": {"delay_s": 0.3}}]})
    ids = [site.queue(name, "videos") for name in digests]
    with no_more_files(site.server):
        wait_until(lambda: fake.seen("PutObject"), 20, "uploads are under way")
        with contextlib.suppress(OSError):
            site.api.post(sign(site.api.request("files.getstorage"), site.key.secret), timeout=2)
        wait_until(lambda: "Too many open files" in site.server.logs(), 20, "the limit is met")
        assert site.server.process.poll() is None, site.server.logs()[-2000:]
    for upload_id in ids:
        site.wait_for(upload_id, "completed", within_s=60)
    for name, digest in digests.items():
        assert sha256(fake.object("videos", name).body) == digest
    assert site.api.call("files.getstorage").ok


@pytest.mark.parametrize("seed", [1, 2])
def test_D45_memory_runs_out_now_and_then(new_site, fake, receiver, seed):
    """What was being done fails; the process stays, and what was accepted ends as it would have, with its callback."""
    site = new_site(uploads=4)
    switch = site.server.folder / "no-memory"
    site.server.environment = {"LD_PRELOAD": str(build_dir() / "libfailing_memory.so"), "FAILING_SWITCH": str(switch),
                               "FAILING_ONE_IN": "500", "FAILING_SEED": str(seed)}
    site.server.restart()
    site.use(fake, "videos")
    digests = [make_file(site.files / name, size) for name, size in (("film.mp4", 3 * KIB), ("long.mp4", 17 * MIB))]
    taken = {}
    for turn in range(8):
        switch.touch()
        for n in range(1000):
            if len(taken) >= 10 * (turn + 1):
                break
            name = ("film.mp4", "long.mp4")[n % 20 == 0]
            with contextlib.suppress(OSError, http.client.HTTPException, ValueError, KeyError):
                request = site.api.request("aws.upload", path=f"sestore4/jb/{name}", destination_path=f"{turn}-{n}",
                                           metadata={}, acl="private", bucket="videos", callback=receiver.url)
                answer = site.api.post(sign(request, site.key.secret), timeout=5)
                if answer.ok:
                    taken[answer.data] = digests[name == "long.mp4"]
            assert site.server.process.poll() is None, site.server.logs()[-3000:]
        switch.unlink()
    assert len(taken) == 80
    for upload_id, digest in taken.items():
        ended = site.wait_for(upload_id, "completed", within_s=90)
        assert sha256(fake.object("videos", ended["destination_path"]).body) == digest
    wait_until(lambda: {one.json["data"]["id"] for one in receiver.received} >= set(taken), 90, "all ends are told")
    assert site.server.process.poll() is None

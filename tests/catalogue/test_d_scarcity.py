"""The machine has no resources left: requests and attempts fail, the process stays, and nothing is lost."""

import contextlib
import resource

from api_client import sign
from support import KIB, make_file, sha256, wait_until


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

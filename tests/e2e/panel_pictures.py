"""Makes the pictures of docs/panel/ (./do pictures): the real server with uploads in several states, and a browser."""

import contextlib
import pathlib
import sys

for folder in (".", "../fakes", "../catalogue"):
    sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent / folder))

from callback_receiver import CallbackReceiver
from fake_s3 import FakeS3
from panel import Panel
from server import Site
from support import KIB, MIB, make_file, wait_until

FILMS = {"harbour-at-dawn.mp4": 24, "interview-anna-cut3.mov": 18, "city-from-above.mxf": 96, "trailer-60s.mp4": 6, "broken-take.mp4": 14,
         "credits.mov": 12, "series/episode-01.mp4": 9, "series/episode-02.mp4": 9}


def prepare(site, fake, receiver, failing) -> dict:
    server = site.server
    for bucket in ("films", "archive"):
        fake.create_bucket(bucket)
        site.use(fake, bucket, more=("--part-size", "5MiB"))
    server.add_account(159, "north")
    server.add_key(159)
    server.add_bucket("north-films", fake.endpoint, fake.access_key, fake.secret_key, 159)
    for name, size in FILMS.items():
        make_file(site.files / "films" / name, size * MIB)
    make_file(server.storage / "north/harbour.mp4", 700 * KIB)
    server.cli("limit", "set", "--cdn", 158, "--bucket", "films", "--rate", "80MB", "--zone", "Europe/Berlin",
               "--at", "Mon-Fri 08:00-18:00 20MB", "--at", "Sat,Sun 00:00-24:00 none")

    def queue(name: str, bucket: str = "films", **fields) -> int:
        return site.queue(f"films/{name}", bucket, f"2026/{name}", **fields)

    ids = {"completed": queue("harbour-at-dawn.mp4", callback=receiver.url, metadata={"project": "harbour"})}
    done = [ids["completed"], queue("trailer-60s.mp4", acl="public-read", callback=failing.url), queue("series/episode-01.mp4"), queue("credits.mov")]
    for one in done:
        site.wait_for(one, "completed")
    ids["failed"] = queue("trailer-60s.mp4", overwrite="fail", callback=failing.url)
    site.wait_for(ids["failed"], "failed")
    fake.play({"about": "slow parts, and a bucket that refuses", "rules": [
        {"operation": "CreateMultipartUpload", "nth": 1, "fault": {"status": 403, "code": "AccessDenied", "message": "Access Denied"}},
        {"operation": "UploadPart", "if_part_above": 8, "fault": {"bytes_per_s": 16 * KIB}}]})
    refused = queue("interview-anna-cut3.mov", "archive")
    wait_until(lambda: site.api.status(refused)["error"], 20, "the bucket refuses")
    ids["running"] = queue("city-from-above.mxf")
    paused = queue("series/episode-02.mp4", priority=7)
    server.cli("upload", "pause", paused)
    cancelled = queue("broken-take.mp4")
    server.cli("upload", "cancel", cancelled)
    wait_until(lambda: site.api.status(ids["running"])["percent"] >= 40, 60, "the upload moves")
    return ids


def main() -> None:
    with contextlib.ExitStack() as stack:
        fake = stack.enter_context(FakeS3())
        receiver = stack.enter_context(CallbackReceiver())
        failing = stack.enter_context(CallbackReceiver([(503, {})]))
        site = Site(parts=2)
        stack.callback(site.server.remove)
        ids = prepare(site, fake, receiver, failing)
        panel = Panel(site.server)
        panel.admin.call("POST", "/people", {"name": "anna", "role": "operator"})
        panel.admin.call("POST", "/people", {"name": "north", "role": "customer", "cdn": 159})
        panel.admin.call("POST", "/tokens", {"label": "monitoring", "role": "viewer"})
        panel.play("pictures.all", panel.admin, ids=ids)


main()

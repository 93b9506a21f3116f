"""Secrets appear in no log, no answer, no file in clear, no command line, no environment."""

import base64
import json
import re
import stat
import subprocess
import urllib.parse

from api_client import sign
from support import KIB, MIB, binary, make_file, wait_until


def spellings(secret: str) -> list[bytes]:
    """The secret as it is, and as somebody might log it without thinking."""
    raw = secret.encode()
    return list({raw, raw.hex().encode(), base64.b64encode(raw), urllib.parse.quote(secret, safe="").encode(),
                 json.dumps(secret)[1:-1].encode(), secret.replace("/", "\\/").encode()})


def test_nothing_shows(site, fake, receiver):
    site.server.stop()
    site.server.configure(log_format="json", log_level="debug")
    site.server.start()
    site.use(fake, "videos")
    for name, size in (("small.mp4", KIB), ("large.mp4", 17 * MIB)):
        make_file(site.files / name, size)
    secrets = {"API secret": site.key.secret, "S3 secret key": fake.secret_key,
               "webhook secret": site.account["webhook_secret"],
               "webhook key": site.account["webhook_secret"].removeprefix("whsec_")}
    answers = []

    # What ends well, what fails in S3, what is refused at once.
    for number, name in enumerate(("small.mp4", "large.mp4", "absent.mp4")):
        text = sign(site.api.request("aws.upload", path=f"sestore4/jb/{name}", destination_path=name, metadata={},
                                     bucket="videos", callback=receiver.url), site.key.secret)
        secrets[f"signature {number}"] = json.loads(text)["signature"]
        answers.append(site.api.post(text).body)
        answers.append(site.api.post(text[:-3] + '="}').body)
    for answer in answers:
        if answer["data"]:
            site.wait_for(answer["data"], "completed")
    fake.play("put_access_denied")
    site.wait_for(site.queue("small.mp4", "videos", "denied.mp4", callback=receiver.url), "failed")
    wait_until(lambda: len(receiver.received) >= 3, 20, "the callbacks arrive")
    answers += [site.api.call("aws.status", limit=100, offset=0).body, site.api.call("files.getstorage").body]
    for record in fake.requests:
        signature = re.search("Signature=([0-9a-f]{64})", record.headers["authorization"])[1]
        secrets[f"S3 signature {record.number}"] = signature
    for number, callback in enumerate(receiver.received):
        secrets[f"webhook signature {number}"] = callback.headers["webhook-signature"].removeprefix("v1,")

    process = site.server.process.pid
    places = {"answers": json.dumps(answers).encode(), "logs": site.server.logs().encode(),
              "command line": open(f"/proc/{process}/cmdline", "rb").read(),
              "environment": open(f"/proc/{process}/environ", "rb").read(),
              "callbacks": b"".join(one.body for one in receiver.received)}
    for command in (("account", "list"), ("key", "list"), ("bucket", "list"), ("status",)):
        for style in ((), ("--json",)):
            places[f"{' '.join(command)} {' '.join(style)}"] = site.server.cli(*command, *style).encode()
    for stopped in (False, True):
        if stopped:
            site.server.stop()
        for path in site.server.folder.glob("vodlift.db*"):
            places[f"{path.name}, stopped: {stopped}"] = path.read_bytes()
    assert len([name for name in places if name.startswith("vodlift.db")]) >= 2

    found = [f"{what} in {where}" for what, secret in secrets.items() for where, content in places.items()
             for spelling in spellings(secret) if spelling in content]
    assert not found, found
    # The search itself must be able to find something.
    assert b"small.mp4" in places["answers"] and b"small.mp4" in places["vodlift.db, stopped: True"]


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

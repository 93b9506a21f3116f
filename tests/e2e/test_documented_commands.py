"""The commands that docs/ prints, run as they are printed, in their order. Only what a reader has to fill in is replaced: the
storage's root, the S3 server, its keys, the receiver of callbacks, and the numbers of an upload and of a callback."""

import os
import re
import subprocess

import pytest

from server import Server
from support import KIB, ROOT, binary, make_file, wait_until

# A finished upload cannot be paused or retried: there the answer says so, and the usage is right.
OF_A_RUNNING_UPLOAD = ("vodlift upload pause", "vodlift upload retry")
PROGRAMS = ("vodlift", "mkdir", "cp")


def page_text(page: str) -> str:
    return (ROOT / f"docs/{page}.md").read_text()


def commands(text: str) -> list[str]:
    """Every line of the text's blocks that begins with one of PROGRAMS, with its continuation lines."""
    found = []
    for language, block in re.findall(r"^```(\w*)\n(.*?)^```", text, re.DOTALL | re.MULTILINE):
        found += [] if language else re.findall(rf"^(?:{'|'.join(PROGRAMS)}) (?:.*\\\n)*.*$", block, re.MULTILINE)
    assert found, "the page prints commands"
    return found


def run_all(text: str, server: Server, s3, folder, **other: str) -> None:
    """As a user's shell does, in a folder with the files that the commands read."""
    (folder / "s3-secret").write_text(s3.secret_key + "\n")
    (folder / "old-secret").write_text("8fc8c48da81e6a2a06a9556379bf798af508dc0792497c678b4c3532ba8b637f\n")
    (folder / "bin").mkdir()
    (folder / "bin/vodlift").symlink_to(binary())
    filled_in = {"https://s3.eu-west-1.amazonaws.com": s3.endpoint, "AKIAIOSFODNN7EXAMPLE": s3.access_key,
                 "--region eu-west-1 --access-key": f"--region {s3.region} --access-key", "/mnt/sestore4": str(server.storage),
                 **other}
    for command in commands(text):
        for printed, real in filled_in.items():
            command = command.replace(printed, real)
        done = subprocess.run(["bash", "-c", command], cwd=folder, capture_output=True, text=True, timeout=60,
                              stdin=subprocess.DEVNULL, env={"PATH": f"{folder / 'bin'}:{os.defpath}",
                                                             "VODLIFT_SOCKET": str(server.socket)})
        allowed = (0, 1) if command.startswith(OF_A_RUNNING_UPLOAD) else (0,)
        assert done.returncode in allowed, f"{command}\n{done.stdout}\n{done.stderr}"


def test_first_upload(fake, tmp_path):
    fake.create_bucket("my-bucket")
    server = Server()
    try:
        server.start()
        make_file(tmp_path / "a.mp4", KIB)
        run_all(page_text("first-upload"), server, fake, tmp_path)
        assert fake.object("my-bucket", "films/a.mp4").body
        server.close()
    finally:
        if server.folder.exists():
            server.remove()


@pytest.mark.parametrize("page", ["buckets", "watch", "order-and-speed", "failures", "security"])
def test_page(site, fake, receiver, tmp_path, page):
    fake.create_bucket("my-bucket")
    used = "videos" if page == "buckets" else "my-bucket"  # that page adds my-bucket itself
    site.use(fake, used)
    make_file(site.files / "film.mp4", KIB)
    upload = site.queue("film.mp4", used, callback=receiver.url)
    site.wait_for(upload, "completed")
    wait_until(lambda: site.api.status(upload)["callback_state"] == "delivered", 20, "its callback is delivered")
    run_all(page_text(page), site.server, fake, tmp_path, **{
        " 17": f" {upload}", "--api-key K ": f"--api-key {site.key.api_key} ", "callback show 7": "callback show 1",
        "callback send 7": "callback send 1", "https://customer.example/uploaded": receiver.url})

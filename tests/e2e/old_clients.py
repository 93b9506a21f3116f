"""Runs the programs of clients/: programs as customers wrote them long ago, with only the URL changed."""

import json
import os
import pathlib
import subprocess

CLIENTS = pathlib.Path(__file__).with_name("clients")
INTERPRETERS = {".php": "php", ".pl": "perl", ".py": "/usr/bin/python3", ".rb": "ruby", ".sh": "sh"}


def run(site, program: str, *arguments: str, **environment: str) -> list[dict]:
    """The answers of the API that a program prints, one a line."""
    done = subprocess.run([INTERPRETERS[pathlib.Path(program).suffix], CLIENTS / program, *arguments],
                          capture_output=True, text=True, timeout=60, env={
                              "PATH": os.defpath, "LANG": "C.UTF-8", "VODLIFT_URL": site.server.url,
                              "VODLIFT_API_KEY": site.key.api_key, "VODLIFT_SECRET": site.key.secret, **environment})
    assert done.returncode == 0, f"{program} {arguments}: {done.stdout}\n{done.stderr}"
    return [json.loads(line) for line in done.stdout.splitlines()]


def run_page_example(site, **environment: str) -> dict:
    (answer,) = run(site, "page_example.php", VODLIFT_URL=f"{site.server.url}/stable/", **environment)
    return answer


def check_upload(site, fake, program: str, *arguments: str, name: str = "path/to/fïlm 1+2.mp4", **environment: str):
    """Runs a client on a file of the account's folder and sees the object arrive. Gives back the upload as it ended."""
    content = f"{program} {arguments} {environment}".encode()
    source = site.files / name
    source.parent.mkdir(parents=True, exist_ok=True)
    source.write_bytes(content)
    uploaded, status = run(site, program, *arguments, VODLIFT_PATH=f"sestore4/jb/{name}",
                           VODLIFT_DESTINATION=f"new/{name}", VODLIFT_BUCKET="videos", **environment)
    assert uploaded["message"] == "Queued file for upload" and uploaded["status"] == "success", uploaded
    assert status["status"] == "success" and [one["id"] for one in status["data"]] == [uploaded["data"]], status
    ended = site.wait_for(uploaded["data"], "completed")
    assert fake.object("videos", f"new/{name}").body == content
    return ended

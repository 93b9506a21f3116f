"""The programs that the panel's API documentation shows, run as they are shown."""

import json
import os
import re
import shutil
import socket
import subprocess

import pytest

from catalogue_rows import NOT_RUN
from rest_client import RestClient, TcpClient
from support import KIB, ROOT, make_file, wait_until

PANEL = ROOT / "panel"
RUNS = {"curl": ["bash"], "php": ["php"], "python": ["/usr/bin/python3"], "javascript": ["node"], "perl": ["perl"], "ruby": ["ruby"], "go": ["go", "run"]}
SUFFIXES = {"javascript": ".mjs", "go": ".go"}
TEXT = "two 'quoted' \"words\" \\ and ü"


def samples(**asked) -> dict:
    if not shutil.which("node") or not (PANEL / "node_modules/esbuild").exists():
        pytest.skip(f"{NOT_RUN}the panel's samples need node and panel/node_modules: npm ci in panel/")
    return json.loads(subprocess.run(["node", PANEL / "samples.mjs", json.dumps(asked)], capture_output=True, text=True, check=True, timeout=60).stdout)


def run(tmp_path, language: str, text: str, environment: dict[str, str], stdin: str = "") -> str:
    interpreter = RUNS[language]
    if not shutil.which(interpreter[0]):
        pytest.skip(f"{NOT_RUN}{interpreter[0]} is not installed")
    program = tmp_path / f"program{SUFFIXES.get(language, '')}"
    program.write_text(text)
    done = subprocess.run([*interpreter, program], input=stdin, capture_output=True, text=True, timeout=120,
                          env={"PATH": os.environ["PATH"], "HOME": str(tmp_path), "LANG": "C.UTF-8"} | environment)
    noise = "" if language == "curl" else done.stderr  # curl prints how far it is
    assert done.returncode == 0 and not noise, f"{text}\n{done.stdout}\n{done.stderr}"
    return done.stdout


@pytest.mark.parametrize("language", RUNS)
def test_every_command_in_every_language(site, fake, tmp_path, language):
    site.use(fake, "videos")
    make_file(site.files / "film.mp4", KIB)
    upload = {"path": "sestore4/jb/film.mp4", "destination_path": "a/film.mp4", "metadata": {"param1": TEXT}, "acl": "private", "bucket": "videos", "callback": ""}
    calls = {"aws.upload": upload, "aws.status": {"id": 1}, "files.getstorage": {}, "files.list": {"path": "sestore4/jb"}, "aws.cancel": {"id": 1}}
    shown = samples(origin=site.server.url, apiKey=site.key.api_key, cdn=158, calls=calls)[language]["legacy"]
    secret = {"VODLIFT_SECRET": site.key.secret}

    assert "Queued file for upload" in run(tmp_path, language, shown["aws.upload"], secret)
    assert site.wait_for(1, "completed")["metadata"] == {"param1": TEXT}
    assert "completed" in run(tmp_path, language, shown["aws.status"], secret)
    assert "sestore4" in run(tmp_path, language, shown["files.getstorage"], secret)
    assert "film.mp4" in run(tmp_path, language, shown["files.list"], secret)
    assert "it has ended" in run(tmp_path, language, shown["aws.cancel"], secret)


@pytest.mark.parametrize("language", RUNS)
def test_rest_calls_in_every_language(site, fake, tmp_path, language):
    site.use(fake, "videos")
    make_file(site.files / "film.mp4", KIB)
    admin = TcpClient(site.server.url)
    invited = RestClient(site.server.socket).call("POST", "/people", {"name": "anna", "role": "admin"}).data["setup_token"]
    assert admin.set_up(invited, "a sentence is a good password").status == 200
    token = admin.call("POST", "/tokens", {"label": "samples"}).data["token"]
    site.server.secrets.append(token)
    upload = {"cdn": 158, "path": "sestore4/jb/film.mp4", "destination_path": "a/film.mp4", "bucket": "videos", "metadata": {"param1": TEXT}}
    calls = [["upload.add", upload], ["upload.list", {"state": ["completed", "failed"], "limit": 1}], ["callback.test", {"cdn": 158, "url": "https://nobody.invalid/"}]]
    shown = samples(origin=site.server.url, apiKey="", cdn=158, operations=calls)[language]["rest"]
    environment = {"VODLIFT_TOKEN": token}

    assert re.search(r"\b1\b", run(tmp_path, language, shown[0], environment))
    assert site.wait_for(1, "completed")["metadata"] == {"param1": TEXT}
    assert "a/film.mp4" in run(tmp_path, language, shown[1], environment).replace("\\/", "/")
    assert "nobody.invalid" in run(tmp_path, language, shown[2], environment)


HEADERS_AND_BODY = {
    "python": "\nimport json, sys\ngiven = json.load(sys.stdin)\nprint(json.dumps(is_genuine(given['headers'], given['body'].encode())))\n",
    "ruby": "\nrequire 'json'\ngiven = JSON.parse($stdin.read)\nputs genuine?(given['headers'], given['body'])\n",
    "javascript": "\nlet text = '';\nfor await (const piece of process.stdin) text += piece;\nconst given = JSON.parse(text);\nconsole.log(isGenuine(given.headers, given.body));\n",
}


@pytest.mark.parametrize("language", HEADERS_AND_BODY)
def test_verification_of_callbacks(site, fake, receiver, tmp_path, language):
    site.use(fake, "videos")
    make_file(site.files / "film.mp4", KIB)
    program = samples(origin=site.server.url, apiKey="", cdn=158)[language]["verify"] + HEADERS_AND_BODY[language]
    site.wait_for(site.queue("film.mp4", "videos", callback=receiver.url), "completed")
    callback = wait_until(lambda: receiver.received and receiver.received[0], 10, "the callback arrives")
    headers = {name.lower(): value for name, value in callback.headers.items()}
    body = callback.body.decode()

    def verdict(**other) -> bool:
        given = json.dumps({"headers": headers, "body": body, **other})
        return json.loads(run(tmp_path, language, program, {"WEBHOOK_SECRET": site.account["webhook_secret"]}, given))

    assert verdict() is True
    assert verdict(body=body + " ") is False
    assert verdict(headers={**headers, "webhook-timestamp": str(int(headers["webhook-timestamp"]) - 301)}) is False


def test_verification_of_callbacks_by_php(site, tmp_path):
    """A page of a web server: the daemon itself sends a test to it."""
    page = tmp_path / "page.php"
    page.write_text(samples(origin=site.server.url, apiKey="", cdn=158)["php"]["verify"])
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
    url = f"http://127.0.0.1:{port}/"

    def answers(secret: str) -> str:
        environment = {"PATH": os.environ["PATH"], "WEBHOOK_SECRET": secret}
        with subprocess.Popen(["php", "-q", "-S", f"127.0.0.1:{port}", page], env=environment, stderr=subprocess.DEVNULL) as server:
            try:
                wait_until(lambda: socket.socket().connect_ex(("127.0.0.1", port)) == 0, 10, "PHP's web server listens")
                return site.server.run_cli("callback", "test", "--cdn", 158, "--url", url).stdout
            finally:
                server.terminate()

    assert re.search(r"\b204\b", answers(site.account["webhook_secret"]))
    assert re.search(r"\b401\b", answers("whsec_" + "A" * 44))

"""The programs that README.md and docs/api.md print, run as they are printed: only URL, key, secret and names are replaced."""

import json
import re
import subprocess

import pytest

from support import KIB, ROOT, make_file, wait_until

API = (ROOT / "docs/api.md").read_text()
PYTHON = "/usr/bin/python3"


def sample(document: str, language: str, word: str) -> str:
    """The one block of code in this language that holds `word`."""
    (found,) = [block for block in re.findall(rf"```{language}\n(.*?)```", document, re.DOTALL) if word in block]
    return found


def adapted(text: str, site, path: str) -> str:
    """With the values of a running server. Every value that is replaced must be there."""
    for printed, real in {"http://127.0.0.1:8080/stable/": f"{site.server.url}/stable/", "YOUR_API_KEY": site.key.api_key,
                          "YOUR_SECRET": site.key.secret, path: "sestore4/jb/film.mp4"}.items():
        assert printed in text, printed
        text = text.replace(printed, real)
    return text.replace("my_bucket", "videos").replace("my-bucket", "videos")


@pytest.fixture
def ready(site, fake):
    site.use(fake, "videos")
    make_file(site.files / "film.mp4", KIB)
    return site


def run(tmp_path, interpreter: str, text: str) -> str:
    program = tmp_path / "program"
    program.write_text(text)
    done = subprocess.run([interpreter, program], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0 and not done.stderr, f"{done.stdout}\n{done.stderr}"
    return done.stdout


def test_call_of_the_readme(ready, tmp_path):
    text = sample((ROOT / "README.md").read_text(), "python", "urlopen")
    answer = json.loads(run(tmp_path, PYTHON, adapted(text, ready, "sestore4/jb/film.mp4")))
    assert answer["status"] == "success" and answer["message"] == "Queued file for upload"
    ready.wait_for(answer["data"], "completed")


@pytest.mark.parametrize("language,interpreter,word", [("php", "php", "CURLOPT_POSTFIELDS, array('json'"),
                                                       ("python", PYTHON, "urlopen")], ids=["php", "python"])
def test_calls_of_the_api_page(ready, tmp_path, language, interpreter, word):
    printed = run(tmp_path, interpreter, adapted(sample(API, language, word), ready, "sestore4/jb/path/to/file.mp4"))
    assert re.fullmatch(r"upload 1\n|queued\n|uploading\n|completed\n", printed)
    assert ready.wait_for(1, "completed")["metadata"] == {"param1": "value1"}


def spelled(headers: dict[str, str], how: str) -> dict[str, str]:
    """Header names as the wire has them, or as getallheaders() gives them under FPM."""
    return {name.lower() if how == "webhook-id" else name.title(): value for name, value in headers.items()}


@pytest.fixture
def delivered(ready, receiver):
    """A callback that the running server delivered: its webhook headers, with names in lower case, and its body."""
    ready.wait_for(ready.queue("film.mp4", "videos", callback=receiver.url), "completed")
    callback = wait_until(lambda: receiver.received and receiver.received[0], 10, "the callback arrives")
    return {name: value for name, value in callback.headers.items() if name.startswith("webhook-")}, callback.body


@pytest.mark.parametrize("spelling", ["webhook-id", "Webhook-Id"])
@pytest.mark.parametrize("language,interpreter,program", [
    ("php", "php", "\n$given = json_decode(stream_get_contents(STDIN), true);\n"
                   "echo json_encode(is_genuine($given['secret'], $given['headers'], $given['body']));"),
    ("python", PYTHON, "\nimport json, sys\ngiven = json.load(sys.stdin)\n"
                       "print(json.dumps(is_genuine(given['secret'], given['headers'], given['body'].encode())))")],
    ids=["php", "python"])
def test_verification_of_callbacks(ready, delivered, tmp_path, language, interpreter, program, spelling):
    headers, body = delivered
    (tmp_path / "program").write_text(sample(API, language, "is_genuine") + program)

    def verdict(**other) -> bool:
        given = {"secret": ready.account["webhook_secret"], "headers": spelled(headers, spelling),
                 "body": body.decode(), **other}
        done = subprocess.run([interpreter, tmp_path / "program"], input=json.dumps(given), capture_output=True, text=True,
                              timeout=60)
        assert done.returncode == 0 and not done.stderr, f"{done.stdout}\n{done.stderr}"
        return json.loads(done.stdout)

    assert verdict() is True
    assert verdict(body=body.decode() + " ") is False
    old = {**headers, "webhook-timestamp": str(int(headers["webhook-timestamp"]) - 301)}
    assert verdict(headers=spelled(old, spelling)) is False

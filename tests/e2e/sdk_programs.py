"""Runs the clients of sdk/ and the receivers of sdk/examples/, each in its own language."""

import contextlib
import json
import os
import pathlib
import re
import shutil
import subprocess

import pytest

from catalogue_rows import NOT_RUN
from support import ROOT, wait_until

SDK = ROOT / "sdk"
DRIVERS = pathlib.Path(__file__).with_name("sdk_drivers")
LANGUAGES = {"php": ("php", ".php"), "python": ("/usr/bin/python3", ".py"), "node": ("node", ".mjs"), "go": ("go", ".go"), "ruby": ("ruby", ".rb"),
             "perl": ("perl", ".pl")}
TEXT = "Frühling / 春 'quoted' \"words\" \\ & = + % 100"


class Programs:
    """`folder` keeps what Go builds, for as long as the object is used."""

    def __init__(self, folder: pathlib.Path):
        self._folder = folder
        self._built: dict[pathlib.Path, pathlib.Path] = {}
        self.printed = ""  # by all programs so far

    def _command(self, language: str, source: pathlib.Path) -> list:
        interpreter = LANGUAGES[language][0]
        if not shutil.which(interpreter):
            pytest.skip(f"{NOT_RUN}{interpreter} is not installed")
        if language == "go":
            return [self._build(source)]
        return [interpreter, "-W", "error", source] if language == "python" else [interpreter, source]

    def run_text(self, language: str, text: str, key) -> str:
        """What a program prints that README.md of sdk/ shows, beside a copy of the client."""
        folder = self._folder / f"shown-{language}"
        folder.mkdir()
        program = folder / f"program{LANGUAGES[language][1]}"
        program.write_text(text)
        for client in (SDK / language).iterdir():
            if client.is_file() and language != "go":
                shutil.copy(client, folder)
        done = subprocess.run(self._command(language, program), cwd=folder, capture_output=True, text=True, timeout=60, env={
            "PATH": os.environ["PATH"], "LANG": "C.UTF-8", "VODLIFT_API_KEY": key.api_key, "VODLIFT_SECRET": key.secret,
            "PYTHONDONTWRITEBYTECODE": "1"})
        self.printed += done.stdout + done.stderr
        assert done.returncode == 0 and not done.stderr, f"{done.stdout}\n{done.stderr}"
        return done.stdout

    def _build(self, source: pathlib.Path) -> pathlib.Path:
        if source not in self._built:
            module = self._folder / source.stem
            module.mkdir()
            shutil.copy(source, module)
            (module / "go.mod").write_text((SDK / "examples/go.mod").read_text().replace("../go", str(SDK / "go")))
            subprocess.run(["go", "build", "-o", "program", "."], cwd=module, check=True, timeout=120, env={
                "PATH": os.environ["PATH"], "HOME": str(self._folder), "GOCACHE": str(self._folder / "cache"), "GOFLAGS": "-mod=mod", "GOPROXY": "off"})
            self._built[source] = module / "program"
        return self._built[source]

    def run(self, language: str, url: str, key, *calls: tuple, timeout: float = 10, retries: int = 4) -> list[dict]:
        """The results of calls: {"result"}, or {"code", "message", "retryable", "dump"} of an error."""
        given = {"url": url, "cdn": 158, "api_key": key.api_key, "secret": key.secret, "timeout": timeout, "retries": retries, "calls": calls}
        done = subprocess.run(self._command(language, DRIVERS / f"driver{LANGUAGES[language][1]}"), input=json.dumps(given), capture_output=True, text=True, timeout=60,
                              env={"PATH": os.environ["PATH"], "LANG": "C.UTF-8", "SDK": str(SDK), "PYTHONPATH": str(SDK / "python"), "PYTHONDONTWRITEBYTECODE": "1"})
        self.printed += done.stdout + done.stderr
        assert done.returncode == 0 and not done.stderr, f"{done.stdout}\n{done.stderr}"
        return [json.loads(line) for line in done.stdout.splitlines()]

    @contextlib.contextmanager
    def receiver(self, language: str, secrets: str, free_port: int, log: pathlib.Path):
        """A receiver that takes these secrets: its URL. What it prints goes to `log`."""
        command = self._command(language, SDK / f"examples/receiver{LANGUAGES[language][1]}")
        if language == "php":
            command[1:1] = ["-S", f"127.0.0.1:{free_port}"]
        environment = {"PATH": os.environ["PATH"], "WEBHOOK_SECRETS": secrets, "PORT": str(free_port), "PYTHONDONTWRITEBYTECODE": "1"}
        with open(log, "w") as out, subprocess.Popen(command, env=environment, stdout=out, stderr=out) as process:
            try:
                ready = re.compile("listening on|Development Server .* started")
                wait_until(lambda: ready.search(log.read_text()) or process.poll() is not None, 15, "the receiver listens")
                assert process.poll() is None, log.read_text()
                yield f"http://127.0.0.1:{free_port}/"
            finally:
                process.terminate()
        self.printed += log.read_text()

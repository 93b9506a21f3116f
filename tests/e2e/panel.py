"""The Control Panel of a running server, used in Chromium by the scenarios of tests/panel/."""

import json
import os
import shutil
import subprocess
import threading

import pytest

from catalogue_rows import NOT_RUN
from rest_client import TcpClient
from support import ROOT

WITHIN_S = 150  # one scenario on a busy machine
PASSWORD = "a horse that is correct"


class Panel:
    def __init__(self, server):
        chromium = os.environ.get("CHROMIUM", "/usr/bin/chromium")
        if not shutil.which("node") or not (ROOT / "panel/node_modules/playwright-core").exists() or not shutil.which(chromium):
            pytest.skip(f"{NOT_RUN}the panel's tests need chromium, node and panel/node_modules: npm ci in panel/")
        self._server = server
        self.url = server.printed(r"control panel: (\S+)")
        if not self.url:
            pytest.skip(f"{NOT_RUN}this vodlift was built without its Control Panel")
        self.link = server.printed(r"(\S+/panel/setup#\S+)")
        self._admin: TcpClient | None = None

    @property
    def admin(self) -> TcpClient:
        """The first admin, `root`, signed in."""
        if not self._admin:
            self._admin = TcpClient(self.url)
            answer = self._admin.set_up(self.link.partition("#")[2], PASSWORD, "root")
            assert answer.status == 200, answer
        return self._admin

    def person(self, name: str, role: str, cdn: int | None = None) -> TcpClient:
        """Somebody else, invited and signed in."""
        invited = self.admin.call("POST", "/people", {"name": name, "role": role} | ({"cdn": cdn} if cdn else {}))
        assert invited.status == 201, invited
        client = TcpClient(self.url)
        answer = client.set_up(invited.data["setup_token"], PASSWORD)
        assert answer.status == 200, answer
        return client

    def play(self, scenario: str, who: TcpClient | None = None, asked: dict | None = None, **facts) -> None:
        """Carries out a scenario, "file.name", signed in as `who`. `asked`: what the scenario may ask for, by name: functions
        that take its words and return what is written as JSON."""
        file, _, name = scenario.partition(".")
        known = {"panel": self.url, "link": self.link, "password": PASSWORD, "cookie": who.cookie if who else "", **facts}
        command = ["node", ROOT / "tests/panel/browser.mjs", f"{file}.mjs", name]
        with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as process:
            alarm = threading.Timer(WITHIN_S, process.kill)
            alarm.start()
            told = []
            try:
                self._say(process, known)
                for line in process.stdout:
                    if not line.startswith("\x01"):
                        told.append(line)
                        continue
                    question, _, words = line[1:].partition(" ")
                    self._say(process, (asked or {})[question](*json.loads(words)))
            except BaseException:
                process.kill()
                raise
            finally:
                alarm.cancel()
        assert process.returncode == 0, f"{scenario}: {process.returncode}\n{''.join(told)}\n{self._server.logs()[-3000:]}"

    @staticmethod
    def _say(process, what) -> None:
        process.stdin.write(json.dumps(what) + "\n")
        process.stdin.flush()

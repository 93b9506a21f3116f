"""Nodes on one database in PostgreSQL: what they run, and load for them."""

import collections
import re
import threading
import time

from api_client import ApiClient
from rest_client import RestClient
from server import Server, Site

MONITORED = '[metrics]\nlisten = "127.0.0.1:0"\n'
ENDS = {"completed", "failed", "cancelled"}


def store_lines(server: Server, url: str, *more: str) -> str:
    """What [store] says for a server that is a node of its own."""
    return "\n".join([f'url = "{url}"', f'folder = "{server.folder}"', f'node = "{server.folder.name}"',
                      *(more or ("accept_unsafe = true",))])


def wait_for_ends(site: Site, api: ApiClient, ids, within_s: float = 40) -> collections.Counter:
    """How many of these uploads ended in which state, once all have ended."""
    left, ended = set(ids), collections.Counter()
    deadline = time.monotonic() + within_s
    while left:
        for one in sorted(left):
            state = api.status(one)["state"]
            if state in ENDS:
                left.discard(one)
                ended[state] += 1
            else:
                break
        assert time.monotonic() < deadline, f"{len(left)} did not end, such as {sorted(left)[:5]}\n{site.server.logs()[-4000:]}"
        time.sleep(0.05)
    return ended


class Load:
    """Clients that queue one file again and again, at the servers in turn, and note what was acknowledged and what refused."""

    def __init__(self, apis: list[ApiClient], callback: str = "", clients: int = 4):
        self.accepted: list[int] = []
        self.refused = collections.Counter()
        self._stop = threading.Event()
        self._lock = threading.Lock()
        self._threads = [threading.Thread(target=self._run, args=(apis[at % len(apis)], at, callback)) for at in range(clients)]

    def __enter__(self):
        for one in self._threads:
            one.start()
        return self

    def __exit__(self, *_) -> None:
        self._stop.set()
        for one in self._threads:
            one.join()

    def _run(self, api: ApiClient, client: int, callback: str) -> None:
        for number in range(100_000):
            if self._stop.wait(0.01):
                return
            try:
                answer = api.upload("sestore4/jb/film.mp4", f"load/{client}/{number}.mp4", "videos", callback=callback)
            except (OSError, ValueError, KeyError) as lost:
                with self._lock:
                    self.refused[type(lost).__name__] += 1
                continue
            with self._lock:
                if answer.ok:
                    self.accepted.append(answer.data)
                else:
                    self.refused[answer.code] += 1


def completed_by(server: Server) -> int:
    return int(re.search(r'^vodlift_uploads_entered_total\{state="completed"\} (\d+)$', server.metrics(), re.MULTILINE)[1])


def needs(server: Server) -> list[dict]:
    return RestClient(server.socket).call("GET", "/overview").data["attention"]


def node_states(server: Server) -> dict[str, str]:
    return {one["name"]: one["state"] for one in RestClient(server.socket).call("GET", "/nodes").data["items"]}

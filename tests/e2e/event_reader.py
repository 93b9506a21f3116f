"""Reads a stream of server-sent events."""

import contextlib
import http.client
import json
import socket
import threading

from rest_client import _OverUnix
from support import wait_until


class Event:
    def __init__(self, topic: str, data, number: str):
        self.topic, self.data, self.id = topic, data, number

    def __repr__(self):
        return f"{self.id} {self.topic} {self.data}"


class EventReader:
    """One stream over the administration's socket, read by a thread of its own until close()."""

    def __init__(self, path, last_id: str = "", query: str = ""):
        self.events: list[Event] = []
        self.ended = threading.Event()
        self.last_id = last_id
        self._connection = _OverUnix(path, 60)
        self._connection.request("GET", "/api/v1/events" + query, headers={"Last-Event-ID": last_id} if last_id else {})
        self._socket = self._connection.sock
        self._answer = self._connection.getresponse()
        self.status, self.headers = self._answer.status, self._answer.headers
        if self.status == 200:
            self._thread = threading.Thread(target=self._read, daemon=True)
            self._thread.start()

    def _read(self):
        fields: dict[str, str] = {}
        try:
            while line := self._answer.readline():
                name, _, value = line.decode().rstrip("\n").partition(": ")
                if name:
                    fields[name] = value
                elif fields:
                    self.last_id = fields.get("id", self.last_id)
                    if "event" in fields:
                        self.events.append(Event(fields["event"], json.loads(fields["data"]), self.last_id))
                    fields = {}
        except (OSError, ValueError, AttributeError, http.client.HTTPException):
            pass
        self.ended.set()

    def of(self, topic: str) -> list:
        return [event.data for event in list(self.events) if event.topic == topic]

    def uploads(self, upload_id: int) -> list:
        return [upload for upload in self.of("upload") if upload["id"] == upload_id]

    def wait_for(self, condition, what: str, within_s: float = 30):
        try:
            return wait_until(lambda: condition(self), within_s, what)
        except AssertionError as failure:
            raise AssertionError(f"{failure}; seen last: {str(self.events[-5:])[-3000:]}") from None

    def close(self) -> None:
        """Cuts the connection."""
        with contextlib.suppress(OSError):  # the server may have closed it
            self._socket.shutdown(socket.SHUT_RDWR)
        if self.status == 200:
            self._thread.join(10)
        self._connection.close()

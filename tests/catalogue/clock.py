"""A server whose wall clock a test sets; the monotonic clocks and the times of files stay as they are."""

import pathlib

FAKETIME = pathlib.Path("/usr/lib/x86_64-linux-gnu/faketime/libfaketimeMT.so.1")


class SettableClock:
    """Restarts the server of a site under libfaketime. `set()` counts at once."""

    def __init__(self, site):
        self._offset = site.server.folder / "clock-offset"
        self.set(0)
        site.server.stop()
        site.server.environment |= {
            "LD_PRELOAD": str(FAKETIME), "FAKETIME_TIMESTAMP_FILE": str(self._offset),
            "FAKETIME_DONT_FAKE_MONOTONIC": "1", "FAKETIME_NO_CACHE": "1",
            "NO_FAKE_STAT": "1"}
        site.server.start()
        self._server = site.server

    def kill9(self) -> None:
        """Kills the server, and removes what libfaketime cannot then remove itself."""
        process_id = self._server.process.pid
        self._server.kill9()
        for kept in pathlib.Path("/dev/shm").glob(f"*faketime_*_{process_id}"):
            kept.unlink()

    def set(self, seconds: int) -> None:
        """How far the server's clock is ahead of the real one; negative: behind."""
        written = self._offset.with_suffix(".new")
        written.write_text(f"{seconds:+d}\n")
        written.rename(self._offset)

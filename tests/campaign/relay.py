"""Passes bytes on between two sockets, and can be cut: for all who connect through it, or for one of them."""

import pathlib
import socket
import threading
import time


class Relay:
    """Accepts on `listener` and connects each client by `connect()`. `owner_of(socket)` names who has connected. Any thread."""

    def __init__(self, listener: socket.socket, connect, owner_of=lambda client: ""):
        self._listener, self._connect, self._owner_of = listener, connect, owner_of
        self._lock = threading.Lock()
        self._open: dict[socket.socket, str] = {}
        self._cut: set[str] = set()
        self._held: set[str] = set()
        threading.Thread(target=self._accept, daemon=True).start()

    def cut(self, owner: str = "") -> None:
        """Ends the owner's connections, and refuses new ones until heal()."""
        with self._lock:
            self._cut.add(owner)
            sockets = [one for one, whose in self._open.items() if whose == owner]
        _end(sockets)

    def hold(self, owner: str = "") -> None:
        """Passes nothing on until heal(), as a network that loses every packet."""
        with self._lock:
            self._held.add(owner)

    def heal(self) -> None:
        with self._lock:
            self._cut.clear()
            self._held.clear()

    def close(self) -> None:
        _end([self._listener])
        self._listener.close()
        with self._lock:
            self._held.clear()
            sockets = list(self._open)
        _end(sockets)

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        owner, server = self._owner_of(client), None
        try:
            with self._lock:
                refused = owner in self._cut
            if refused:
                return
            server = self._connect()
            with self._lock:
                self._open.update({client: owner, server: owner})
            back = threading.Thread(target=self._pump, args=(server, client, owner), daemon=True)
            back.start()
            self._pump(client, server, owner)
            back.join()
        except OSError:
            pass
        finally:
            for one in (client, server):
                if one:
                    with self._lock:
                        self._open.pop(one, None)
                    one.close()

    def _pump(self, source: socket.socket, sink: socket.socket, owner: str) -> None:
        try:
            while data := source.recv(256 * 1024):
                while owner in self._held:
                    time.sleep(0.02)
                if owner in self._cut:
                    break
                sink.sendall(data)
        except OSError:
            pass
        _end([source, sink])


def unix_relay(path: pathlib.Path, target: pathlib.Path) -> Relay:
    def connect() -> socket.socket:
        server = socket.socket(socket.AF_UNIX)
        server.settimeout(5)
        server.connect(str(target))
        server.settimeout(None)
        return server

    path.parent.mkdir(parents=True, exist_ok=True)
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(str(path))
    listener.listen(128)
    return Relay(listener, connect)


def tcp_relay(port: int, process_ids) -> Relay:
    """In front of a port of this machine. `process_ids()` are those of the owners, by name: who connects is told by them."""
    listener = socket.create_server(("127.0.0.1", 0), backlog=128)
    relay = Relay(listener, lambda: socket.create_connection(("127.0.0.1", port), timeout=None), lambda client: _process_of(client, process_ids()))
    relay.port = listener.getsockname()[1]
    return relay


def _process_of(client: socket.socket, process_ids: dict[str, int]) -> str:
    """Whose connection it is, by the system's table of sockets."""
    peer = f"0100007F:{client.getpeername()[1]:04X}"
    inodes = [line.split()[9] for line in pathlib.Path("/proc/net/tcp").read_text().splitlines()[1:] if line.split()[1] == peer]
    for name, process in process_ids.items():
        try:
            if any(str(one.readlink()) == f"socket:[{inodes[0]}]" for one in pathlib.Path(f"/proc/{process}/fd").iterdir()):
                return name
        except OSError:
            continue
        except IndexError:
            break
    return ""


def _end(sockets) -> None:
    for one in sockets:
        try:
            one.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass

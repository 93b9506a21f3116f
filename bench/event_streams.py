#!/usr/bin/python3
"""Opens streams of events over the administration's socket and reads them, until SIGTERM: for measurements beside them."""

import argparse
import selectors
import signal
import socket
import sys

REQUEST = b"GET /api/v1/events HTTP/1.1\r\nHost: bench\r\n\r\n"


def open_stream(path: str) -> socket.socket:
    stream = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    stream.connect(path)
    stream.sendall(REQUEST)
    return stream


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("socket")
    parser.add_argument("--streams", type=int, default=100)
    options = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    waiting = selectors.DefaultSelector()
    begun = set()
    for _ in range(options.streams):
        waiting.register(open_stream(options.socket), selectors.EVENT_READ)
    room = bytearray(1 << 18)
    while waiting.get_map():
        for key, _ in waiting.select():
            size = key.fileobj.recv_into(room)
            if size == 0:
                waiting.unregister(key.fileobj)
            elif key.fd not in begun:
                if not room.startswith(b"HTTP/1.1 200 "):
                    print(f"a stream was refused: {bytes(room[:size])!r}", file=sys.stderr)
                    return 1
                begun.add(key.fd)
                if len(begun) == options.streams:
                    print("all streams are open", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())

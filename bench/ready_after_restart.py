#!/usr/bin/python3
"""How soon a daemon with a long queue listens again, after kill -9 and after a stop. Prints the seconds of each start."""

import argparse
import pathlib
import statistics
import time

from sections import ACCEPT_WORKER, HELD_BACK_MS, prepare_files
from services import Sink, Vodlift, enqueue, fresh_directory

ROOT = pathlib.Path(__file__).resolve().parents[1]


def fill(options, files, sink):
    directory = fresh_directory(options.work_dir / "queue")
    server = Vodlift(options.binary, directory, files.parent, ACCEPT_WORKER)
    try:
        server.set_up(sink.url)
        enqueue(options.binary.parent, server, options.uploads, "1kib.bin", "queued/{n}")
    finally:
        server.kill()
    return directory


def start(options, directory, files):
    begin = time.monotonic()
    server = Vodlift(options.binary, directory, files.parent, ACCEPT_WORKER)
    return server, time.monotonic() - begin


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--uploads", type=int, default=1_000_000)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--work-dir", type=pathlib.Path, default=ROOT / "build/bench")
    parser.add_argument("--binary", type=pathlib.Path, default=ROOT / "build/release/vodlift")
    parser.add_argument("--keep", action="store_true", help="measure on the queue that the last run left")
    options = parser.parse_args()
    files = prepare_files(options.work_dir / "files")
    with Sink(options.binary.parent, options.work_dir, delay_ms=HELD_BACK_MS) as sink:
        directory = options.work_dir / "queue"
        if not options.keep:
            directory = fill(options, files, sink)
        for way in ("kill", "stop"):
            times = []
            for _ in range(options.runs):
                server, seconds = start(options, directory, files)
                times.append(seconds)
                getattr(server, way)()
            print(f"listens after the first start and each {way}: median {statistics.median(times):.2f} s "
                  f"({', '.join(f'{one:.2f}' for one in times)})")


if __name__ == "__main__":
    main()

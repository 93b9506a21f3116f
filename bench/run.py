#!/usr/bin/python3
"""Measures vodlift, curl, rclone and the aws command on loopback. Writes bench/RESULTS.md and the figures in README.md."""

import argparse
import datetime
import os
import shlex
import subprocess
import sys
from pathlib import Path

import measure
import neighbours
import peers
import report
import sections

ROOT = Path(__file__).resolve().parent.parent


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="few runs: shows that it works, not how fast")
    parser.add_argument("--only", choices="abcdefghn",
                        help="a: accepting calls, b: one large file, c: many small files, d: TLS, e: a store far away, "
                             "f: memory, g: a long queue, h: a restart, n: a hostile neighbour")
    parser.add_argument("--event-streams", type=int, default=0, metavar="N",
                        help="N streams of events are open, and are read, during a and c; at most 128")
    parser.add_argument("--build-dir", type=Path, default=ROOT / "build" / "release", help="where the binaries are")
    parser.add_argument("--work-dir", type=Path, default=ROOT / "build" / "bench",
                        help="for databases and 1.3 GiB of test files; on a real disk")
    parser.add_argument("--output", type=Path,
                        help="default: bench/RESULTS.md; with --quick or --only: RESULTS.md in the work directory")
    return parser.parse_args()


def check_places(options):
    for name in ("vodlift", "bench_null_sink", "bench_enqueue_load", "bench_queue_scale"):
        if not (options.build_dir / name).exists():
            raise measure.BenchError(f"{options.build_dir / name} is missing; run ./do build first")
    options.work_dir.mkdir(parents=True, exist_ok=True)
    kind, mount = measure.filesystem_of(options.work_dir)
    if kind in ("tmpfs", "ramfs"):
        raise measure.BenchError(f"{options.work_dir} is in memory ({kind} at {mount}): a commit there proves nothing. "
                                 "Choose a directory on a disk with --work-dir")


def source_version():
    result = subprocess.run(["git", "-C", str(ROOT), "describe", "--always", "--dirty"], capture_output=True, text=True)
    return result.stdout.strip() if result.returncode == 0 else "not a git checkout"


def facts_of(options, load):
    kind, _ = measure.filesystem_of(options.work_dir)
    memory_kib = int(Path("/proc/meminfo").read_text().split()[1])
    return [
        ("date", datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%d %H:%M UTC")),
        ("command", f"`bench/run.py {shlex.join(sys.argv[1:])}`".replace(" `", "`")),
        ("vodlift", source_version()),
        ("machine", f"{measure.cpu_model()}, {os.cpu_count()} cores, {memory_kib / (1 << 20):.0f} GiB, "
                    f"Linux {os.uname().release}"),
        ("disk", f"{kind}, 4 KiB append and fdatasync {measure.fdatasync_ms(options.work_dir):.2f} ms"),
        ("load before", f"{load:.2f}" + (" — the machine was busy, distrust the figures" if load > 0.5 else "")),
        ("clients", "; ".join([" ".join(measure.first_line([peers.CURL, "-q", "--version"]).split()[:2]),
                               measure.first_line([peers.RCLONE, "version", "--config", os.devnull]),
                               measure.first_line([peers.AWS, "--version"]).split()[0]])),
    ]


def make_bench(options):
    quick = options.quick
    files = sections.prepare_files(options.work_dir / "storage")
    return sections.Bench(
        binary=options.build_dir / "vodlift", binaries=options.build_dir, work=options.work_dir, files=files,
        accept_runs=1 if quick else 5, accept_calls=10000 if quick else 60000, large_runs=1 if quick else 7,
        small_runs=1 if quick else 5, small_peer_runs=1 if quick else 3,
        scale_rows=20000 if quick else 1000000, restart_runs=1 if quick else 5,
        neighbour_runs=1 if quick else 5, neighbour_uploads=100 if quick else 600,
        event_streams=options.event_streams, say=lambda text: print(text, flush=True))


def parts_of(bench):
    """(letter, what is measured, a function that measures and reports it) of every part."""
    worker = sections.WORKER
    return [
        ("a", "accepting signed calls", lambda: report.accept_part(sections.measure_accept(bench))),
        ("b", "one file of 1 GiB", lambda: report.large_part(sections.measure_large(bench))),
        ("c", f"{sections.SMALL_FILES} files of 64 KiB", lambda: report.small_part(*sections.measure_small(bench))),
        ("d", "one file of 1 GiB over TLS", lambda: report.tls_part(sections.measure_tls(bench))),
        ("e", f"one file of 1 GiB to a sink that answers {sections.DELAY_MS} ms late",
         lambda: report.far_part(sections.measure_far(bench), sections.DELAY_MS)),
        ("f", "memory",
         lambda: report.memory_part(sections.measure_memory(bench), worker["uploads"], worker["parts_per_upload"])),
        ("g", "a long queue", lambda: report.scale_part(sections.measure_scale(bench))),
        ("h", f"ready after a restart with {bench.scale_rows:,} queued",
         lambda: report.restart_part(sections.measure_restart(bench), bench.scale_rows)),
        ("n", "an honest account beside a hostile one",
         lambda: report.neighbours_part(neighbours.measure(bench))),
    ]


def measure_parts(options, bench):
    parts = []
    for letter, what, measure_it in parts_of(bench):
        if options.only in (None, letter):
            bench.say(f"({letter}) {what}")
            parts.append(measure_it())
    return parts


def main():
    options = parse_arguments()
    options.build_dir, options.work_dir = options.build_dir.resolve(), options.work_dir.resolve()
    partial = options.quick or options.only or options.event_streams
    output = options.output or (options.work_dir if partial else ROOT / "bench") / "RESULTS.md"
    try:
        check_places(options)
        facts = facts_of(options, os.getloadavg()[0])
        parts = measure_parts(options, make_bench(options))
        text = report.whole(facts, parts)
    except measure.BenchError as error:
        print(f"bench: {error}", file=sys.stderr)
        return 1
    output.write_text(text)
    if not partial:
        readme = ROOT / "README.md"
        readme.write_text(report.into_readme(readme.read_text(), facts, parts))
    print(f"\n{text}\nwritten to {output}")
    return 0


if __name__ == "__main__":
    sys.exit(main())

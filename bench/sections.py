"""The measurements."""

import json
import random
import subprocess
import time
from dataclasses import dataclass, field

import peers
from measure import BenchError, Usage, clean_environment, median, peak_bytes, process_cpu_s, reset_peak, run_client
from services import EventStreams, Sink, TlsFront, Vodlift, enqueue, fresh_directory

LARGE_BYTES = 1 << 30
PIECE_BYTES = 16 << 20
DELAY_MS = 50
SMALL_FILES = 10000
SMALL_BYTES = 64 * 1024
WORKER = {"uploads": 16, "parts_per_upload": 4}
ACCEPT_WORKER = {"uploads": 1, "parts_per_upload": 1}
# Longer than any run: the one upload that the worker may take waits for its answer all the time.
HELD_BACK_MS = 300000
POLL_S = 0.01
GIVE_UP_S = 300


@dataclass
class Bench:
    """Where things are, and how often to measure."""
    binary: object
    binaries: object
    work: object
    files: object
    accept_runs: int
    accept_calls: int
    large_runs: int
    small_runs: int
    small_peer_runs: int
    scale_rows: int
    restart_runs: int
    neighbour_runs: int
    neighbour_uploads: int
    event_streams: int = 0  # open during a and c
    say: object = print


@dataclass
class Row:
    """All runs of one client."""
    name: str
    settings: str
    runs: list = field(default_factory=list)
    fixed_cpu_s: list = field(default_factory=list)

    def median(self, what):
        return median([getattr(run, what) for run in self.runs])

    def spread(self, what):
        values = [getattr(run, what) for run in self.runs]
        return min(values), max(values)


def warm(*paths):
    """Reads the files, so that they lie in the page cache: rclone has the system drop from there what it has read."""
    for path in paths:
        with path.open("rb") as file:
            while file.read(1 << 22):
                pass


def prepare_files(root):
    """Random files of the account, kept between runs."""
    folder = root / "jb"
    (folder / "small").mkdir(parents=True, exist_ok=True)
    wanted = {folder / "1gib.bin": LARGE_BYTES, folder / "16mib.bin": PIECE_BYTES, folder / "1kib.bin": 1024}
    wanted |= {folder / "small" / f"{n:06}.bin": SMALL_BYTES for n in range(SMALL_FILES)}
    for path, size in wanted.items():
        if not path.exists() or path.stat().st_size != size:
            with open("/dev/urandom", "rb") as source, path.open("wb") as file:
                for offset in range(0, size, 1 << 22):
                    file.write(source.read(min(1 << 22, size - offset)))
    warm(*wanted)
    return folder


def measure_accept(bench):
    """Calls accepted per second; each run on a fresh database."""
    reports = []
    with Sink(bench.binaries, bench.work, delay_ms=HELD_BACK_MS) as sink:
        for run in range(bench.accept_runs):
            directory = fresh_directory(bench.work / "accept")
            server = Vodlift(bench.binary, directory, bench.files.parent, ACCEPT_WORKER)
            try:
                server.set_up(sink.url)
                enqueue(bench.binaries, server, 2000, "1kib.bin", "warm-up/{n}")
                cpu = process_cpu_s(server.pid)
                ids_file = directory / "ids"
                with EventStreams(server, bench.event_streams):
                    report = enqueue(bench.binaries, server, bench.accept_calls, "1kib.bin", f"accept-{run}/{{n}}",
                                     ids_file=ids_file)
                report["server_cpu_s"] = process_cpu_s(server.pid) - cpu
            finally:
                server.kill()
            check_survival(bench, directory, ids_file)
            reports.append(report)
            bench.say(f"  accept {run + 1}: {report['accepted_per_s']:.0f} calls/s, "
                      f"p99 {report['latency_ms']['p99']:.1f} ms")
    return reports


def check_survival(bench, directory, ids_file):
    """After kill -9 right behind the last answer: the newest 500 accepted ids and 500 others must still be there."""
    ids = [int(line) for line in ids_file.read_text().split()]
    others = ids[:-500]
    chosen = ids[-500:] + random.sample(others, min(500, len(others)))
    with Vodlift(bench.binary, directory, bench.files.parent, ACCEPT_WORKER) as server:
        for begin in range(0, len(chosen), 100):
            batch = chosen[begin:begin + 100]
            found = {upload["id"] for upload in server.call("aws.status", id=batch)}
            if missing := set(batch) - found:
                raise BenchError(f"accepted, then lost by kill -9: {sorted(missing)[:5]}…")
        server.kill()


def upload_once(server, file, key):
    """One signed call to `completed`, as the daemon's Usage. The polls' cost is in it."""
    reset_peak(server.pid)
    cpu, begin = process_cpu_s(server.pid), time.monotonic()
    upload = server.upload(file, key)
    while not server.all_completed([upload]):
        if time.monotonic() - begin > GIVE_UP_S:
            raise BenchError(f"upload {upload} is not completed after {GIVE_UP_S} s")
        time.sleep(POLL_S)
    return Usage(process_cpu_s(server.pid) - cpu, time.monotonic() - begin, peak_bytes(server.pid))


def in_turns(bench, sink, clients, name):
    """Every client sends the large file and 1 KiB, round after round, the order turning too. Round 0 only warms up."""
    for run in range(bench.large_runs + 1):
        turn = run % len(clients)
        for at, (row, upload) in enumerate(clients[turn:] + clients[:turn]):
            key = f"{name}/{run}-{at}.bin"
            warm(bench.files / "1gib.bin")
            fixed = upload("1kib.bin", f"fixed/{name}-{run}-{at}.bin")
            usage = upload("1gib.bin", key)
            sink.check_object(key if row.name != "curl, serial" else f"{key}-0",
                              LARGE_BYTES if row.name != "curl, serial" else PIECE_BYTES)
            if run == 0:
                continue
            row.runs.append(usage)
            row.fixed_cpu_s.append(fixed.cpu_s)
            bench.say(f"  {name} {run} {row.name:12} {row.settings:18} CPU {usage.cpu_s:6.3f} s  "
                      f"wall {usage.wall_s:6.3f} s  peak {usage.peak_bytes >> 20:4} MiB")
    return [row for row, _ in clients]


def by_vodlift(server):
    return Row("vodlift", f"{WORKER['parts_per_upload']} parts at once"), lambda file, key: upload_once(server, file, key)


def by_peer(bench, peer):
    return (Row(peer.name, peer.settings),
            lambda file, key: run_client(peer.large(bench.files / file, key), clean_environment(peer.env)))


def measure_large(bench):
    """One 1 GiB file."""
    with Sink(bench.binaries, bench.work) as sink, \
            Vodlift(bench.binary, fresh_directory(bench.work / "large"), bench.files.parent, WORKER) as server:
        server.set_up(sink.url)
        clients = [by_vodlift(server)] + [by_peer(bench, p) for p in peers.for_large_files(sink.url, bench.work)]
        return in_turns(bench, sink, clients, "large")


def measure_tls(bench):
    """The same over TLS, compared with curl."""
    with Sink(bench.binaries, bench.work) as sink, TlsFront(sink, bench.work) as front, \
            Vodlift(bench.binary, fresh_directory(bench.work / "tls"), bench.files.parent, WORKER,
                    {"AWS_CA_BUNDLE": str(front.certificate)}) as server:
        server.set_up(front.url)
        return in_turns(bench, sink, [by_vodlift(server), by_peer(bench, peers.curl(front.url, front.certificate))], "tls")


def measure_far(bench):
    """The same to a store that answers late, compared with a client that waits for each answer before it sends more."""
    with Sink(bench.binaries, bench.work, delay_ms=DELAY_MS) as sink, \
            Vodlift(bench.binary, fresh_directory(bench.work / "far"), bench.files.parent, WORKER) as server:
        server.set_up(sink.url)
        serial = peers.serial_curl(sink.url, bench.files / "16mib.bin", LARGE_BYTES // PIECE_BYTES)
        return in_turns(bench, sink, [by_vodlift(server), by_peer(bench, serial)], "far")


def measure_memory(bench):
    """Peak bytes of the daemon during 16 uploads of 1 GiB at once, each run."""
    with Sink(bench.binaries, bench.work) as sink, \
            Vodlift(bench.binary, fresh_directory(bench.work / "memory"), bench.files.parent, WORKER) as server:
        server.set_up(sink.url)
        peaks = []
        for run in range(bench.accept_runs):
            reset_peak(server.pid)
            ids = [server.upload("1gib.bin", f"memory/{run}-{n}.bin") for n in range(WORKER["uploads"])]
            begin = time.monotonic()
            while not server.all_completed(ids):
                if time.monotonic() - begin > GIVE_UP_S:
                    raise BenchError("16 uploads at once did not end")
                time.sleep(POLL_S)
            peaks.append(peak_bytes(server.pid))
            bench.say(f"  memory {run + 1}: peak {peaks[-1] >> 20} MiB")
        return peaks


def measure_scale(bench):
    """Times of claim, enqueue and status with few and with many uploads in the queue: (rows, reports of each run)."""
    reports = {}
    for run in range(bench.accept_runs):
        for rows in (1000, bench.scale_rows):
            directory = fresh_directory(bench.work / "scale")
            result = subprocess.run([str(bench.binaries / "bench_queue_scale"), "--directory", str(directory), "--rows",
                                     str(rows)], capture_output=True, text=True, env=clean_environment())
            if result.returncode != 0:
                raise BenchError(f"bench_queue_scale: {result.stderr.strip()}")
            report = json.loads(result.stdout)
            reports.setdefault(rows, []).append(report)
            bench.say(f"  queue {run + 1}, {rows:9,} rows: p99 ms " + ", ".join(
                f"{what} {report[what]['p99_ms']:.3f}" for what in ("claim", "enqueue", "status")))
    return reports


def measure_restart(bench):
    """Seconds from the start of a killed daemon with a long queue until it listens."""
    directory = fresh_directory(bench.work / "queue")
    with Sink(bench.binaries, bench.work, delay_ms=HELD_BACK_MS) as sink:
        server = Vodlift(bench.binary, directory, bench.files.parent, ACCEPT_WORKER)
        try:
            server.set_up(sink.url)
            enqueue(bench.binaries, server, bench.scale_rows, "1kib.bin", "queued/{n}")
        finally:
            server.kill()
        times = []
        for run in range(bench.restart_runs):
            begin = time.monotonic()
            Vodlift(bench.binary, directory, bench.files.parent, ACCEPT_WORKER).kill()
            times.append(time.monotonic() - begin)
            bench.say(f"  restart {run + 1}: {times[-1]:.2f} s")
        return times


def enqueue_and_wait(bench, server, sink, prefix):
    """All small files through signed calls to `completed`. Usage of the daemon, and the generator's CPU seconds."""
    ids_file = bench.work / "ids"
    warm(*(bench.files / "small").iterdir())
    reset_peak(server.pid)
    cpu, begin = process_cpu_s(server.pid), time.monotonic()
    report = enqueue(bench.binaries, server, SMALL_FILES, "small/{n}.bin", f"{prefix}/{{n}}.bin", ids_file=ids_file)
    while sink.stats()["objects"] < SMALL_FILES:
        if time.monotonic() - begin > GIVE_UP_S:
            raise BenchError(f"{sink.stats()['objects']} of {SMALL_FILES} files arrived within {GIVE_UP_S} s")
        time.sleep(POLL_S)
    # Newest first: they end last, so that one question mostly does.
    ids = sorted((int(line) for line in ids_file.read_text().split()), reverse=True)
    usage = None
    for at in range(0, len(ids), 100):
        while not server.all_completed(ids[at:at + 100]):
            usage = None
            if time.monotonic() - begin > GIVE_UP_S:
                raise BenchError(f"not all of {SMALL_FILES} files completed within {GIVE_UP_S} s")
            time.sleep(POLL_S)
        # The rest of the loop only proves that nothing is left; its queries are not part of the cost.
        usage = usage or Usage(process_cpu_s(server.pid) - cpu, time.monotonic() - begin, peak_bytes(server.pid))
    return usage, report["generator_cpu_s"]


def check_small(sink):
    stats = sink.stats()
    if (stats["objects"], stats["object_bytes"]) != (SMALL_FILES, SMALL_FILES * SMALL_BYTES):
        raise BenchError(f"the sink holds {stats['objects']} objects of {stats['object_bytes']} bytes together, "
                         f"not {SMALL_FILES} of {SMALL_BYTES} each")


def measure_small(bench):
    """Files of 64 KiB. Answers the rows and the generator's CPU seconds of each run of ours."""
    with Sink(bench.binaries, bench.work) as sink, \
            Vodlift(bench.binary, fresh_directory(bench.work / "small"), bench.files.parent, WORKER) as server:
        server.set_up(sink.url)
        ours = Row("vodlift", f"{WORKER['uploads']} uploads at once")
        beside = [(Row(p.name, p.settings), p) for p in peers.for_small_files(sink.url, bench.work)]
        generator_cpu_s = []
        for run in range(bench.small_runs):
            sink.reset()
            with EventStreams(server, bench.event_streams):
                usage, generator = enqueue_and_wait(bench, server, sink, f"small-{run}")
            check_small(sink)
            ours.runs.append(usage)
            generator_cpu_s.append(generator)
            tell_small(bench, run, ours)
            if run >= bench.small_peer_runs:
                continue
            for row, peer in beside:
                sink.reset()
                warm(*(bench.files / "small").iterdir())
                command = peer.many(bench.files / "small", f"small-{run}")
                row.runs.append(run_client(command, clean_environment(peer.env)))
                check_small(sink)
                tell_small(bench, run, row)
        return [ours] + [row for row, _ in beside], generator_cpu_s


def tell_small(bench, run, row):
    usage = row.runs[-1]
    bench.say(f"  small {run + 1} {row.name:10} {SMALL_FILES / usage.wall_s:6.0f} files/s  "
              f"{usage.cpu_s * 1000 / SMALL_FILES:6.3f} CPU ms/file  peak {usage.peak_bytes >> 20:4} MiB")

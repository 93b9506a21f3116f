"""What a process costs: CPU time, wall time, peak memory; and the machine it ran on."""

import os
import shutil
import statistics
import subprocess
import tempfile
import threading
import time
from dataclasses import dataclass
from pathlib import Path

POLL_S = 0.02


class BenchError(Exception):
    """A measurement that cannot be trusted or did not happen; the message is for a person."""


@dataclass
class Usage:
    cpu_s: float
    wall_s: float
    peak_bytes: int


def clean_environment(extra=None):
    """The environment without anything that could redirect or slow a client down."""
    dropped = ("AWS_", "RCLONE_", "CURL_", "SSL_CERT", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY")
    kept = {k: v for k, v in os.environ.items() if not k.upper().startswith(dropped)}
    return {**kept, **(extra or {})}


def process_cpu_s(pid):
    """User and system time of all threads of `pid`, ended ones too, to the nanosecond."""
    # The kernel's clock of another process (clock_getcpuclockid); /proc/PID/stat counts in steps of 10 ms only.
    return time.clock_gettime((~pid << 3) | 2)


def peak_bytes(pid):
    """VmHWM of a living process; 0 when it is gone."""
    try:
        for line in Path(f"/proc/{pid}/status").read_text().splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024
    except (FileNotFoundError, ProcessLookupError):
        pass
    return 0


def reset_peak(pid):
    """Lets VmHWM start again from the present resident size."""
    Path(f"/proc/{pid}/clear_refs").write_text("5")


def run_client(argv, env):
    """Runs a client to its end; its Usage, children included. Raises BenchError unless it succeeds."""
    with tempfile.TemporaryFile() as output:
        begin = time.monotonic()
        process = subprocess.Popen(argv, env=env, stdin=subprocess.DEVNULL, stdout=output, stderr=output)
        sampled = [0]

        done = threading.Event()

        def sample():
            while not done.wait(POLL_S):
                sampled[0] = max(sampled[0], peak_bytes(process.pid))

        sampler = threading.Thread(target=sample)
        sampler.start()
        _, status, usage = os.wait4(process.pid, 0)
        wall_s = time.monotonic() - begin
        process.returncode = os.waitstatus_to_exitcode(status)
        done.set()
        sampler.join()
        if process.returncode != 0:
            output.seek(0)
            tail = output.read()[-2000:].decode(errors="replace")
            raise BenchError(f"{' '.join(argv)} ended with {process.returncode}:\n{tail}")
    # ru_maxrss of a child begins with what its parent held at the fork; below that, only the samples are right.
    own = peak_bytes(os.getpid())
    peak = usage.ru_maxrss * 1024
    return Usage(usage.ru_utime + usage.ru_stime, wall_s, peak if peak > own else sampled[0])


def median(values):
    return statistics.median(values)


def fdatasync_ms(directory, rounds=200):
    """How long the disk takes to make 4 KiB appended to a file durable, median."""
    took = []
    with tempfile.NamedTemporaryFile(dir=directory) as file:
        for _ in range(rounds):
            os.write(file.fileno(), bytes(4096))
            begin = time.monotonic()
            os.fdatasync(file.fileno())
            took.append((time.monotonic() - begin) * 1000)
    return median(took)


def filesystem_of(path):
    """(type, mount point) of the file system that holds `path`."""
    path = Path(path).resolve()
    best = ("unknown", "")
    for line in Path("/proc/mounts").read_text().splitlines():
        _, mount, kind, *_ = line.split()
        if path.is_relative_to(mount) and len(mount) >= len(best[1]):
            best = (kind, mount)
    return best


def cpu_model():
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.split(":", 1)[1].strip()
    return "unknown CPU"


def first_line(argv):
    """The first line that a command prints, for version notes."""
    if not shutil.which(argv[0]):
        raise BenchError(f"{argv[0]} is not installed; it is one of the clients measured")
    result = subprocess.run(argv, env=clean_environment(), capture_output=True, text=True, check=True)
    return result.stdout.splitlines()[0]

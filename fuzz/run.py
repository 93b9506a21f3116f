#!/usr/bin/python3
"""Runs fuzz targets for a time each and prints what they did; `./do fuzz` builds them and calls this.

Every target starts from fuzz/corpus/NAME and keeps what it finds in build/fuzz/corpus/NAME, so that runs build on one
another. A fault ends the target: its input is kept in build/fuzz/faults, and the exit code is 1.
"""

import argparse
import concurrent.futures
import os
import pathlib
import re
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
KEPT = ROOT / "build/fuzz"
FAULTS = KEPT / "faults"
MAX_INPUT_BYTES = 4096
MAX_INPUT_SECONDS = 10
MAX_MEMORY_MB = 2048


def all_targets() -> list[str]:
    return sorted(path.name.removesuffix("_fuzz.cc") for path in (ROOT / "fuzz").glob("*_fuzz.cc"))


def run(target: str, seconds: int, build: pathlib.Path) -> dict:
    found = KEPT / "corpus" / target
    found.mkdir(parents=True, exist_ok=True)
    FAULTS.mkdir(parents=True, exist_ok=True)
    command = [build / f"fuzz_{target}", f"-max_total_time={seconds}", f"-timeout={MAX_INPUT_SECONDS}",
               f"-rss_limit_mb={MAX_MEMORY_MB}", f"-max_len={MAX_INPUT_BYTES}", f"-artifact_prefix={FAULTS}/{target}-",
               "-print_final_stats=1"]
    dictionary = ROOT / "fuzz/dictionaries" / f"{target}.txt"
    if dictionary.exists():
        command.append(f"-dict={dictionary}")
    # A target that hangs beyond libFuzzer's own limit would hold the run for ever.
    ended = subprocess.run([*command, found, ROOT / "fuzz/corpus" / target], stdout=subprocess.DEVNULL,
                           stderr=subprocess.PIPE, text=True, errors="replace", timeout=seconds + 120,
                           env=os.environ | {"ASAN_OPTIONS": "detect_leaks=1", "UBSAN_OPTIONS": "print_stacktrace=1"})
    runs = re.search(r"stat::number_of_executed_units: (\d+)", ended.stderr)
    coverage = re.findall(r" cov: (\d+) ", ended.stderr)
    return {"target": target, "code": ended.returncode, "runs": int(runs[1]) if runs else 0,
            "coverage": int(coverage[-1]) if coverage else 0, "inputs": len(list(found.iterdir())),
            "log": ended.stderr[-6000:]}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", type=pathlib.Path, default=KEPT, help="where the programs are (default: build/fuzz)")
    parser.add_argument("seconds", type=int, help="for each target")
    parser.add_argument("targets", nargs="*", help=f"of {', '.join(all_targets())} (default: all)")
    arguments = parser.parse_args()
    unknown = set(arguments.targets) - set(all_targets())
    if unknown:
        parser.error(f"no such target: {', '.join(sorted(unknown))}")

    faulty = 0
    print(f"{'target':<14} {'inputs tried':>14} {'edges':>7} {'corpus':>7}  result", flush=True)
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        for done in pool.map(lambda target: run(target, arguments.seconds, arguments.build.resolve()),
                             arguments.targets or all_targets()):
            faulty += done["code"] != 0
            print(f"{done['target']:<14} {done['runs']:>14,} {done['coverage']:>7} {done['inputs']:>7}  "
                  f"{'clean' if done['code'] == 0 else 'FAULT'}", flush=True)
            if done["code"] != 0:
                print(done["log"], flush=True)
    if faulty:
        print(f"{faulty} targets found a fault; the inputs are in {FAULTS.relative_to(ROOT)}", file=sys.stderr)
    return 1 if faulty else 0


if __name__ == "__main__":
    sys.exit(main())

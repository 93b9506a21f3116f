#!/usr/bin/python3
"""Runs clang-tidy over the sources of src/; `./do check` calls this.

    tidy.py [FILE...]      all of src/ but the tests, or these files; exit code 1 where there is a fault

The analyzer looks at one file after the other. Every other check matches mostly what a file includes, so for those many
files are put one behind the other into one (build/tidy/grouped/1.cc): headers are gone through once for all of them, and
a fault is told of the file that it stands in. Files that give one name to things of their own do not meet. Where that is
not seen and a group does not compile, its files are checked one by one.
"""

import argparse
import bisect
import concurrent.futures
import json
import os
import pathlib
import re
import shlex
import subprocess
import sys
from dataclasses import dataclass, field

ROOT = pathlib.Path(__file__).resolve().parent.parent
BUILD = ROOT / "build/tidy"
GROUPED = BUILD / "grouped"
MAX_LINES = 2500  # of a group

_TYPE = re.compile(r"^(?:struct|class|enum class|enum|union|using|namespace)\s+(\w+)")
_OTHER = re.compile(r"(\w+)\s*[(={\[;]")
_DEFINE = re.compile(r"^\s*#\s*define\b", re.MULTILINE)
_NOT_COMPILED = "[clang-diagnostic-error"


def own_names(text: str) -> set[str]:
    """What a source names for itself, in namespaces without a name: as far as lines that begin at the margin tell."""
    names = set()
    space = ""
    inside = False
    for line in text.splitlines():
        if line == "namespace {":
            inside = True
        elif line.startswith("}  // namespace"):
            inside = False
        elif line.startswith("namespace vodlift"):
            space = line.split()[1]
        elif inside and line[:1].isalpha() and (found := _TYPE.match(line) or _OTHER.search(line)):
            names.add(f"{space}::{found[1]}")
    return names


@dataclass
class Group:
    path: pathlib.Path
    command: list[str]  # the compiler's, without input and output
    files: list[pathlib.Path] = field(default_factory=list)
    starts: list[int] = field(default_factory=list)  # the line of each file's first one
    text: str = ""

    def takes(self, text: str, command: list[str]) -> bool:
        return (self.command == command and (self.text + text).count("\n") <= MAX_LINES
                and not own_names(self.text) & own_names(text)
                # A macro of its own may change what another file means.
                and not _DEFINE.search(self.text + text))

    def add(self, file: pathlib.Path, text: str) -> None:
        self.files.append(file)
        self.starts.append(self.text.count("\n") + 1)
        self.text += text

    def told_of_files(self, output: str) -> str:
        """The output, with places in the group as places in its files."""
        def place(match: re.Match) -> str:
            line = int(match[1])
            at = bisect.bisect_right(self.starts, line) - 1
            return f"{self.files[at]}:{line - self.starts[at] + 1}:"
        return re.sub(re.escape(str(self.path)) + r":(\d+):", place, output)


def compile_commands() -> dict[pathlib.Path, list[str]]:
    commands = {}
    for entry in json.loads((BUILD / "compile_commands.json").read_text()):
        words = shlex.split(entry["command"])
        output = words.index("-o")
        commands[pathlib.Path(entry["file"])] = words[:output] + words[output + 2:words.index("-c")]
    return commands


def make_groups(files: list[pathlib.Path], commands: dict[pathlib.Path, list[str]]) -> list[Group]:
    groups: list[Group] = []
    for file in files:
        text = file.read_text()
        group = next((group for group in groups if group.takes(text, commands[file])), None)
        if group is None:
            group = Group(GROUPED / f"{len(groups) + 1}.cc", commands[file])
            groups.append(group)
        group.add(file, text)
    GROUPED.mkdir(exist_ok=True)
    for group in groups:
        group.path.write_text(group.text)
    # The compiler's own warnings (-w: a name that hides one of another file) are of each file alone.
    (GROUPED / "compile_commands.json").write_text(json.dumps(
        [{"directory": str(BUILD), "file": str(group.path), "arguments": [*group.command, "-w", "-c", str(group.path)]}
         for group in groups]))
    return groups


def clang_tidy(path: pathlib.Path, build: pathlib.Path, checks: str) -> tuple[bool, str]:
    """Whether a file is clean, and what is wrong with it."""
    done = subprocess.run(["clang-tidy", "-p", build, "--quiet", f"--checks={checks}", path],
                          capture_output=True, text=True, errors="replace")
    return done.returncode == 0, "" if done.returncode == 0 else done.stdout + done.stderr


def analyze(file: pathlib.Path) -> tuple[bool, str]:
    of_analyzer = re.findall(r"-?clang-analyzer-[\w.*]+", (ROOT / ".clang-tidy").read_text())
    return clang_tidy(file, BUILD, ",".join(["-*", *of_analyzer]))


def check(group: Group) -> tuple[bool, str]:
    clean, output = clang_tidy(group.path, GROUPED, "-clang-analyzer-*")
    if len(group.files) == 1 or _NOT_COMPILED not in output:
        return clean, group.told_of_files(output)
    why = next(line for line in group.told_of_files(output).splitlines() if _NOT_COMPILED in line)
    alone = [clang_tidy(file, BUILD, "-clang-analyzer-*") for file in group.files]
    return (all(clean for clean, _ in alone),
            "".join(output for _, output in alone)
            or f"note: {len(alone)} files were checked one by one, because of {why}\n")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("files", nargs="*", type=lambda name: pathlib.Path(name).resolve())
    files = parser.parse_args().files
    if not files:
        tracked = subprocess.run(["git", "ls-files", "src/*.cc"], cwd=ROOT, stdout=subprocess.PIPE, text=True, check=True)
        files = [ROOT / name for name in tracked.stdout.split() if not name.endswith("_test.cc")]
    commands = compile_commands()
    if unknown := [str(file) for file in files if file not in commands]:
        print(f"no target has {', '.join(unknown)}", file=sys.stderr)
        return 1

    clean = True
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        jobs = [pool.submit(check, group) for group in make_groups(files, commands)]
        jobs += [pool.submit(analyze, file) for file in files]
        for job in concurrent.futures.as_completed(jobs):
            job_clean, output = job.result()
            clean &= job_clean
            print(output, end="", flush=True)
    return 0 if clean else 1


if __name__ == "__main__":
    sys.exit(main())

#!/usr/bin/python3
"""Runs clang-tidy over the sources of src/; `./do tidy` calls this.

    tidy.py [--all] [--deep] [FILE...]      all of src/ but the tests, or these files; exit code 1 if there is a fault

Clean results are kept in the user's cache folder (CLEAN below), and a file is checked again only if something has changed that
could change the result: clang-tidy, its settings, this program, the compile command, the file, or a file that it includes. Paths
are compared relative to the project, so a clone in another folder finds the results too. Faults are never kept. --all
checks every file, whatever is kept.

A few files are checked one by one. Many are checked in groups, put one behind the other into one file
(build/tidy/grouped/1/1.cc): clang-tidy reads their headers once, and a fault is reported at its place in the original file. A name
that two of them have of their own gets an ending there (list_in7). If a group does not compile all the same, its halves are checked.

The analyzer does not walk through calls of templates and of the standard library: that took three quarters of the time, and of a
dozen planted faults it found two more, which another check finds as well. --deep lets it walk there, and adds the checks of
DEEP_CHECKS. Where it finds a fault without doing so, it looks at that file again with depth: without, it takes an std::optional
for anything.
"""

import argparse
import bisect
import collections
import concurrent.futures
import functools
import hashlib
import json
import os
import pathlib
import re
import shlex
import subprocess
import sys
import time
from dataclasses import dataclass, field

ROOT = pathlib.Path(__file__).resolve().parent.parent
BUILD = ROOT / "build/tidy"
GROUPED = BUILD / "grouped"
CLEAN = pathlib.Path(os.environ.get("XDG_CACHE_HOME") or pathlib.Path.home() / ".cache") / "vodlift/clang-tidy"
DEEP_CHECKS = "performance-unnecessary-value-param"  # .clang-tidy says why
MAX_LINES = 10000  # of a group: all cores have work, and the headers are read few times
FEW = 24  # files that are checked one by one
KEPT_DAYS = 30  # since a result was last used
sys.path.insert(0, str(ROOT / "cmake"))
from groups import DEFINE, NO_CODE, SHORT_FORM, TYPE, own_names  # noqa: E402

_ENDING = re.compile(r"_in\d+\b")  # of a name that another file of the group has too
_NOT_COMPILED = "[clang-diagnostic-error"


@dataclass
class Group:
    path: pathlib.Path
    command: list[str]  # the compiler's, without input and output
    files: list[pathlib.Path] = field(default_factory=list)
    starts: list[int] = field(default_factory=list)  # the line of each file's first one
    text: str = ""

    def add(self, file: pathlib.Path, text: str) -> None:
        self.files.append(file)
        self.starts.append(self.text.count("\n") + 1)
        self.text += text

    def in_files(self, output: str) -> str:
        """The output, with each place in the group replaced by its place in the original file, and names as they are there."""
        def place(match: re.Match) -> str:
            line = int(match[1])
            at = bisect.bisect_right(self.starts, line) - 1
            return f"{self.files[at]}:{line - self.starts[at] + 1}:"
        return re.sub(re.escape(str(self.path)) + r":(\d+):", place, _ENDING.sub("", output))


def compile_commands() -> dict[pathlib.Path, list[str]]:
    commands = {}
    for entry in json.loads((BUILD / "compile_commands.json").read_text()):
        words = shlex.split(entry["command"])
        output = words.index("-o")
        commands[pathlib.Path(entry["file"])] = words[:output] + words[output + 2:words.index("-c")]
    return commands


@functools.cache
def names_of_headers() -> set[str]:
    """The types that headers of src/ define: a file of the group may include them."""
    return {name for header in (ROOT / "src").rglob("*.h") for line in header.read_text().splitlines()
            if (found := TYPE.match(line)) for name in found.groups() if name}


def renamed(text: str, names: set[str], ending: str) -> str:
    """The text with an ending at each of these names of its own, not in texts and comments, nor at members and names of others."""
    if not names:
        return text
    word = re.compile(rf"{NO_CODE.pattern}|#include[^\n]*|(?<![\w.:>])({'|'.join(names)})\b")
    return word.sub(lambda found: found[0] + ending if found[1] else found[0], text)


def make_group(name: str, command: list[str], files: list[pathlib.Path]) -> Group:
    folder = GROUPED / name
    folder.mkdir(parents=True, exist_ok=True)
    group = Group(folder / f"{name}.cc", command)
    texts = {file: file.read_text() for file in files}
    own = {file: own_names(text) for file, text in texts.items()}
    taken = collections.Counter(one for file, text in texts.items() for one in own[file] | set(SHORT_FORM.findall(text)))
    for number, (file, text) in enumerate(texts.items()):
        group.add(file, renamed(text, {one for one in own[file] if taken[one] > 1 or one in names_of_headers()}, f"_in{number}"))
    group.path.write_text(group.text)
    # The compiler's own warnings are off (-w), as a name may hide one of another file.
    (folder / "compile_commands.json").write_text(json.dumps(
        [{"directory": str(BUILD), "file": str(group.path), "arguments": [*command, "-w", "-c", str(group.path)]}]))
    return group


def parted(command: list[str]) -> tuple[frozenset[str], list[str]]:
    """What files of one group must have in common, and the words that do no harm to the others: macros and folders of headers."""
    own = [word for at, word in enumerate(command) if word.startswith("-D") or "-isystem" in (word, command[at - 1])]
    return frozenset(command) - {*own, "-fPIE"}, own


def make_groups(files: list[pathlib.Path], commands: dict[pathlib.Path, list[str]]) -> list[Group]:
    """Of files with nearly the same command, and so many of them that there is work for all cores. A file with a macro of its
    own is alone."""
    by_command: dict[frozenset[str], list[list[pathlib.Path]]] = {}
    alone = []
    lines = {file: file.read_text().count("\n") for file in files}
    for file in files:
        if DEFINE.search(file.read_text()):
            alone.append([file])
            continue
        alike = by_command.setdefault(parted(commands[file])[0], [[]])
        if alike[-1] and sum(lines[other] for other in alike[-1]) + lines[file] > MAX_LINES:
            alike.append([])
        alike[-1].append(file)
    groups = [members for alike in by_command.values() for members in alike] + alone
    return [make_group(str(number), command_of(members, commands), members) for number, members in enumerate(groups, 1)]


def command_of(members: list[pathlib.Path], commands: dict[pathlib.Path, list[str]]) -> list[str]:
    command = list(commands[members[0]])
    for file in members[1:]:
        own = parted(commands[file])[1]
        for at, word in enumerate(own):
            if word.startswith("-D") and word not in command:
                command.append(word)
            elif word == "-isystem" and own[at + 1] not in command:
                command += own[at:at + 2]
    return command


def halves_of(group: Group) -> list[Group]:
    middle = len(group.files) // 2
    return [make_group(group.path.stem + part, group.command, files)
            for part, files in (("a", group.files[:middle]), ("b", group.files[middle:]))]


@functools.cache
def _digest_of(path: str, modified_ns: int, size: int) -> bytes:
    return hashlib.sha256(pathlib.Path(path).read_bytes()).digest()


def digest_of(path: str) -> bytes:
    """Of the file's content."""
    stat = os.stat(path)
    return _digest_of(path, stat.st_mtime_ns, stat.st_size)


def included_files(file: pathlib.Path, command: list[str]) -> list[str]:
    """The file and everything that it includes, system headers too, as the compiler finds them now; empty if it finds one
    of them nowhere."""
    if "-include-pch" in command:  # the headers in it are wanted one by one
        pch = command.index("-include-pch")
        command = command[:pch - 1] + command[pch + 3:]
    rule = subprocess.run([*command, "-M", "-MT", "all", str(file)], cwd=BUILD, capture_output=True, text=True)
    return [os.path.join(BUILD, name) for name in shlex.split(rule.stdout.replace("\\\n", " "))[1:]]


@functools.cache
def tool_version() -> str:
    return subprocess.run(["clang-tidy", "--version"], stdout=subprocess.PIPE, text=True, check=True).stdout


def key_of(file: pathlib.Path, command: list[str]) -> str:
    """The name under which the file's clean result is kept: a checksum of everything that the result depends on. Empty if it
    cannot be known."""
    included = included_files(file, command)
    if not included:
        return ""
    key = hashlib.sha256()

    def add(part: bytes) -> None:
        key.update(len(part).to_bytes(8, "little") + part)

    add(tool_version().encode())
    for word in command:
        add(word.replace(str(ROOT), ".").encode())
    settings = [str(folder / ".clang-tidy") for folder in file.parents if (folder / ".clang-tidy").exists()]
    for path in (__file__, *settings, *included):
        add(path.replace(str(ROOT), ".").encode())
        add(digest_of(path))
    return key.hexdigest()


def forget_old_results() -> None:
    for one in CLEAN.iterdir():
        if time.time() - one.stat().st_mtime > KEPT_DAYS * 86400:
            one.unlink(missing_ok=True)


@dataclass
class Result:
    files: list[pathlib.Path]
    clean: bool
    output: str


def clang_tidy(path: pathlib.Path, build: pathlib.Path, deep: bool) -> tuple[bool, str]:
    """Whether a file is clean, and the report of its faults."""
    depth = ",".join(f"c++-{what}-inlining={str(deep).lower()}" for what in ("stdlib", "template"))
    setting = ["-Xclang", "-analyzer-config", "-Xclang", depth]
    more = [f"--checks={DEEP_CHECKS}"] if deep else []
    done = subprocess.run(["clang-tidy", "-p", build, "--quiet", *more, *(f"--extra-arg={word}" for word in setting), path],
                          capture_output=True, text=True, errors="replace")
    return done.returncode == 0, "" if done.returncode == 0 else done.stdout + done.stderr


def only_by_analyzer(output: str) -> bool:
    faults = [line for line in output.splitlines() if " error: " in line]
    return bool(faults) and all("[clang-analyzer-" in line for line in faults)


def check_alone(file: pathlib.Path, deep: bool) -> list[Result]:
    clean, output = clang_tidy(file, BUILD, deep)
    if not (clean or deep) and only_by_analyzer(output):
        clean, output = clang_tidy(file, BUILD, deep=True)
    return [Result([file], clean, output)]


def check_group(group: Group, deep: bool) -> list[Result]:
    clean, output = clang_tidy(group.path, group.path.parent, deep)
    output = group.in_files(output)
    if _NOT_COMPILED in output and len(group.files) > 1:
        why = next(line for line in output.splitlines() if _NOT_COMPILED in line)
        note = Result([], True, f"note: {len(group.files)} files were checked in two halves, because of {why}\n")
        return [note, *(one for half in halves_of(group) for one in check_group(half, deep))]
    if clean or deep or not only_by_analyzer(output):
        return [Result(group.files, clean, output)]
    doubtful = [file for file in group.files if f"{file}:" in output]
    others = [file for file in group.files if file not in doubtful]
    return [Result(others, True, ""), *(one for file in doubtful for one in check_alone(file, deep=True))]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--all", action="store_true", help="check every file, whatever is kept")
    parser.add_argument("--deep", action="store_true", help="every file, and the analyzer walks through templates and the standard library too")
    parser.add_argument("files", nargs="*", type=lambda name: pathlib.Path(name).resolve())
    arguments = parser.parse_args()
    files = arguments.files
    if not files:
        tracked = subprocess.run(["git", "ls-files", "src/*.cc"], cwd=ROOT, stdout=subprocess.PIPE, text=True, check=True)
        files = [ROOT / name for name in tracked.stdout.split() if not name.endswith("_test.cc")]
    commands = compile_commands()
    if unknown := [str(file) for file in files if file not in commands]:
        print(f"no target has {', '.join(unknown)}", file=sys.stderr)
        return 1

    CLEAN.mkdir(parents=True, exist_ok=True)
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        keys = dict(zip(files, pool.map(lambda file: key_of(file, commands[file]), files)))
        due = []
        for file, key in keys.items():
            if key and (CLEAN / key).exists() and not (arguments.all or arguments.deep):
                (CLEAN / key).touch()
            else:
                due.append(file)
        print(f"clang-tidy: {len(due)} of {len(files)} files to check", flush=True)
        if len(due) <= FEW:
            jobs = [pool.submit(check_alone, file, arguments.deep) for file in due]
        else:
            jobs = [pool.submit(check_group, group, arguments.deep) for group in make_groups(due, commands)]
        faulty: set[pathlib.Path] = set()
        for job in concurrent.futures.as_completed(jobs):
            for result in job.result():
                faulty.update([] if result.clean else result.files)
                print(result.output, end="", flush=True)
    for file in due:
        # If the file has another key now, it changed during the check: the result may belong to either content.
        if file not in faulty and keys[file] and key_of(file, commands[file]) == keys[file]:
            (CLEAN / keys[file]).touch()
    forget_old_results()
    print("clang-tidy: clean" if not faulty else f"clang-tidy: faults in {len(faulty)} files or in files near them")
    return 1 if faulty else 0


if __name__ == "__main__":
    sys.exit(main())

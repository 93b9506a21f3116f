#!/usr/bin/python3
"""Checks that src/ is built in layers: what each folder includes against what its CMakeLists.txt says it may.

    check_includes.py [ROOT]      prints each offence as FILE:LINE: REASON; exit code 1 if there is any

Three rules: a folder includes itself and the folders its vodlift_library(... DEPENDS ...) reaches; DEPENDS itself keeps
to the layers below; and a library that one folder wraps is included nowhere else.
"""

import fnmatch
import pathlib
import re
import sys

# main -> app -> {the outer ring} -> core -> base; net -> base serves the outer ring, and door its doors. Siblings never
# meet.
OUTER_RING = {"rest", "alert", "audit", "callback", "cli", "legacy", "panel", "postgres", "s3", "storage", "store", "telemetry", "worker"}
DOORS = {"rest", "legacy"}
MAY_DEPEND = {
    "base": set(),
    "core": {"base"},
    "net": {"base"},
    "memory": {"base", "core"},  # for tests: no other folder's library depends on it
    "worker": {"base", "core"},  # sees ports only, never a network
    **{folder: {"base", "core", "net"} for folder in OUTER_RING - {"worker"}},
    "door": {"base", "core", "net"},  # what all doors share
    **{folder: {"base", "core", "net", "door"} for folder in DOORS},
    "app": {"base", "core", "net", *OUTER_RING},
}

# Which files of src/ may include a library's headers; everything that is not named here may be included anywhere.
LIBRARIES = {
    "CLI/": ["cli/*"],
    "brotli/": ["panel/*"],
    "boost/asio": ["net/http_server*", "net/*_test.*"],
    "boost/beast": ["net/http_server*", "net/*_test.*"],
    "curl/": ["net/*"],
    "date/": ["base/*"],
    "isa-l": ["base/*"],
    "libpq-fe.h": ["postgres/*"],
    "openssl/": ["base/*", "net/http_server_tls.cc"],
    "pugixml.hpp": ["s3/*"],
    "sodium": ["base/*", "store/*"],
    "spdlog/": ["base/*"],
    "sqlite3.h": ["store/*"],
    "systemd/": ["app/service_manager.cc"],
    "toml++/": ["app/*"],
}

_INCLUDE = re.compile(r'^\s*#\s*include\s+(?:"([^"]+)"|<([^>]+)>)')
_CALL = re.compile(r"\b(vodlift_library|vodlift_test|target_link_libraries)\s*\(([^)]*)\)")
_KEYWORDS = {"SOURCES", "DEPENDS", "PRIVATE_DEPENDS", "PRIVATE", "PUBLIC"}


class Layers:
    """What the CMake files of one source tree say."""

    def __init__(self, source: pathlib.Path):
        self.source = source
        self.depends: dict[str, set[str]] = {}  # folder: DEPENDS of its library
        self.tests: dict[str, set[str]] = {}  # folder: DEPENDS of its tests
        self.main: set[str] = set()  # what the program itself links
        self.offences: list[str] = []
        for file in sorted([source / "CMakeLists.txt", *source.glob("*/CMakeLists.txt")]):
            if file.exists():
                self._read(file)
        for folder, depends in sorted(self.depends.items()):
            for other in sorted(depends - MAY_DEPEND.get(folder, set())):
                self.offences.append(f"{source / folder / 'CMakeLists.txt'}:{self._line_of(folder)}: {folder} may not "
                                     f"depend on {other} (see ARCHITECTURE.md)")

    def _read(self, file: pathlib.Path) -> None:
        text = re.sub(r"#.*", "", file.read_text())
        folder = file.parent.name
        for function, arguments in _CALL.findall(text):
            name, *words = arguments.split()
            found = {word.removeprefix("vodlift_") for word in self._after(words, function)}
            if function == "vodlift_library":
                self.depends[name] = found
            elif function == "vodlift_test":
                self.tests.setdefault(folder, set()).update(found)
            elif name == "vodlift":
                self.main |= found
            elif name.removeprefix("vodlift_") in self.depends:
                self.offences.append(f"{file}:1: say {name}'s dependencies in vodlift_library(... DEPENDS ...)")

    @staticmethod
    def _after(words: list[str], function: str) -> list[str]:
        """The words after DEPENDS (or PRIVATE), up to the next keyword; libraries that are not ours are left out."""
        wanted = "PRIVATE" if function == "target_link_libraries" else "DEPENDS"
        taken, keyword = [], ""
        for word in words:
            if word in _KEYWORDS:
                keyword = word
            elif keyword == wanted and "::" not in word:
                taken.append(word)
        return taken

    def _line_of(self, folder: str) -> int:
        lines = (self.source / folder / "CMakeLists.txt").read_text().splitlines()
        return next((number for number, line in enumerate(lines, 1) if "vodlift_library" in line), 1)

    def reach(self, folders: set[str]) -> set[str]:
        """These folders and all that they depend on."""
        reached: set[str] = set()
        waiting = list(folders)
        while waiting:
            folder = waiting.pop()
            if folder not in reached:
                reached.add(folder)
                waiting += self.depends.get(folder, ())
        return reached

    def allowed(self, file: pathlib.PurePath) -> set[str]:
        """The folders that a file, given by its path below src/, may include from."""
        if len(file.parts) == 1:
            return self.main
        folder = file.parts[0]
        reached = self.reach({folder})
        if is_test(file):
            reached |= self.reach(self.tests.get(folder, set()))
        return reached


def is_test(file: pathlib.PurePath) -> bool:
    return file.stem.endswith("_test")


def library_offence(file: pathlib.PurePath, header: str) -> str:
    for prefix, allowed in LIBRARIES.items():
        if header.startswith(prefix) and not any(fnmatch.fnmatch(str(file), pattern) for pattern in allowed):
            return f"<{header}> belongs in {' or '.join(allowed)} only"
    return ""


def own_offence(layers: Layers, file: pathlib.PurePath, header: str) -> str:
    folder, slash, name = header.partition("/")
    if not slash:
        return f'"{header}": write the folder too, as in "base/error.h"'
    if folder not in layers.depends:
        return f'"{header}": {folder} is no folder of src/'
    if folder not in layers.allowed(file):
        who = file.parts[0] if len(file.parts) > 1 else "the program"
        return f'"{header}": {who} does not depend on {folder}'
    if name.endswith("_test.h") and not is_test(file):
        return f'"{header}" is for tests only'
    return ""


def check(root: pathlib.Path) -> list[str]:
    """Every offence under ROOT/src."""
    source = root / "src"
    layers = Layers(source)
    offences = list(layers.offences)
    files = sorted(path for path in source.rglob("*") if path.suffix in (".h", ".cc"))
    if not files:
        offences.append(f"{source}: there is nothing to check")
    for path in files:
        file = path.relative_to(source)
        if len(file.parts) > 1 and file.parts[0] not in layers.depends:
            offences.append(f"{path}:1: {file.parts[0]} has no vodlift_library() in its CMakeLists.txt")
            continue
        for number, line in enumerate(path.read_text().splitlines(), 1):
            if match := _INCLUDE.match(line):
                own, system = match.groups()
                reason = own_offence(layers, file, own) if own else library_offence(file, system)
                if reason:
                    offences.append(f"{path}:{number}: {reason}")
    return offences


def main() -> int:
    root = pathlib.Path(sys.argv[1]) if len(sys.argv) > 1 else pathlib.Path(__file__).resolve().parents[1]
    offences = check(root)
    for offence in offences:
        print(offence)
    if not offences:
        print("includes: every folder keeps to its layer")
    return 1 if offences else 0


if __name__ == "__main__":
    sys.exit(main())

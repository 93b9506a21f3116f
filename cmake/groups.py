#!/usr/bin/python3
"""Which sources can be compiled as one: they read their headers once, which takes most of a compiler's time.

    groups.py FILE...      prints "GROUP FILE" for each file, in their order

Files that give one name to different things of their own are not in one group, nor is a file with a macro of its own, which
may change what another file means.
"""

import pathlib
import re
import sys

MAX_LINES = 2500  # of a group

_TYPE = re.compile(r"^(?:struct|class|enum class|enum|union|namespace)\s+(\w+)|^using\s+(\w+)\s*=")
_SHARED = re.compile(r"^(?:using|friend|TEST|TEST_F|TEST_P|TYPED_TEST\w*|INSTANTIATE_\w+|REGISTER_\w+|static_assert)\b")
_OTHER = re.compile(r"(\w+)\s*[(={\[;]")
_DEFINE = re.compile(r"^\s*#\s*define\b", re.MULTILINE)


def own_names(text: str) -> set[str]:
    """The names that a source defines in unnamed namespaces, as far as lines that begin at the margin show them."""
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
        elif inside and line[:1].isalpha():
            found = _TYPE.match(line) or (None if _SHARED.match(line) else _OTHER.search(line))
            if found:
                names.add(f"{space}::{next(filter(None, found.groups()))}")
    return names


def has_macro(text: str) -> bool:
    return bool(_DEFINE.search(text))


def groups_of(files: list[str]) -> list[list[str]]:
    groups: list[tuple[list[str], set[str], list[int]]] = []
    for file in files:
        text = pathlib.Path(file).read_text()
        names, lines = own_names(text), text.count("\n")
        alone = has_macro(text)
        fits = (one for one in groups if not alone and one[1] is not None and not one[1] & names and one[2][0] + lines <= MAX_LINES)
        group = next(fits, None)
        if group is None:
            groups.append(([file], None if alone else set(names), [lines]))
        else:
            group[0].append(file)
            group[1].update(names)
            group[2][0] += lines
    return [files for files, _, _ in groups]


if __name__ == "__main__":
    for number, members in enumerate(groups_of(sys.argv[1:]), 1):
        for member in members:
            print(number, member)

#!/usr/bin/python3
"""Which sources can be compiled as one: they read their headers once, which takes most of a compiler's time.

    groups.py FILE...      prints "GROUP FILE" for each file, in their order

A file is not in one group with another that has a name of its own which it uses too, for whatever, nor with any if it has a macro
of its own, which may change what another file means.
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


_NO_CODE = re.compile(r'//[^\n]*|"(?:[^"\\\n]|\\.)*"')


def words_of(text: str) -> set[str]:
    return set(re.findall(r"\b[A-Za-z_]\w+", _NO_CODE.sub(" ", text)))


def has_macro(text: str) -> bool:
    return bool(_DEFINE.search(text))


class Group:
    def __init__(self) -> None:
        self.files: list[str] = []
        self.own: set[str] = set()
        self.words: set[str] = set()
        self.lines = 0

    def takes(self, text: str, own: set[str], words: set[str]) -> bool:
        return self.lines + text.count("\n") <= MAX_LINES and not self.own & words and not own & self.words

    def add(self, file: str, text: str, own: set[str], words: set[str]) -> None:
        self.files.append(file)
        self.own |= own
        self.words |= words
        self.lines += text.count("\n")


def groups_of(files: list[str]) -> list[list[str]]:
    groups: list[Group] = []
    alone: list[list[str]] = []
    for file in files:
        text = pathlib.Path(file).read_text()
        if has_macro(text):
            alone.append([file])
            continue
        own = {name.rpartition("::")[2] for name in own_names(text)}
        words = words_of(text)
        group = next((one for one in groups if one.takes(text, own, words)), None)
        if group is None:
            group = Group()
            groups.append(group)
        group.add(file, text, own, words)
    return [one.files for one in groups] + alone


if __name__ == "__main__":
    for number, members in enumerate(groups_of(sys.argv[1:]), 1):
        for member in members:
            print(number, member)

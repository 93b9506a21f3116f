#!/usr/bin/python3
"""Which sources can be compiled as one: they read their headers once, which takes most of a compiler's time.

    groups.py FILE...      prints "GROUP FILE" for each file, in their order

A file is not in one group with another that has a name of its own which it uses too, for whatever; a `using` of one name counts as
such. A file with a macro of its own is in none, for it may change what another file means.
"""

import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
MAX_LINES = 2500  # of a group: small enough that all cores have work, and that a changed file costs little

TYPE = re.compile(r"^(?:struct|class|enum class|enum|union|namespace)\s+(\w+)|^using\s+(\w+)\s*=")
_SHARED = re.compile(r"^(?:using|friend|static_assert)\b|^[A-Z][A-Z0-9_]+\(")  # a macro is no name of its own
_OTHER = re.compile(r"(\w+)\s*[(={\[;]")
SHORT_FORM = re.compile(r"^using [\w:]+::(\w+);", re.MULTILINE)
DEFINE = re.compile(r"^\s*#\s*define\b", re.MULTILINE)


def own_names(text: str) -> set[str]:
    """The names that a source defines in unnamed namespaces, as far as lines that begin at the margin show them."""
    names = set()
    inside = False
    for line in text.splitlines():
        if line == "namespace {":
            inside = True
        elif line.startswith("}  // namespace"):
            inside = False
        elif inside and line[:1].isalpha():
            found = TYPE.match(line) or (None if _SHARED.match(line) else _OTHER.search(line))
            if found:
                names.add(next(filter(None, found.groups())))
    return names


NO_CODE = re.compile(r'//[^\n]*|"(?:[^"\\\n]|\\.)*"')
_WORD = re.compile(r"(?<![\w.:>])[A-Za-z_]\w+")  # none of a member, none with a namespace in front
_HEADER_OF_TESTS = re.compile(r'^#include "([^"]+_test\.h|conformance/[^"]+\.h)"', re.MULTILINE)


def words_of(text: str) -> set[str]:
    """The words of a source and of the headers with pieces of tests that it includes, which define things for all to see."""
    words = set(_WORD.findall(NO_CODE.sub(" ", text)))
    for name in _HEADER_OF_TESTS.findall(text):
        header = next((ROOT / folder / name for folder in ("src", "tests") if (ROOT / folder / name).exists()), None)
        words |= words_of(header.read_text()) if header else set()
    return words


class Source:
    def __init__(self, text: str) -> None:
        self.lines = text.count("\n")
        self.has_macro = bool(DEFINE.search(text))
        # What others must not use: names of its own, and short forms of names of others (using std::chrono::seconds).
        short_forms = set(SHORT_FORM.findall(text))
        self.names = own_names(text) | short_forms
        self.words = words_of(text) - short_forms

    def fits(self, other) -> bool:
        """Whether it can be compiled together with another source, or a group of them."""
        return not self.names & other.words and not other.names & self.words


class Group:
    def __init__(self) -> None:
        self.files: list = []
        self.names: set[str] = set()
        self.words: set[str] = set()
        self.lines = 0

    def takes(self, one: Source) -> bool:
        return self.lines + one.lines <= MAX_LINES and one.fits(self)

    def add(self, file, one: Source) -> None:
        self.files.append(file)
        self.names |= one.names
        self.words |= one.words
        self.lines += one.lines


def groups_of(files: list) -> list[list]:
    """The files (paths) in groups that can be compiled together, in their order."""
    groups: list[Group] = []
    alone: list[list] = []
    for file in files:
        one = Source(pathlib.Path(file).read_text())
        if one.has_macro:
            alone.append([file])
            continue
        group = next((group for group in groups if group.takes(one)), None)
        if group is None:
            group = Group()
            groups.append(group)
        group.add(file, one)
    return [group.files for group in groups] + alone


if __name__ == "__main__":
    for number, members in enumerate(groups_of(sys.argv[1:]), 1):
        for member in members:
            print(number, member)

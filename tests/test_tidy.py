"""How tidy.py puts files together, and whose a fault is. What clang-tidy finds is clang-tidy's."""

import pathlib

import pytest

import tidy

COMMAND = ["clang++", "-std=c++20"]


def source(names: str, space: str = "vodlift::s3", before: str = "") -> str:
    return f"{before}namespace {space} {{\nnamespace {{\n\n{names}\n\n}}  // namespace\n\nint shared() {{ return 1; }}\n}}\n"


@pytest.mark.parametrize("line, name", [
    ("constexpr std::size_t kLimit = 5;", "kLimit"),
    ("constexpr std::array<Command, 3> kCommands = {", "kCommands"),
    ("std::optional<int> parse(std::string_view text) {", "parse"),
    ("enum class State { a, b };", "State"),
    ("struct Row {", "Row"),
    ("using Rows = std::vector<Row>;", "Rows"),
    ("thread_local Scratch scratch;", "scratch"),
])
def test_own_names(line, name):
    assert tidy.own_names(source(line)) == {f"vodlift::s3::{name}"}


@pytest.fixture
def groups_of(tmp_path, monkeypatch):
    monkeypatch.setattr(tidy, "BUILD", tmp_path)
    monkeypatch.setattr(tidy, "GROUPED", tmp_path / "grouped")

    def make(texts: dict[str, str], commands: dict[str, list[str]] = {}) -> list[tidy.Group]:
        for name, text in texts.items():
            (tmp_path / name).write_text(text)
        return tidy.make_groups([tmp_path / name for name in texts],
                                {tmp_path / name: commands.get(name, COMMAND) for name in texts})
    return make


def grouped(groups: list[tidy.Group]) -> list[list[str]]:
    return [[file.name for file in group.files] for group in groups]


def test_files_meet_unless_one_name_is_two_things(groups_of):
    assert grouped(groups_of({
        "a.cc": source("int count() { return 1; }"),
        "b.cc": source("int count() { return 2; }"),
        "c.cc": source("int total() { return 2; }"),
        "d.cc": source("int count() { return 2; }", space="vodlift::store"),
    })) == [["a.cc", "c.cc", "d.cc"], ["b.cc"]]


def test_files_with_macros_or_other_options_are_apart(groups_of):
    assert grouped(groups_of(
        {"a.cc": source("int a;"), "b.cc": source("int b;", before="#define B 1\n"), "c.cc": source("int c;"),
         "d.cc": source("int d;")},
        {"d.cc": [*COMMAND, "-DD=1"]})) == [["a.cc", "c.cc"], ["b.cc"], ["d.cc"]]


def test_a_group_has_an_end(groups_of, monkeypatch):
    monkeypatch.setattr(tidy, "MAX_LINES", 20)
    assert [len(group.files) for group in groups_of({f"{i}.cc": source(f"int n{i};") for i in range(5)})] == [2, 2, 1]


def test_a_fault_is_told_of_its_file(groups_of):
    group, = groups_of({"a.cc": source("int a;"), "b.cc": source("int b;"), "c.cc": source("int c;")})
    lines = group.path.read_text().splitlines()
    for name in "abc":
        at = lines.index(f"int {name};") + 1
        own = (pathlib.Path(group.files[0]).parent / f"{name}.cc").read_text().splitlines().index(f"int {name};") + 1
        assert group.told_of_files(f"{group.path}:{at}:5: error: no") == f"{group.files[0].parent}/{name}.cc:{own}:5: error: no"
    assert group.told_of_files("/usr/include/x.h:3:1: note") == "/usr/include/x.h:3:1: note"

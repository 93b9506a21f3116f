"""How tidy.py puts files together, where it reports a fault, and when it checks a file again. What clang-tidy itself finds is not
tested here: a script takes its place."""

import json
import os
import pathlib
import shutil
import subprocess
import sys

import pytest

import tidy
import groups  # from cmake/, where tidy looks

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
    assert groups.own_names(source(line)) == {name}


@pytest.mark.parametrize("line", ["TEST_P(Claims, AreFair) {", "VODLIFT_INSTANTIATE_CONFORMANCE(Claims);", "using std::chrono::seconds;"])
def test_no_names_of_their_own(line):
    assert groups.own_names(source(line)) == set()


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


@pytest.fixture
def compiled(tmp_path):
    """The groups of these texts for the compiler, which warns of names that hide others."""
    def make(texts: dict[str, str]) -> list[list[str]]:
        for name, text in texts.items():
            (tmp_path / name).write_text(text)
        return [[file.name for file in group] for group in groups.groups_of([tmp_path / name for name in texts])]
    return make


COUNTS = {
    "a.cc": source("int count() { return 1; }"),
    "b.cc": source("int count() { return 2; }"),
    "c.cc": source("int total() { return 2; }"),
    "d.cc": source("int total2() { return count(); }  // another one, of a header"),
    "e.cc": source("int total3(const Row& row) { return row.count + of(row)->count + db::count; }  // no count of ours"),
}
SHORT = "using std::chrono::seconds;\n"
SECONDS = {
    "a.cc": source(SHORT + "seconds wait() { return seconds(1); }"),
    "b.cc": source("int left() { const int seconds = 1; return seconds; }"),
    "c.cc": source(SHORT + "seconds rest() { return seconds(2); }"),
}


def test_files_meet_unless_a_name_of_one_is_something_else_in_another(compiled):
    assert compiled(COUNTS) == [["a.cc", "c.cc", "e.cc"], ["b.cc"], ["d.cc"]]


def test_a_short_form_is_for_files_that_have_it_too(compiled):
    assert compiled(SECONDS) == [["a.cc", "c.cc"], ["b.cc"]]


def test_for_clang_tidy_a_name_of_two_files_gets_an_ending(groups_of):
    group, = groups_of(COUNTS | {"f.cc": source('int count() { return size("count", row.count, db::count) + count(); }  // count')})
    assert "int count_in0()" in group.text and "int count_in1()" in group.text
    assert 'int count_in5() { return size("count", row.count, db::count) + count_in5(); }  // count' in group.text
    assert "return count();" in group.text, "of a header, where no other file has it"
    output = f"{group.path}:4:5: error: function 'count_in0' is not used"
    assert group.in_files(output) == f"{group.files[0]}:4:5: error: function 'count' is not used"


def test_so_does_one_that_is_a_short_form_elsewhere_or_a_type_of_a_header(groups_of, monkeypatch):
    monkeypatch.setattr(tidy, "names_of_headers", lambda: {"Row"})
    group, = groups_of({"a.cc": source(SHORT + "seconds wait() { return seconds(1); }"), "b.cc": source("int seconds() { return 1; }"),
                        "c.cc": source("#include \"a/Row.h\"\nstruct Row {")})
    assert SHORT + "seconds wait() { return seconds(1); }" in group.text and "int seconds_in1()" in group.text
    assert '#include "a/Row.h"\nstruct Row_in2 {' in group.text


def test_the_words_of_a_header_of_tests_count(monkeypatch, tmp_path):
    monkeypatch.setattr(groups, "ROOT", tmp_path)
    (tmp_path / "src/s3").mkdir(parents=True)
    (tmp_path / "src/s3/client_test.h").write_text("constexpr int kSecret = 1;\n")
    assert "kSecret" in groups.words_of('#include "s3/client_test.h"\n')
    assert "kSecret" not in groups.words_of('#include "s3/client.h"\n// kSecret "kSecret"\n')


def test_files_with_macros_or_other_options_are_apart(groups_of):
    """But for options that do no harm to others."""
    assert grouped(groups_of(
        {"a.cc": source("int a;"), "b.cc": source("int b;", before="#define B 1\n"), "c.cc": source("int c;"),
         "d.cc": source("int d;"), "e.cc": source("int e;")},
        {"d.cc": [*COMMAND, "-DD=1", "-isystem", "/d", "-fPIE"], "e.cc": [*COMMAND, "-O2"]})) == [["a.cc", "c.cc", "d.cc"], ["e.cc"], ["b.cc"]]


def test_a_group_has_the_options_of_all(groups_of):
    group, = groups_of({"a.cc": source("int a;"), "b.cc": source("int b;")}, {"b.cc": [*COMMAND, "-DD=1", "-isystem", "/d"]})
    assert group.command == [*COMMAND, "-DD=1", "-isystem", "/d"]


def test_a_group_has_an_end(groups_of, monkeypatch):
    monkeypatch.setattr(tidy, "MAX_LINES", 20)
    assert [len(group.files) for group in groups_of({f"{i}.cc": source(f"int n{i};") for i in range(5)})] == [2, 2, 1]


def test_a_fault_is_reported_in_its_file(groups_of):
    group, = groups_of({"a.cc": source("int a;"), "b.cc": source("int b;"), "c.cc": source("int c;")})
    lines = group.path.read_text().splitlines()
    for name in "abc":
        at = lines.index(f"int {name};") + 1
        own = (pathlib.Path(group.files[0]).parent / f"{name}.cc").read_text().splitlines().index(f"int {name};") + 1
        assert group.in_files(f"{group.path}:{at}:5: error: no") == f"{group.files[0].parent}/{name}.cc:{own}:5: error: no"
    assert group.in_files("/usr/include/x.h:3:1: note") == "/usr/include/x.h:3:1: note"


def test_what_the_analyzer_finds_without_depth_is_looked_at_again_with_it(groups_of, monkeypatch):
    group, = groups_of({"a.cc": source("int a;"), "b.cc": source("int b;")})
    a, b = group.files
    at = group.path.read_text().splitlines().index("int b;") + 1
    asked = []

    def answers(*all_of_them):
        left = list(all_of_them)

        def clang_tidy(path, build, deep):
            asked.append((path.name, deep))
            output = left.pop(0)
            return not output, output
        monkeypatch.setattr(tidy, "clang_tidy", clang_tidy)
        asked.clear()

    null = "error: a null pointer [clang-analyzer-core.NullDereference,-warnings-as-errors]\n"
    copy = "error: a copy [performance-for-range-copy,-warnings-as-errors]\n"
    answers(f"{group.path}:{at}:1: {null}", "")
    assert [(one.files, one.clean) for one in tidy.check_group(group, deep=False)] == [([a], True), ([b], True)]
    assert asked == [("1.cc", False), ("b.cc", True)]
    answers(f"{group.path}:{at}:1: {null}", f"{b}:3:1: {null}")
    assert [(one.files, one.clean) for one in tidy.check_group(group, deep=False)] == [([a], True), ([b], False)]
    answers(f"{group.path}:{at}:1: {null}{group.path}:{at}:1: {copy}")
    assert [(one.files, one.clean) for one in tidy.check_group(group, deep=False)] == [([a, b], False)]
    answers(f"{a}:1:1: {null}", "")
    assert tidy.check_alone(a, deep=False)[0].clean and asked == [("a.cc", False), ("a.cc", True)]


# Finds a fault where a file, or a header that it includes, has the word in .clang-tidy. Notes which files it checked.
CLANG_TIDY = """#!/bin/sh
[ "$1" = --version ] && { echo "$TIDY_VERSION"; exit; }
for file; do :; done
echo "${file##*/}" >>"$TIDY_CHECKED"
word=$(cat .clang-tidy)
if grep -q "$word" "$file" || { grep -q '"a.h"' "$file" && grep -q "$word" src/a.h; }; then
  echo "$file:1:1: error: $word"
  exit 1
fi
"""


class Project:
    """A project of three sources in `folder`, where `one.cc` and `two.cc` include `a.h`; `cache` is its user's cache."""

    def __init__(self, folder: pathlib.Path, cache: pathlib.Path):
        self.folder, self.cache, self.version = folder, cache, "14"
        for name in ("src", "tests", "cmake", "build/tidy", "tools"):
            (folder / name).mkdir(parents=True)
        shutil.copy(tidy.__file__, folder / "tests/tidy.py")
        shutil.copy(groups.__file__, folder / "cmake/groups.py")
        (folder / "tools/clang-tidy").write_text(CLANG_TIDY)
        (folder / "tools/clang-tidy").chmod(0o755)
        self.write(".clang-tidy", "PLANTED")
        self.write("src/a.h", "int a();\n")
        for name, text in {"one.cc": '#include "a.h"', "two.cc": '#include "a.h"\n#include <version>', "three.cc": ""}.items():
            self.write(f"src/{name}", text + "\n")
        self.compile_with("-O1")
        subprocess.run(["git", "init", "-q"], cwd=folder, check=True)
        subprocess.run(["git", "add", "src"], cwd=folder, check=True)

    def write(self, name: str, text: str) -> None:
        (self.folder / name).write_text(text)

    def compile_with(self, option: str) -> None:
        self.write("build/tidy/compile_commands.json", json.dumps([
            {"directory": str(self.folder / "build/tidy"), "file": str(self.folder / "src" / name),
             "command": f"g++ {option} -I{self.folder}/src -o {name}.o -c {self.folder}/src/{name}"}
            for name in ("one.cc", "two.cc", "three.cc")]))

    def check(self, *arguments: str) -> tuple[int, set[str]]:
        """Runs tidy.py; gives back its exit code and the files that clang-tidy was run on."""
        checked = self.folder / "checked"
        checked.write_text("")
        done = subprocess.run(
            [sys.executable, "tests/tidy.py", *arguments], cwd=self.folder, text=True, capture_output=True, timeout=60,
            env={"PATH": f"{self.folder}/tools{os.pathsep}{os.defpath}", "XDG_CACHE_HOME": str(self.cache),
                 "TIDY_CHECKED": str(checked), "TIDY_VERSION": self.version})
        assert done.stderr == "" and ("PLANTED" in done.stdout) == (done.returncode == 1), done
        return done.returncode, set(checked.read_text().split())


ALL = {"one.cc", "two.cc", "three.cc"}


@pytest.fixture
def project(tmp_path):
    """One whose three files have been found clean."""
    made = Project(tmp_path / "here", tmp_path / "cache")
    assert made.check() == (0, ALL)
    return made


def test_a_clean_file_is_not_checked_again(project):
    assert project.check() == (0, set())
    project.write("src/three.cc", "int three;\n")
    assert project.check() == (0, {"three.cc"})
    assert project.check() == (0, set())
    assert project.check("src/one.cc") == (0, set())
    assert project.check("--all") == (0, ALL)
    assert project.check("--deep") == (0, ALL)


def test_a_fault_is_found_and_never_kept(project):
    project.write("src/three.cc", "// PLANTED\n")
    for _ in range(3):
        assert project.check() == (1, {"three.cc"})
    project.write("src/three.cc", "\n")
    assert project.check() == (0, set()), "its content is the clean one again"


def test_a_fault_in_a_header_is_found_in_the_files_that_include_it(project):
    project.write("src/a.h", "// PLANTED\n")
    for _ in range(2):
        assert project.check() == (1, {"one.cc", "two.cc"})


def test_a_header_beside_that_hides_another_one_is_noticed(project):
    project.write("src/version", "// found before the system's, as -I is searched first\n")
    assert project.check() == (0, {"two.cc"})


def test_a_header_that_is_nowhere_is_no_clean_result(project):
    (project.folder / "src/a.h").unlink()
    for _ in range(2):
        assert project.check() == (0, {"one.cc", "two.cc"}), "it is left to clang-tidy, which fails"


@pytest.mark.parametrize("change", [
    lambda project: project.write(".clang-tidy", "ANOTHER"), lambda project: project.compile_with("-O2"),
    lambda project: setattr(project, "version", "15"),
    lambda project: project.write("tests/tidy.py", (project.folder / "tests/tidy.py").read_text() + "\n# changed\n")],
    ids=["settings", "command", "version", "program"])
def test_whatever_a_result_depends_on_makes_it_due_again(project, change):
    change(project)
    assert project.check() == (0, ALL)
    assert project.check() == (0, set())


def test_a_clone_in_another_folder_finds_the_results(project, tmp_path):
    assert Project(tmp_path / "elsewhere/deeper", project.cache).check() == (0, set())


def test_many_files_are_checked_in_groups_and_kept_one_by_one(project):
    text = (project.folder / "tests/tidy.py").read_text()
    project.write("tests/tidy.py", text.replace("FEW = 24", "FEW = 1"))
    assert project.check() == (0, {"1.cc"})
    assert project.check() == (0, set())
    project.write("src/a.h", "// PLANTED\n")
    for _ in range(2):
        assert project.check()[0] == 1
    project.write("src/a.h", "int a();\n")
    assert project.check() == (0, set())


def test_a_group_that_does_not_compile_is_halved(groups_of, monkeypatch):
    group, = groups_of({f"{name}.cc": source(f"int {name};") for name in "abc"})

    def clang_tidy(path, build, deep):
        assert json.loads((build / "compile_commands.json").read_text())[0]["file"] == str(path)
        good = "int a;" not in path.read_text() or "int c;" not in path.read_text()
        return good, "" if good else f"{path}:1:1: error: a is another [clang-diagnostic-error]"
    monkeypatch.setattr(tidy, "clang_tidy", clang_tidy)
    results = tidy.check_group(group, deep=False)
    assert [[file.name for file in result.files] for result in results] == [[], ["a.cc"], ["b.cc", "c.cc"]]
    assert all(result.clean for result in results) and "3 files were checked in two halves" in results[0].output

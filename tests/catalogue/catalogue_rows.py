"""The rows of the catalogue, and the lines at the end of a run that say which of them passed.

A test belongs to the rows that its name begins with: test_A05_other_methods_are_405 to A05, test_A61_A62_php_objects to
both; and a case of a parametrised test to those that its id begins with: test_scenario[D12_bad_digest] to D12. A row has passed
when all of its tests have. A test of a row that is skipped, or expected to fail, has failed.

A test that this user cannot run skips itself with a reason that begins with NOT_RUN. It is listed at the end with its
reason. Where EVERY_ROW is set in the environment, it has failed.
"""

import ast
import os
import pathlib
import re

import pytest

GROUPS = {"A": ("(a) hostile input", 72), "B": ("(b) authentication and repeats", 28), "C": ("(c) paths and storages", 35),
          "D": ("(d) S3 faults", 72), "H": ("(h) the Control Panel", 24), "N": ("(n) neighbours", 31)}
NOT_RUN = "could not be run: "
EVERY_ROW = "VODLIFT_EVERY_ROW"
ROWS = [f"{letter}{number:02}" for letter, (_, count) in GROUPS.items() for number in range(1, count + 1)]


def rows_of(test_name: str) -> list[str]:
    """The rows that a test's name or its id in brackets begins with; fails where one of them is no row."""
    begins = re.findall(r"(?:^test_|\[)((?:[A-DHN]\d{2,}_)+)", test_name)
    named = [row for begin in begins for row in begin.split("_")[:-1]]
    unknown = [row for row in named if row not in ROWS]
    if unknown:
        raise ValueError(f"{test_name}: the catalogue has no row {', '.join(unknown)}")
    return named


def rows_with_a_test(folder: pathlib.Path) -> set[str]:
    """The rows that some test in `folder` is named after."""
    return {row for file in folder.glob("test_*.py") for node in ast.parse(file.read_text()).body
            if isinstance(node, ast.FunctionDef) for row in rows_of(node.name)}


def in_ranges(rows: list[str]) -> str:
    """Rows of one group, in their order, as "A01, A03–A07"."""
    ranges: list[list[str]] = []
    for row in rows:
        if ranges and int(row[1:]) == int(ranges[-1][-1][1:]) + 1:
            ranges[-1].append(row)
        else:
            ranges.append([row])
    return ", ".join(one[0] if len(one) == 1 else f"{one[0]}–{one[-1]}" for one in ranges)


def why_not_run(report) -> str:
    """The reason of a test that this user cannot run; empty for every other report."""
    if not report.skipped or hasattr(report, "wasxfail"):
        return ""
    return report.longrepr[2].partition(NOT_RUN)[2]


class RowReport:
    """A pytest plugin: judges the rows by the tests that were run, and prints one line for each group that had any."""

    def __init__(self):
        self._passed: dict[str, bool] = {}
        self._not_run: list[tuple[str, str]] = []  # tests with their reasons
        self._rows_not_run: set[str] = set()

    @pytest.hookimpl(hookwrapper=True)
    def pytest_runtest_makereport(self, item):
        report = (yield).get_result()
        if why := why_not_run(report):
            if EVERY_ROW in os.environ:
                report.outcome, report.longrepr = "failed", f"{item.nodeid}: {NOT_RUN}{why}"
        elif rows_of(item.name) and report.skipped:
            report.outcome, report.longrepr = "failed", f"{item.nodeid}: a row of the catalogue is never skipped"
            vars(report).pop("wasxfail", None)

    # Where the tests run in several processes (pytest-xdist), this is what the one that prints the summary learns of them.
    def pytest_runtest_logreport(self, report):
        rows = rows_of(report.nodeid.partition("::")[2])
        if why := why_not_run(report):
            self._not_run.append((report.nodeid, why))
            self._rows_not_run.update(rows)
        for row in rows:
            self._passed[row] = self._passed.get(row, True) and (report.passed or bool(why))

    def pytest_terminal_summary(self, terminalreporter):
        if self._passed:
            terminalreporter.section("catalogue")
            for line in self.lines():
                terminalreporter.write_line(line)
        for test, why in self._not_run:
            terminalreporter.write_line(f"COULD NOT BE RUN: {test}: {why}")

    def lines(self) -> list[str]:
        out = []
        for letter, (title, count) in GROUPS.items():
            rows = [row for row in ROWS if row[0] == letter]
            run = [row for row in rows if row in self._passed]
            failed = [row for row in run if not self._passed[row]]
            unable = [row for row in run if self._passed[row] and row in self._rows_not_run]
            absent = [row for row in rows if row not in self._passed]
            if run:
                faults = "".join(f"; {word}: {in_ranges(which)}" for word, which in
                                 (("failed", failed), ("could not be run", unable), ("not run", absent)) if which)
                out.append(f"{title}: {len(run) - len(failed) - len(unable)} of {count} rows passed{faults}")
        return out

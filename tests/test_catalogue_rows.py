"""What is said about the catalogue's rows at the end of a run."""

import os
import pathlib
import subprocess
import sys

import pytest
from catalogue_rows import EVERY_ROW, NOT_RUN, RowReport, in_ranges, rows_of, rows_with_a_test


def run(folder: pathlib.Path, tests: str, *arguments: str, environment: dict[str, str] = {}) -> subprocess.CompletedProcess:
    """A run of pytest over a file of tests, with the plugin and nothing else of this tree."""
    (folder / "conftest.py").write_text(
        "from catalogue_rows import RowReport\n\n\n"
        "def pytest_configure(config):\n    config.pluginmanager.register(RowReport())\n")
    (folder / "test_rows.py").write_text("import pytest\n\n\n" + tests)
    path = os.pathsep.join(one for one in sys.path if one)
    return subprocess.run([sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", f"--rootdir={folder}", *arguments, folder],
                          text=True, capture_output=True, timeout=60, env={"PATH": os.defpath, "PYTHONPATH": path} | environment)


def test_rows_are_read_from_names():
    assert rows_of("test_A05_other_methods") == ["A05"]
    assert rows_of("test_A61_A62_php[O:8]") == ["A61", "A62"]
    assert rows_of("test_scenario[D12_bad_digest]") == ["D12"] and rows_of("test_D04_x[D05_y]") == ["D04", "D05"]
    assert rows_of("test_repeats") == rows_of("test_x[bad_A05_digest]") == rows_of("test_A5_short") == []
    with pytest.raises(ValueError, match="A73"):
        rows_of("test_A73_beyond_the_last")


@pytest.mark.parametrize("processes", ["0", "2"])
def test_only_rows_whose_tests_all_passed_count(tmp_path, processes):
    done = run(tmp_path, """
@pytest.mark.parametrize("number", [1, 2])
def test_A01_one_of_two_fails(number):
    assert number == 1

def test_A02_good(): pass
def test_B01_B02_both(): pass
def test_unnumbered(): pass
""", "-n", processes)
    assert done.returncode == 1, done.stdout
    lines = done.stdout.splitlines()
    hostile = next(line for line in lines if line.startswith("(a)"))
    assert hostile.startswith("(a) hostile input: 1 of 72 rows passed; failed: A01; not run: A03–A72")
    assert any(line.startswith("(b) authentication and repeats: 2 of 28 rows passed; not run: B03–B28") for line in lines)
    assert not any(line.startswith("(c)") for line in lines), "nothing was run of it"


@pytest.mark.parametrize("way", [
    "@pytest.mark.skip\ndef test_A01_x(): pass", "def test_A01_x(): pytest.skip('not here')",
    "@pytest.mark.xfail\ndef test_A01_x(): assert False", "@pytest.mark.xfail\ndef test_A01_x(): pytest.xfail()",
    "@pytest.fixture\ndef broken(): assert False\n\ndef test_A01_x(broken): pass",
    "@pytest.fixture\ndef broken():\n    yield\n    assert False\n\ndef test_A01_x(broken): pass"])
def test_a_row_that_did_not_run_has_failed(tmp_path, way):
    done = run(tmp_path, way + "\n")
    assert done.returncode == 1 and "0 of 72 rows passed; failed: A01;" in done.stdout, done.stdout


@pytest.mark.parametrize("processes", ["0", "2"])
def test_what_this_user_cannot_run_is_reported_with_its_reason(tmp_path, processes):
    tests = f"""
def test_A01_x(): pytest.skip("{NOT_RUN}a mount needs root")
def test_A02_one(): pass
def test_A02_two(): pytest.skip("{NOT_RUN}a mount needs root")
def test_unnumbered(): pytest.skip("{NOT_RUN}no device")
def test_A03_x(): pass
"""
    done = run(tmp_path, tests, "-n", processes)
    assert done.returncode == 0, done.stdout
    assert "1 of 72 rows passed; could not be run: A01–A02; not run: A04–A72" in done.stdout
    for line in ("test_A01_x: a mount needs root", "test_A02_two: a mount needs root", "test_unnumbered: no device"):
        assert f"COULD NOT BE RUN: test_rows.py::{line}" in done.stdout, done.stdout
    done = run(tmp_path, tests, "-n", processes, environment={EVERY_ROW: "1"})
    assert done.returncode == 1 and "failed: A01–A02" in done.stdout and "3 failed, 2 passed" in done.stdout, done.stdout


def test_neighbours_are_told_as_ranges():
    assert in_ranges(["A01"]) == "A01"
    assert in_ranges(["B01", "B02", "B05", "B27", "B28"]) == "B01–B02, B05, B27–B28"


def test_a_whole_group_is_one_short_line():
    report = RowReport()
    report._passed = {f"C{number:02}": True for number in range(1, 36)}
    assert report.lines() == ["(c) paths and storages: 35 of 35 rows passed"]


def test_rows_with_a_test(tmp_path):
    (tmp_path / "test_some.py").write_text("def test_A01_x(): pass\n\ndef test_C02_C03_y(site): pass\n\ndef test_z(): pass\n")
    assert rows_with_a_test(tmp_path) == {"A01", "C02", "C03"}

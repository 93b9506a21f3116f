"""bench/scaling_model.py says what was measured, and docs/scaling.md says what the model says."""

import pathlib
import re
import sys

import pytest

ROOT = pathlib.Path(__file__).resolve().parent.parent
sys.path.append(str(ROOT / "bench"))

import scaling_inputs as inputs
import scaling_model as model

PAGE = model.PAGE.read_text()


@pytest.mark.parametrize("name,compute,off", model.VALIDATION, ids=[one[0] for one in model.VALIDATION])
def test_the_model_says_what_was_measured(name, compute, off):
    real, modelled = inputs.measured(name), compute()
    assert real / off <= modelled <= real * off, f"{name}: {real} measured, {modelled} by the model"


@pytest.mark.parametrize("name", inputs.CONSTANTS)
def test_constants_are_those_of_the_sources(name):
    value, source = inputs.CONSTANTS[name]
    (found,) = re.findall(rf"constexpr [\w:]+ {name}(?: = |{{)([\d']+)", (ROOT / source).read_text())
    assert int(found.replace("'", "")) == value


@pytest.mark.parametrize("name,row", [
    ("accepts with SQLite", r"accepted calls/s +\| +([\d,.]+)"),
    ("files of 64 KiB, end to end, with SQLite", r"vodlift, 16 uploads at once +\| +\d+ +\| +([\d,.]+)"),
    ("processor for sending", r"## \(b\)(?:.*\n)+?\| vodlift, 4 parts at once +\| +([\d,.]+)"),
    ("processor for sending over TLS", r"## \(d\)(?:.*\n)+?\| vodlift, 4 parts at once +\| +([\d,.]+)")])
def test_inputs_are_those_of_the_results(name, row):
    found = re.search(row, (ROOT / "bench/RESULTS.md").read_text())[1]
    assert float(found.replace(",", "")) == pytest.approx(inputs.measured(name), rel=0.3), "a new run: set the model's input, and write the page anew"


def test_the_pages_tables_are_the_models():
    assert model.with_tables(PAGE) == PAGE, "run: /usr/bin/python3 bench/scaling_model.py --write"


def test_the_pages_sentences_have_the_models_figures():
    said = {f"{inputs.measured('accepts with SQLite'):,.0f} calls a second", f"{inputs.measured('files of 64 KiB, end to end, with SQLite'):,.0f} small files",
            f"{inputs.assumed('node_cores')} cores and 10 Gbit/s", f"costs {inputs.SWITCHING} times",
            f"{inputs.measured('server, an upload alone, with callback') / 1000} ms of processor time",
            f"took {inputs.measured('claims of 10 at 11,000,000 uploads, p99')} ms", f"{model.retention_a_node():.0f} uploads a second at most, "
            f"{model.retention_a_node() * model.DAY_S / 1e6:.0f} million a day",
            f"{inputs.measured('locks of a statement for each block'):.0f} locks and {inputs.measured('server, each further block, of a status call')} µs of"
            f" a status call, {inputs.measured('server, each further block, of a claim')} µs of a claim"}
    text = " ".join(PAGE.split())
    assert not {one for one in said if one not in text}


def test_statements_that_cross_accounts_are_there():
    rows = PAGE[PAGE.index("| what | where in `src/postgres`"):PAGE.index("## Where the figures come from")].splitlines()[2:]
    sources = "".join(path.read_text() for path in sorted((ROOT / "src/postgres").rglob("*")) if path.suffix in (".h", ".cc", ".sql"))
    named = {name for row in rows if row.startswith("|") for name in re.findall(r"`(\w+)`", row.split("|")[2])}
    assert len(named) > 20 and not {name for name in named if not re.search(rf"\b{name}\b", sources)}

"""The demo and the benchmark share files with the tests, and start where pytest is not installed."""

import os
import pathlib
import subprocess

import pytest

ROOT = pathlib.Path(__file__).resolve().parent.parent


@pytest.mark.parametrize("script", ["demo/demo.py", "bench/run.py"])
def test_it_starts_without_pytest(script, tmp_path):
    (tmp_path / "pytest.py").write_text("raise ImportError('not installed')\n")
    done = subprocess.run(["/usr/bin/python3", ROOT / script, "--help"], capture_output=True, text=True, timeout=60,
                          env={"PATH": os.defpath, "PYTHONPATH": str(tmp_path), "PYTHONDONTWRITEBYTECODE": "1"})
    assert done.returncode == 0 and "usage" in done.stdout, done.stderr

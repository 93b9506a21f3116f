"""The short part of the campaign, and the patches of the broken builds (docs/campaign.md)."""

import pathlib
import subprocess

import campaign
import pytest
from broken import AIMED, PATCHES
from support import ROOT


def test_a_short_campaign_holds(tmp_path):
    status, verdict, counts = campaign.play(campaign.PLANS["short"], 1, tmp_path)
    assert status == 0, f"{verdict}\n{counts}\nevidence: {tmp_path}"
    # It did what it is for.
    assert min(counts[one] for one in ("acknowledged", "without an answer", "completed", "callbacks received")) > 5, counts
    assert (counts["fault kill_node_shortly"], counts["fault kill_node"], counts["fault cut_database"]) == (2, 1, 2), counts


@pytest.mark.parametrize("patch", PATCHES, ids=lambda patch: patch.stem)
def test_each_broken_build_can_be_made(patch: pathlib.Path):
    done = subprocess.run(["git", "apply", "--check", patch], cwd=ROOT, capture_output=True, text=True, timeout=30)
    assert done.returncode == 0, f"{patch.name} does not fit the sources any more: mend it\n{done.stderr}"


def test_each_broken_build_has_a_campaign():
    assert {patch.stem for patch in PATCHES} == set(AIMED) and all(plan in campaign.PLANS for plan, _ in AIMED.values())

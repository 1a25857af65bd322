"""What docs/protocol.md promises of the suites on the digits."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from methods.settings.resolve import catalogue
from workflow.suite import load

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("name", ["demo", "mini"])
def test_gradients_are_clipped_alike_for_everybody(name):
    clips = {
        run.row: run.schedule.clip if run.options.clip is None else run.options.clip
        for run in load(name).runs
        if run.kind == "student"
    }
    assert set(clips.values()) == {35.0}, clips


def test_the_factors_that_were_taken_are_those_of_the_suite():
    text = (ROOT / "docs" / "protocol.md").read_text(encoding="utf-8")
    told = {
        title.strip().lower(): float(factor)
        for factor, titles in re.findall(r"^\| ([0-9.]+) \| (.*) \|$", text, re.MULTILINE)
        for title in titles.split(",")
    }
    suite = load("mini")
    runs = [suite.run(cell.runs[0]) for cell in suite.tables["main"].cells]
    taken = {
        catalogue()[run.methods[0].method].title.lower(): run.methods[0].settings["weight"]
        for run in runs
        if run.row in catalogue()
    }
    assert told == taken

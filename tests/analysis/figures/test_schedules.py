"""A pair may be trained under several schedules: each row is over the baseline of its own."""

from __future__ import annotations

import copy
import re
from pathlib import Path

import pytest

from ..factory import MadeSuite, make_suite, two_schedules
from ..test_published import key
from . import made

ROWS = {"baseline": 40.0, "mgd": 42.0, "baseline-long": 45.0, "mgd-long": 44.0}


def test_printed_gains_are_over_what_is_printed_for_the_schedule(tmp_path: Path) -> None:
    """SSIM's paper has the RetinaNet pair at 1x and at 2x, with a baseline of each."""
    published = {
        "baseline": key(paper="SSIM", method="baseline", schedule="1x"),
        "mgd": key(paper="SSIM", method="ssim", variant="", schedule="1x"),
        "baseline-long": key(paper="SSIM", method="baseline", schedule="2x"),
        "mgd-long": key(paper="SSIM", method="ssim", variant="", schedule="2x"),
    }
    suite = make_suite(tmp_path, rows=ROWS, noise=0.05, published=published)
    two_schedules(suite)
    (page,) = made.drawn(suite, "published", "published")
    assert "MGD printed 3.7, ours 2.0" in page.alt  # 40.1 less 36.4, at 1x
    assert "mgd-long printed 3.2, ours -1.0" in page.alt  # 40.6 less 37.4, at 2x


def test_rows_of_one_name_are_told_apart_by_their_schedules(tmp_path: Path) -> None:
    """In two tables, as `ssim` in papers/ssim; on one line they would be drawn over each other."""
    suite = make_suite(tmp_path, rows=ROWS, noise=0.05)
    two_schedules(suite)
    every = suite.plan["tables"][0]["cells"]
    other = copy.deepcopy(suite.plan["tables"][0])
    other["name"], other["cells"] = "other", every[2:]
    other["cells"][1] |= {"row": "mgd", "title": "MGD"}
    suite.plan["tables"] = [suite.plan["tables"][0] | {"cells": every[:2]}, other]
    suite.save_plan()
    (page,) = made.drawn(suite, "effects", None)
    assert "MGD, mini +2.0" in page.alt or "MGD, mini +1.9" in page.alt
    assert "MGD, 4x −1.0" in page.alt or "MGD, 4x −0.9" in page.alt


@pytest.fixture
def judged(tmp_path: Path) -> MadeSuite:
    suite = make_suite(tmp_path, rows=ROWS, seeds=(0,), predictions=True)
    two_schedules(suite)
    # Each method finds what the baseline of its schedule finds.
    for row, base in (("mgd", "baseline"), ("mgd-long", "baseline-long")):
        for name in ("predictions.json.gz", "metrics.json"):
            found = suite.folder("pair-a", base, 0) / name
            (suite.folder("pair-a", row, 0) / name).write_bytes(found.read_bytes())
    return suite


def test_mistakes_are_less_those_of_the_schedules_baseline(judged: MadeSuite) -> None:
    (page,) = made.drawn(judged, "errors")
    assert re.search(r"Student: class [\d.]+, .*; baseline-long: class [\d.]+, ", page.alt)
    assert "MGD: class 0.00, location 0.00" in page.alt
    assert "mgd-long: class 0.00, location 0.00" in page.alt


def test_mistakes_of_one_name_are_told_apart_by_their_schedules(judged: MadeSuite) -> None:
    for cell in judged.plan["tables"][0]["cells"]:
        row = cell["row"].removesuffix("-long")
        cell |= {"row": row, "title": "Baseline" if row == "baseline" else row.upper()}
    judged.save_plan()
    (page,) = made.drawn(judged, "errors")
    assert re.search(r"Baseline, mini: class [\d.]+, .*; Baseline, 4x: class [\d.]+, ", page.alt)
    assert "MGD, mini: class 0.00" in page.alt
    assert "MGD, 4x: class 0.00" in page.alt

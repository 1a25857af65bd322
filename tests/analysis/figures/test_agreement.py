"""The baseline beside each method, held against the teacher of the pair and no other."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from analysis.figures.courses import courses
from analysis.figures.wanted import Wanted
from analysis.plan import FigurePlan, read_plan
from analysis.records import read_records
from analysis.statistics.images import ImageUncertainty

from ..factory import MadeSuite, make_suite
from ..looks import add_agreement, add_attention
from . import made

MOMENTS = (0, 50, 100)
ROWS = {"baseline": 40.0, **{f"mgd-{letter}": 41.0 for letter in "abcdefg"}}


@pytest.fixture
def suite(tmp_path: Path) -> MadeSuite:
    """The first distilled row, `mgd-a`, is taught by the baseline itself."""
    found = make_suite(tmp_path, rows=ROWS, seeds=(0,))
    add_attention(found)
    add_agreement(found, MOMENTS)
    path = found.folder("pair-a", "baseline", 0) / "attention.npz"
    with np.load(path) as content:
        arrays = {name: content[name] for name in content.files}
    with np.load(found.folder("pair-a", "mgd-b", 0) / "attention.npz") as content:
        for name in ("teacher/0", "teacher/1", "teacher/2", "teacher/3"):
            level = name.split("/")[1]
            for moment in MOMENTS:  # from the student as it began to the teacher's own maps
                share = moment / MOMENTS[-1]
                began = arrays[f"before/{level}"]
                arrays[f"student@{moment}/{level}"] = began + share * (content[name] - began)
    np.savez(path, **arrays)
    for run in found.plan["runs"]:
        if run["row"] == "mgd-a":
            run["teacher"] = found.id("pair-a", "baseline", 0)
    found.save_plan()
    own = found.folder("pair-a", "mgd-a", 0) / "attention.npz"
    with np.load(own) as content:
        arrays = {name: content[name] for name in content.files}
    wrong = {n: 1 / (0.1 + v) for n, v in arrays.items() if n.startswith("teacher/")}
    np.savez(own, **(arrays | wrong))
    return found


def test_the_baseline_has_a_whole_course_against_the_pairs_teacher(suite: MadeSuite) -> None:
    records = read_records(read_plan(suite.suite_dir), suite.runs_dir)
    images = ImageUncertainty(suite.root / "data", suite.suite_dir / "measured")
    wanted = Wanted(FigurePlan(name="agreement", kind="agreement", table="main"), records, images)
    found = courses(wanted, "pair-a")
    assert set(found) == set(ROWS)
    _, frame = found["baseline"]
    assert tuple(sorted(frame["iteration"].unique())) == MOMENTS
    finest = frame[(frame["level"] == "P3") & (frame["region"] == "all")]
    values = finest.sort_values("iteration")["correlation"].tolist()
    assert values == sorted(values)
    assert values[-1] == pytest.approx(1.0)


def test_pages_say_what_is_on_them(suite: MadeSuite) -> None:
    pages = made.drawn(suite, "agreement")
    titles = [page.title.removeprefix("The agreement: ") for page in pages]
    assert titles == [
        "correlation with the teacher, RetinaNet 1",
        "KL divergence from the teacher, RetinaNet 1",
        "correlation with the teacher, row by row, RetinaNet 1",
        "KL divergence from the teacher, row by row, RetinaNet 1",
    ]
    assert [page.further for page in pages] == [False, False, True, True]
    assert "KL divergence from the teacher's attention" in pages[1].caption
    assert "Two points" not in pages[0].caption
    assert "beside the baseline" in pages[2].alt


def test_few_rows_need_no_page_of_their_own(tmp_path: Path) -> None:
    few = make_suite(tmp_path, seeds=(0,))
    add_attention(few)
    add_agreement(few)
    pages = made.drawn(few, "agreement")
    assert len(pages) == 2
    assert "Two points (before and after the training): Student." in pages[0].caption

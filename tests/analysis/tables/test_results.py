"""The main table: means, differences, marks, and a caption that says what they rest on."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from ..factory import make_suite
from ..test_published import BASELINE, MGD
from .asked import CLEAR, document, entry, row


def test_means_and_differences(tmp_path: Path) -> None:
    suite = make_suite(tmp_path, rows=CLEAR, noise=0.05)
    table = document(suite).tables[0]
    mean = sum(suite.value("pair-a", "amd", s) for s in range(3)) / 3
    assert entry(table, "AMD", "AP").value == pytest.approx(mean)
    assert entry(table, "AMD", "AP").text.startswith(f"{mean:.1f} ± ")
    assert entry(table, "AMD", "delta").value == pytest.approx(3.0, abs=0.15)
    assert entry(table, "Student", "delta").text == "–"
    assert entry(table, "AMD", "n").text == "3"


def test_best_and_second_are_marked_where_resolved(tmp_path: Path) -> None:
    table = document(make_suite(tmp_path, rows=CLEAR, noise=0.05)).tables[0]
    marks = [entry(table, title, "AP").mark for title in ("AMD", "MGD", "Student")]
    assert marks == ["best", "second", ""]


def test_nothing_is_marked_where_the_seeds_cannot_tell(tmp_path: Path) -> None:
    suite = make_suite(tmp_path, rows=CLEAR)
    for seed, value in enumerate([40.5, 40.9, 40.2]):
        suite.edit("pair-a", "mgd", seed, "metrics.json", AP=value)
        suite.edit("pair-a", "amd", seed, "metrics.json", AP=value + [0.3, -0.2, 0.1][seed])
        suite.edit("pair-a", "baseline", seed, "metrics.json", AP=[40.0, 41.0, 40.0][seed])
    table = document(suite).tables[0]
    assert {entry(table, title, "AP").mark for title in ("AMD", "MGD", "Student")} == {""}
    assert entry(table, "AMD", "p").text.startswith("not resolved (")


def test_single_seed_is_not_resolved_and_the_caption_says_so(tmp_path: Path) -> None:
    table = document(make_suite(tmp_path, rows=CLEAR, seeds=(0,))).tables[0]
    assert entry(table, "AMD", "p").text == "not resolved"
    assert entry(table, "AMD", "AP").mark == ""
    assert "One seed a row" in table.caption


def test_caption_gives_units_and_conditions(tmp_path: Path) -> None:
    caption = document(make_suite(tmp_path, rows=CLEAR)).tables[0].caption
    for told in ("in percent", "digits test split (200 images)", "schedule mini", "seeds 0, 1, 2"):
        assert told in caption
    assert "hotcoco 1.3.0" in caption
    assert "paired by seed" in caption


def test_captions_say_what_is_small_and_what_is_large(tmp_path: Path) -> None:
    suite = make_suite(tmp_path, rows=CLEAR, pairs=2)
    told = "AP_S: objects below 32² pixels; AP_L: from 96² on."
    assert told in document(suite).tables[0].caption
    limits = {"small": [0, 256], "medium": [256, 900], "large": [900, 1e10]}
    for row_name in CLEAR:
        for seed in range(3):
            suite.edit("pair-a", row_name, seed, "metrics.json", area_limits=limits)
    for run in suite.plan["runs"]:
        if run["group"] == "pair-a":
            run["data"] = "digits-small"
    suite.save_plan()
    caption = document(suite).tables[0].caption
    assert "AP_S on digits-small: objects below 16² pixels; AP_L: from 30² on." in caption
    assert "AP_S on digits: objects below 32² pixels; AP_L: from 96² on." in caption
    assert "AP_S" not in document(suite, "costs").tables[0].caption


def test_missing_and_partly_missing_cells_say_why(tmp_path: Path) -> None:
    suite = make_suite(tmp_path, rows=CLEAR)
    suite.edit("pair-a", "mgd", 1, status="failed", reason="loss became NaN")
    for seed in range(3):
        shutil.rmtree(suite.folder("pair-a", "amd", seed))
    table = document(suite).tables[0]
    assert row(table, "MGD").entries[0].notes == ("seed 1: failed: loss became NaN",)
    assert entry(table, "MGD", "n").text == "2 of 3"
    assert entry(table, "AMD", "AP").text == "–"
    assert row(table, "AMD").entries[0].notes == ("seed 0, 1, 2: not run yet",)


def test_over_pairs_come_with_several_pairs(tmp_path: Path) -> None:
    tables = document(make_suite(tmp_path, pairs=2, rows=CLEAR, noise=0.05)).tables
    assert [t.name for t in tables] == ["main", "main-over-pairs"]
    over = tables[1]
    assert over.sections[0].rows[0].entries[0].text == "AMD"
    assert entry(over, "AMD", "rank").text == "1.0 [1.0, 1.0]"
    assert entry(over, "AMD", "improvement").text.startswith("100 % [")
    assert "critical difference" in over.notes[0]
    assert len(row(over, "AMD").runs) == 6


def test_mini_never_stands_beside_coco(tmp_path: Path) -> None:
    suite = make_suite(tmp_path, rows=CLEAR, published={"mgd": MGD, "baseline": BASELINE})
    table = document(suite, "published").tables[0]
    assert entry(table, "MGD", "printed").text == "41.0"
    for title in ("MGD", "AMD", "Student"):
        assert entry(table, title, "AP").text == "–"
        assert entry(table, title, "delta").text == "–"
        assert entry(table, title, "apart").value is not None
    assert entry(table, "MGD", "status").text == "different protocol"
    assert "orders of different protocols" in table.notes[0]


def test_coco_stands_beside_coco(tmp_path: Path) -> None:
    suite = make_suite(
        tmp_path,
        rows={"baseline": 37.4, "mgd": 41.0},
        fidelity="coco",
        published={"mgd": MGD, "baseline": BASELINE},
    )
    for seed in range(3):
        suite.edit("pair-a", "mgd", seed, "metrics.json", AP=41.0 + 0.1 * (seed - 1))
    table = document(suite, "published").tables[0]
    assert entry(table, "MGD", "status").text == "reproduced"
    assert entry(table, "MGD", "delta").text == "0.0"
    assert "apart" not in {column.key for column in table.columns}


def test_captions_say_when_an_interval_and_its_p_may_differ(tmp_path: Path) -> None:
    """Four rows, and a difference whose interval leaves out zero but whose corrected p is large."""
    told = "so one can leave out zero where the difference is not resolved"
    main, over = document(make_suite(tmp_path, pairs=2)).tables
    assert told in main.caption
    assert told in over.caption
    assert next(c.title for c in over.columns if c.key == "p") == "p (Holm)"


def test_a_row_that_is_not_of_every_pair_lacks_no_run(tmp_path: Path) -> None:
    suite = make_suite(tmp_path, pairs=2, rows=CLEAR, noise=0.05)
    cells = suite.plan["tables"][0]["cells"]
    suite.plan["tables"][0]["cells"] = [
        cell for cell in cells if (cell["group"], cell["row"]) != ("pair-b", "mgd")
    ]
    suite.save_plan()
    (note,) = document(suite).tables[1].notes
    assert note.endswith("; not ranked, because they do not stand in all of these: MGD.")

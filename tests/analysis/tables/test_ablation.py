"""Tables of parts: what is switched, and what each switch brings against the full method."""

from __future__ import annotations

from pathlib import Path

import pytest

from analysis.errors import AnalysisError

from ..factory import make_suite
from .asked import CLEAR, document, entry


def test_ablation_has_check_marks_and_differences_to_the_full_method(tmp_path: Path) -> None:
    rows = {"baseline": 40.0, "amd": 43.0, "amd-mask-only": 42.0}
    table = document(make_suite(tmp_path, rows=rows, noise=0.05), "parts").tables[0]
    assert [entry(table, t, "gate").text for t in ("AMD", "amd-mask-only", "Student")] == [
        "✓",
        "·",
        "",
    ]
    assert entry(table, "amd-mask-only", "delta_full").value == pytest.approx(-1.0, abs=0.15)
    assert entry(table, "AMD", "delta_full").text == "full"


def test_ablation_of_numbers_shows_values(tmp_path: Path) -> None:
    suite = make_suite(tmp_path, rows={"baseline": 40.0, "amd": 43.0, "amd-wide": 42.0})
    suite.plan["tables"][1]["cells"][2]["changed"] = {"theta": 0.5}
    suite.save_plan()
    table = document(suite, "parts").tables[0]
    texts = [entry(table, t, "theta").text for t in ("AMD", "amd-wide", "Student")]
    assert texts == ["default", "0.5", ""]


def test_unknown_full_row_is_told(tmp_path: Path) -> None:
    suite = make_suite(tmp_path, rows=CLEAR)
    suite.plan["tables"][1]["full"] = "amd-xl"
    suite.save_plan()
    with pytest.raises(AnalysisError, match="names the row 'amd-xl', but its rows are baseline"):
        document(suite, "parts")


def test_parts_name_the_comparisons_that_are_corrected_together(tmp_path: Path) -> None:
    rows = {"baseline": 40.0, "baseline-inherit": 42.0, "amd": 43.0, "amd-mask-only": 42.0}
    inheriting = ("baseline-inherit", "amd", "amd-mask-only")
    suite = make_suite(tmp_path, rows=rows, inheriting=inheriting)
    caption = document(suite, "parts").tables[0].caption
    assert "Holm over the rows of the pair that are compared with AMD. " in caption
    assert "inheriting alone" not in caption


def test_a_teacher_is_no_variant(tmp_path: Path) -> None:
    """Its seed is not the student's."""
    rows = {"baseline": 40.0, "amd": 43.0, "amd-mask-only": 42.0}
    suite = make_suite(tmp_path, rows=rows)
    parts = suite.plan["tables"][1]["cells"]
    teacher = {"row": "teacher", "title": "Teacher", "methods": [], "changed": {}, "baseline": []}
    parts.append(parts[0] | teacher | {"runs": [suite.plan["runs"][0]["id"]]})
    suite.save_plan()
    table = document(suite, "parts").tables[0]
    assert entry(table, "Teacher", "AP").text == "50.0"
    assert [entry(table, "Teacher", key).text for key in ("delta_full", "p_full")] == ["–", "–"]

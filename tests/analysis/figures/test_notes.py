"""Where data are missing, every kind says so in a note instead of drawing an empty axis."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from analysis.figures.kinds import KINDS

from ..factory import make_suite
from ..looks import add_attention
from . import made


@pytest.mark.parametrize("kind", KINDS)
def test_a_suite_that_has_not_run_says_so(tmp_path: Path, kind: str) -> None:
    suite = make_suite(tmp_path, seeds=(0,))
    for place in suite.runs_dir.glob("*/*/*/*/run.json"):
        place.unlink()
    (page,) = made.drawn(suite, kind)
    assert "no run has finished" in page.note
    assert page.files == {}
    for end in ("png", "pdf"):
        assert (suite.suite_dir / "figures" / f"{kind}.{end}").stat().st_size > 500


@pytest.mark.parametrize(
    ("kind", "told"),
    [
        ("atlas", "kept attention maps"),
        ("masks", "kept attention maps"),
        ("gates", "channel gate"),
        ("affinity", "kept attention maps"),
        ("agreement", "agreement with the teacher"),
        ("curves", "history.csv"),
        ("errors", "no annotation file"),
        ("gallery", "no annotation file"),
        ("sweep", "no finished row"),
        ("published", "printed number"),
    ],
)
def test_missing_data_are_a_note_and_no_empty_axis(tmp_path: Path, kind: str, told: str) -> None:
    suite = make_suite(tmp_path, seeds=(0,), rows={"baseline": 40.0, "mgd": 41.0, "amd-x": 42.0})
    made.change_plan(suite, "amd-x", gate=False)
    (page,) = made.drawn(suite, kind, field="theta") if kind == "sweep" else made.drawn(suite, kind)
    assert told in page.note
    assert page.alt == f"No picture: {page.note}."


@pytest.mark.parametrize("options", [{}, {"rows": ["baseline"]}])
def test_masks_of_rows_without_maps_are_a_note(tmp_path: Path, options: dict[str, Any]) -> None:
    rows = {"baseline": 40.0, **({"mgd": 41.0} if options else {})}
    suite = make_suite(tmp_path, seeds=(0,), rows=rows)
    add_attention(suite)
    (page,) = made.drawn(suite, "masks", **options)
    assert "kept a map of a method's own" in page.note
    assert page.files == {}


def test_no_page_is_a_note_whatever_the_kind(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    suite = make_suite(tmp_path, seeds=(0,), rows={"baseline": 40.0})
    monkeypatch.setitem(KINDS, "cost", lambda wanted: [])
    (page,) = made.drawn(suite, "cost")
    assert page.alt == f"No picture: {page.note}."

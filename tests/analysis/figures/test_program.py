"""`python -m analysis.figures`: what it says to people, and what it keeps in order."""

from __future__ import annotations

import multiprocessing
from pathlib import Path
from typing import Any

import pytest

from analysis.figures.index import Entry, read_index, update_index
from analysis.plan import read_plan
from tests.analysis.factory import MadeSuite

from ..factory import make_suite
from . import made

MISTAKES = [
    ({"kind": "effects"}, ["--figure", "atlas"], "has no figure 'atlas'; it has: effects"),
    ({"kind": "pie"}, [], "kind 'pie' is unknown; allowed: effects"),
    ({"kind": "effects", "options": {"colour": 1}}, [], "colour: Extra inputs are not permitted"),
    ({"kind": "effects", "table": "mean"}, [], "has no table 'mean'; it has: main"),
]


@pytest.mark.parametrize(("figure", "arguments", "told"), MISTAKES)
def test_mistakes_are_one_line(
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    figure: dict[str, object],
    arguments: list[str],
    told: str,
) -> None:
    suite = make_suite(tmp_path, seeds=(0,))
    complete = {"name": figure["kind"], "title": "", "table": None, "options": {}, **figure}
    suite.plan["figures"] = [complete]
    suite.save_plan()
    assert made.draw(suite, *arguments) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("error: ")
    assert told in line


def test_damaged_attention_names_its_file(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    suite = make_suite(tmp_path, seeds=(0,))
    path = suite.folder("pair-a", "amd", 0) / "attention.npz"
    path.write_bytes(b"PK\x03\x04 half a file")
    made.wish(suite, "atlas")
    assert made.draw(suite) == 2
    assert str(path) in capsys.readouterr().err


def test_pages_that_are_no_more_are_removed(tmp_path: Path) -> None:
    suite = made.complete_suite(tmp_path, seeds=(0,))
    many = {entry.name for entry in made.drawn(suite, "curves")}
    few = {entry.name for entry in made.drawn(suite, "curves", terms=False)}
    assert few < many
    left = {path.stem for path in (suite.suite_dir / "figures").glob("*.p*")}
    assert left == few


def test_further_pages_come_after_the_front(tmp_path: Path) -> None:
    suite = made.complete_suite(tmp_path, seeds=(0,))
    pages = made.drawn(suite, "atlas")
    assert not pages[0].further
    assert [page.name for page in pages if page.further]


def _write(suite_dir: Path, name: str) -> None:
    entry = Entry(name=name, figure=name, kind="effects", title="", caption="", files={}, alt="")
    update_index(suite_dir / "figures", read_plan(suite_dir), name, [entry])


def test_figures_drawn_side_by_side_lose_no_entry(tmp_path: Path) -> None:
    """Every figure is a job of its own, several at a time, and all share one index."""
    suite: MadeSuite = make_suite(tmp_path, seeds=(0,))
    names = [f"figure-{number}" for number in range(12)]
    suite.plan["figures"] = [
        {"name": n, "kind": "effects", "title": "", "table": None, "options": {}} for n in names
    ]
    suite.save_plan()
    with multiprocessing.get_context("fork").Pool(4) as pool:
        pool.starmap(_write, [(suite.suite_dir, name) for name in reversed(names)])
    assert [entry.name for entry in read_index(suite.suite_dir / "figures")] == names


@pytest.mark.parametrize(
    ("kind", "options", "told"),
    [
        ("affinity", {"points": [[2, 0.5]]}, "points.0.0: Input should be less than or equal to 1"),
        ("gates", {"rows": ["amd"]}, "rows: Extra inputs are not permitted; options allowed: none"),
        ("pie", {}, "kind 'pie' is unknown; allowed: effects, curves"),
        ("effects", {"metric": "APX"}, "metric: Input should be 'AP', 'AP50', 'AP75', 'APS', "),
    ],
)
def test_options_are_checked_before_anything_has_run(
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    kind: str,
    options: dict[str, Any],
    told: str,
) -> None:
    suite = make_suite(tmp_path, seeds=(0,))
    made.wish(suite, "effects", metric="AP50")
    assert made.draw(suite, "--check") == 0
    assert not (suite.suite_dir / "figures").exists()
    made.wish(suite, kind, **options)
    assert made.draw(suite, "--check") == 2
    assert told in capsys.readouterr().err

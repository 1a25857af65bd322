"""What docs/protocol.md promises of the suites on the digits."""

from __future__ import annotations

from pathlib import Path

import pytest

from analysis.factors import Search, searches
from analysis.tables.factors import page, shortcuts
from workflow.suite import load

ROOT = Path(__file__).parents[2]
SEARCHES = ("mini_tuning", "mini_tuning_further", "mini_tuning_pairs")


@pytest.mark.parametrize("name", ["demo", "mini"])
def test_gradients_are_clipped_alike_for_everybody(name):
    clips = {
        run.row: run.schedule.clip if run.options.clip is None else run.options.clip
        for run in load(name).runs
        if run.kind == "student"
    }
    assert set(clips.values()) == {35.0}, clips


@pytest.fixture(scope="module")
def found() -> list[Search]:
    return searches(ROOT / "results" / "reference" / name for name in SEARCHES)


def test_every_factor_of_the_suite_is_what_its_search_came_to(found: list[Search]) -> None:
    suite = load("mini")
    runs = [suite.run(cell.runs[0]) for cell in suite.tables["main"].cells]
    taken = {
        (run.group, run.row): run.methods[0].settings["weight"]
        for run in runs
        if len(run.methods) == 1
    }
    came_to = {(search.group, search.row): search.taken for search in found}
    assert taken == came_to


def test_no_search_has_to_go_on(found: list[Search]) -> None:
    assert not [search for search in found if search.goes_on is not None]


def test_the_page_shows_the_searches(found: list[Search]) -> None:
    text = (ROOT / "docs" / "protocol.md").read_text(encoding="utf-8")
    assert page(found) in text
    assert shortcuts(found) in text

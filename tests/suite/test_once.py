"""Two trainings under one name in one table are refused; one training that stands twice is not."""

from __future__ import annotations

import pytest

from tests.suite.own import MINIMAL, problems_of
from workflow.suite import load, names

PAIR = "mini-retinanet-r34-r18"
MEND = "; a table tells its rows apart by their names: give one of "


@pytest.mark.parametrize(
    ("second", "difference"),
    [
        ("{row: mgd, run: {clip: 1}}", "`run`"),
        ("{row: mgd, run: {inherit: false}}", "`run`"),
        ("{row: mgd, run: {teacher: self}}", "`run` and teacher"),
        ("{row: ssim, name: mgd}", "settings and `run`"),
    ],
)
def test_a_row_under_the_name_of_another(write, second, difference):
    text = MINIMAL + f"tables:\n  t:\n    rows:\n    - mgd\n    - {second}\n"
    (told,) = problems_of(write(text))
    place = f"12: tables.t.rows[1]: 'mgd' stands in this table for pair {PAIR!r} already, as "
    assert told == f"{place}tables.t.rows[0], with another {difference}{MEND}them a `name`"
    named = second.replace("name: mgd", "name: other").replace(
        "row: mgd,", "row: mgd, name: other,"
    )
    rows = [cell.row for cell in load(write(text.replace(second, named))).tables["t"].cells]
    assert rows == ["mgd", "other"]


BLOCKS = "tables:\n  t:\n    blocks:\n    - {rows: [mgd]}\n    - {rows: [%s], %s}\n"


@pytest.mark.parametrize(
    ("other", "difference"),
    [
        ("schedule: {iterations: 9}", "schedule"),
        ("settings: {weight: 2}", "settings"),
        ("seeds: [1, 2]", "choice of seeds"),
        ("seeds: [0]", "choice of seeds"),
    ],
)
def test_blocks_that_hold_a_row_twice(write, other, difference):
    (told,) = problems_of(write(MINIMAL + BLOCKS % ("mgd", other)))
    place = f"12: tables.t.blocks[1].rows[0]: 'mgd' stands in this table for pair {PAIR!r} already"
    found = f", as tables.t.blocks[0].rows[0], with another {difference}"
    assert told == f"{place}{found}{MEND}them a `name`"
    named = load(write(MINIMAL + BLOCKS % ("{row: mgd, name: other}", other)))
    assert [cell.row for cell in named.tables["t"].cells] == ["mgd", "other"]


def test_blocks_that_share_rows_are_told_as_blocks_once(write):
    text = MINIMAL.replace("  - baseline\n", "").replace("r34-r18]", "r34-r18, mini-fcos-r34-r18]")
    text = text.replace("mini-fcos-r34-r18", "mini-reppoints-r34-r18")
    text += "tables:\n  t:\n    blocks:\n    - {}\n    - {schedule: {iterations: 9}}\n"
    (told,) = problems_of(write(text))
    assert told.startswith("11: tables.t.blocks[1]: 'mgd' stands in this table for pair")
    assert "as tables.t.blocks[0], with another schedule;" in told
    assert told.endswith("give one of these blocks `rows` of its own, with a `name`")


def test_two_teachers_need_two_names(write):
    text = MINIMAL + "tables: {t: {rows: [teacher, {row: mgd, name: teacher}]}}\n"
    (told,) = problems_of(write(text))
    assert "tables.t.rows[1]: 'teacher' stands in this table for pair" in told


def test_the_same_training_may_stand_twice(write):
    blocks = MINIMAL + BLOCKS % ("mgd", "seeds: [1, 0]")
    assert len(load(write(blocks)).tables["t"].cells) == 2
    again = MINIMAL + "tables: {t: {rows: [mgd, mgd]}, u: {rows: [{row: mgd, run: {clip: 1}}]}}\n"
    assert set(load(write(again)).tables) == {"t", "u"}


@pytest.mark.parametrize("name", names())
def test_shipped_tables_hold_each_row_of_a_pair_once(name):
    for table in load(name).tables.values():
        cells = [(cell.row, cell.group) for cell in table.cells]
        assert len(cells) == len(set(cells)), table.name

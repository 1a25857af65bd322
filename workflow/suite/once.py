"""A row's name stands in a table once for each pair: whoever reads results tells rows apart by it.

Two different trainings under one name would be counted as one, or one be shown as the other.
"""

from __future__ import annotations

from collections.abc import Mapping

from workflow.spec import RunSpec
from workflow.suite.problems import Collector
from workflow.suite.source import Location
from workflow.suite.suite import Cell
from workflow.wording import spell

SAID = {
    "schedule": "schedule",
    "methods": "settings",
    "options": "`run`",
    "teacher": "teacher",
    "teacher_model": "teacher",
    "classifier": "classifier",
}
"""Fields of a run that two rows of one name may differ in, as the suite's file calls them."""


class Once:
    """The cells of one table so far."""

    def __init__(self, problems: Collector, by_id: Mapping[str, RunSpec]) -> None:
        self.problems = problems
        self.by_id = by_id
        self._first: dict[tuple[str, str], tuple[Cell, Location, Location]] = {}
        self._told: set[tuple[Location, Location]] = set()

    def add(self, cell: Cell, row_at: Location, block_at: Location) -> None:
        """Told once for a row, however many pairs it is of."""
        here = (cell, row_at, block_at)
        first, first_row_at, first_block_at = self._first.setdefault((cell.row, cell.group), here)
        if set(first.runs) == set(cell.runs) or (row_at, block_at) in self._told:
            return
        self._told.add((row_at, block_at))
        # Blocks may share the rows of what is around them: then it is the blocks that differ.
        shared = row_at == first_row_at
        at, before = (block_at, first_block_at) if shared else (row_at, first_row_at)
        mend = "give one of these blocks `rows` of its own, with a `name`" if shared else ""
        self.problems.add(
            at,
            f"{cell.row!r} stands in this table for pair {cell.group!r} already, as"
            f" {spell(before)}, with another {self._difference(first, cell)}; a table tells its"
            f" rows apart by their names: {mend or 'give one of them a `name`'}",
        )

    def _difference(self, first: Cell, second: Cell) -> str:
        ones, others = (
            {self.by_id[id].seed: self.by_id[id] for id in c.runs} for c in (first, second)
        )
        # Of the same seed where there is one: a student that teaches itself differs by its seed.
        seed = next((seed for seed in ones if seed in others), None)
        one, other = (
            runs[seed] if seed is not None else next(iter(runs.values())) for runs in (ones, others)
        )
        found = [
            said for field, said in SAID.items() if getattr(one, field) != getattr(other, field)
        ]
        if ones.keys() != others.keys():
            found.append("choice of seeds")
        return " and ".join(dict.fromkeys(found)) or "run"

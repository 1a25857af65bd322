"""Which student a row's gain is over: the one of its pair, schedule and seed with nothing added."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from methods.settings.base import RunOptions
from workflow.spec import RunSpec
from workflow.suite.suite import Cell

BASELINE = "baseline"
Key = tuple[str, str | None, int]


class Baselines:
    """The plain students among a suite's runs."""

    def __init__(self, by_id: Mapping[str, RunSpec]) -> None:
        self.by_id = by_id
        self._plain: dict[Key, list[str]] = {}

    def add(self, id: str) -> None:
        """Notes the run if it can be a baseline."""
        run = self.by_id[id]
        if _is_plain(run):
            self._plain.setdefault(_compared(run), []).append(id)

    def of(self, cell: Cell, standing: Collection[str]) -> tuple[str, ...]:
        """One for each of the cell's runs that has any. Of several, which differ by name alone,
        one of those `standing` in the table: gains are over numbers that are seen there."""

        def rank(id: str) -> tuple[bool, bool]:
            return id not in standing, self.by_id[id].row != BASELINE

        plain = [self._plain.get(_compared(self.by_id[id])) for id in cell.runs]
        return tuple(min(ids, key=rank) for ids in plain if ids)


def _is_plain(run: RunSpec) -> bool:
    """The name says nothing: rows are named at will, and one that is called `baseline` may inherit
    or clip, which makes it a control."""
    taught = run.methods or run.teacher or run.teacher_model or run.classifier
    return run.kind == "student" and not taught and run.options == RunOptions()


def _compared(run: RunSpec) -> Key:
    """What a run shares with its baseline."""
    schedule = run.schedule.model_dump_json() if run.schedule else None
    return run.group, schedule, run.seed

"""A suite as everything else sees it: runs in order, tables and figures with their cells."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from workflow.judged import REPORTED, Split
from workflow.spec import DataSpec, RunSpec
from workflow.suite.schema import Attend, NotRun, Published, Resources, SuiteFile

PublishedKey = tuple[tuple[str, str], ...]
"""Column and value of results/published/published.csv, as many as tell the row apart."""


@dataclass(frozen=True)
class Cell:
    """One row of a table for one pair: the runs behind it, and what the papers printed."""

    row: str
    title: str
    group: str
    runs: tuple[str, ...]
    methods: tuple[str, ...] = ()
    changed: dict[str, Any] = field(default_factory=dict)
    """Fields set differently from the method's own default, for ablation tables."""
    baseline: tuple[str, ...] = ()
    """Runs of the pair's undistilled students with the same data, schedule and seeds."""
    published: PublishedKey | None = None
    line: int = 0


@dataclass(frozen=True)
class Table:
    name: str
    title: str
    kind: str
    caption: str
    cells: tuple[Cell, ...]
    full: str | None = None
    published: Published = Published()
    """The printed table that this one reproduces, where it is one paper's."""

    @cached_property
    def runs(self) -> tuple[str, ...]:
        """Ids of all runs that stand in the table, once each."""
        return tuple(
            dict.fromkeys(run for cell in self.cells for run in (*cell.runs, *cell.baseline))
        )


@dataclass(frozen=True)
class Figure:
    name: str
    kind: str
    title: str
    table: str | None
    options: dict[str, Any]


@dataclass(frozen=True)
class Suite:
    """Read-only; `workflow.suite.load` makes it."""

    name: str
    source: Path
    asked: str
    """As `load` was called, so that a program can be told to load the same."""
    file: SuiteFile
    data: DataSpec
    by_id: dict[str, RunSpec]
    """Every run, dependencies before what needs them."""
    schedule_names: dict[str, str]
    """Run -> the name of its schedule, where the suite changed none of its numbers."""
    tables: dict[str, Table]
    figures: dict[str, Figure]

    @property
    def title(self) -> str:
        return self.file.title

    @property
    def split(self) -> Split:
        return self.file.split

    def judged(self, run: RunSpec) -> list[Split]:
        """The splits that the run is measured on, the suite's own last. Classifiers are judged
        on test crops alone, and fetched teachers on `test` too, where the zoo's figures hold."""
        if run.kind == "classifier":
            return [REPORTED]
        checked: list[Split] = [REPORTED] if run.checkpoint is not None else []
        return list(dict.fromkeys([*checked, self.split]))

    @property
    def attend(self) -> Attend:
        return self.file.attend

    @property
    def resources(self) -> Resources:
        return self.file.resources

    @property
    def not_run(self) -> list[NotRun]:
        return self.file.not_run

    @property
    def runs(self) -> list[RunSpec]:
        return list(self.by_id.values())

    def run(self, id: str) -> RunSpec:
        """The run of this id; KeyError where the suite has none."""
        return self.by_id[id]

    def pairs(self) -> list[str]:
        """Names of all pairs that train a student."""
        return list(dict.fromkeys(run.group for run in self.runs if run.kind == "student"))

    def attended(self) -> list[str]:
        """Runs whose attention maps are wanted: the first seed of every distilled row."""
        if not self.attend.images:
            return []
        first: dict[tuple[Any, ...], str] = {}
        for id, run in self.by_id.items():
            if run.kind == "student":
                length = run.schedule.model_dump_json() if run.schedule else None
                first.setdefault((run.group, run.row, length), id)
        return list(first.values())

    def followed(self) -> list[str]:
        """Trainings on whose way AP is measured."""
        if not self.attend.snapshots:
            return []
        wanted = self.by_id if self.attend.every_seed else self.attended()
        runs = (self.by_id[id] for id in wanted)
        return [run.id for run in runs if run.kind == "student" and run.schedule is not None]

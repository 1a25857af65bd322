"""What a suite wanted, read from its `plan.json`: all that this room knows of a suite."""

from __future__ import annotations

from functools import cached_property
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, ValidationError, model_validator

from analysis.errors import AnalysisError, some
from analysis.files import read_json
from analysis.split import REPORTED, Split
from analysis.titles import title_of

Kind = Literal["classifier", "teacher", "student"]
TableKind = Literal["results", "ablation", "costs", "published"]
PLAN_FILE = "plan.json"


class Entry(BaseModel):
    """Unknown keys are refused: a plan that says more than is read here was made by other code."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class PlannedRun(Entry):
    id: str
    hash: str
    kind: Kind
    group: str
    row: str
    seed: int
    family: str | None = None
    data: str
    schedule: str = ""
    """The schedule's name, empty where the suite gave numbers of its own."""
    methods: tuple[str, ...] = ()
    teacher: str | None = None
    classifier: str | None = None
    backbone: str | None = None


class Pair(Entry):
    title: str
    fidelity: Literal["mini", "coco"]
    family: str
    teacher: str
    student: str
    published_teacher: str = ""
    published_student: str = ""


class Method(Entry):
    title: str
    citation: str = ""
    year: int | None = None


class PublishedKey(Entry):
    """The columns that tell every row of published.csv apart."""

    paper: str
    table: str
    method: str
    variant: str
    teacher: str
    student: str
    schedule: str
    metric_set: str


class Cell(Entry):
    """One row of a table for one pair: the runs behind it, and what was printed."""

    row: str
    title: str
    group: str
    runs: tuple[str, ...]
    methods: tuple[str, ...] = ()
    changed: dict[str, Any] = {}
    baseline: tuple[str, ...] = ()
    published: PublishedKey | None = None


class TablePlan(Entry):
    name: str
    title: str
    kind: TableKind
    caption: str = ""
    full: str | None = None
    """ablation: the row that the others are compared with."""
    paper: str = ""
    paper_table: str = ""
    cells: tuple[Cell, ...]


class FigurePlan(Entry):
    name: str
    kind: str
    title: str = ""
    table: str | None = None
    options: dict[str, Any] = {}


class NotRun(Entry):
    where: dict[str, str]
    reason: str


class Plan(Entry):
    version: Literal[1]
    suite: str
    title: str
    description: str = ""
    baseline: str = "baseline"
    split: Split = REPORTED
    """Which one the runs are judged on; classifiers are on test crops always."""
    runs: tuple[PlannedRun, ...]
    pairs: dict[str, Pair]
    methods: dict[str, Method] = {}
    tables: tuple[TablePlan, ...] = ()
    figures: tuple[FigurePlan, ...] = ()
    not_run: tuple[NotRun, ...] = ()

    @cached_property
    def by_id(self) -> dict[str, PlannedRun]:
        return {run.id: run for run in self.runs}

    @property
    def students(self) -> list[PlannedRun]:
        return [run for run in self.runs if run.kind == "student"]

    @model_validator(mode="after")
    def _references_hold(self) -> Plan:
        ids = [run.id for run in self.runs]
        twice = sorted({id for id in ids if ids.count(id) > 1}) if len(set(ids)) < len(ids) else []
        if twice:
            raise ValueError(f"two runs claim one id: {some(twice)}")
        known = set(ids)
        for table in self.tables:
            for cell in table.cells:
                lost = [id for id in (*cell.runs, *cell.baseline) if id not in known]
                if lost:
                    raise ValueError(
                        f"table {table.name!r}, row {cell.row!r}: runs that the plan does not "
                        f"list: {some(lost)}"
                    )
        return self

    def split_of(self, run: PlannedRun) -> Split:
        return REPORTED if run.kind == "classifier" else self.split

    def row_title(self, cell: Cell) -> str:
        """What people call the row: its own title, else its name in words."""
        titles = {key: method.title for key, method in self.methods.items()}
        return cell.title or title_of(cell.row, cell.methods, titles)

    def table(self, name: str) -> TablePlan:
        for table in self.tables:
            if table.name == name:
                return table
        raise AnalysisError(
            f"suite {self.suite!r} has no table {name!r}; it has: "
            + (", ".join(table.name for table in self.tables) or "none")
        )


def read_plan(suite_dir: Path) -> Plan:
    path = suite_dir / PLAN_FILE
    try:
        return Plan.model_validate(read_json(path))
    except ValidationError as error:
        told = "; ".join(
            f"{'.'.join(map(str, e['loc'])) or 'plan'}: {e['msg']}" for e in error.errors()[:5]
        )
        raise AnalysisError(f"{path}: {told}") from None

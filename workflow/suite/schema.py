"""What may stand in a suite's YAML file. Imports no torch."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Field, StringConstraints, model_validator

from methods.settings.base import Frozen
from workflow.judged import REPORTED, Split
from workflow.spec import Seed

Name = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9.+=_-]*$", max_length=80)]
"""Names become folders, so they hold no spaces and no slashes."""
Key = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]*$", max_length=60)]
"""Tables and figures are targets, `table_<key>`, and files."""


def _one_line(text: str) -> str:
    return " ".join(text.split())


Line = Annotated[str, AfterValidator(_one_line)]
"""Words of a heading or a table's entry, where YAML's `title: >` would leave a line's end."""
TableKind = Literal["results", "ablation", "costs", "published"]
FigureKind = Literal[
    "curves",
    "effects",
    "sweep",
    "cost",
    "published",
    "atlas",
    "masks",
    "agreement",
    "gates",
    "affinity",
    "errors",
    "gallery",
]


class DataEntry(Frozen):
    """The data set; a plain name is enough where its defaults will do."""

    name: str
    options: dict[str, Any] = {}


class Published(Frozen):
    """Which row of results/published/published.csv an entry reproduces. What is left out is taken
    from the table, the row and the pair; an empty string asks for an empty cell."""

    paper: str | None = None
    table: str | None = None
    method: str | None = None
    variant: str | None = None
    teacher: str | None = None
    student: str | None = None
    schedule: str | None = None
    metric_set: str | None = None


def _row(value: Any) -> Any:
    return {"row": value} if isinstance(value, str) else value


def _data(value: Any) -> Any:
    return {"name": value} if isinstance(value, str) else value


def _schedule(value: Any) -> Any:
    return {"name": value} if isinstance(value, str) else value


def _once(seeds: list[int]) -> list[int]:
    twice = [seed for index, seed in enumerate(seeds) if seed in seeds[:index]]
    if twice:
        # A table would count one training as two.
        raise ValueError(f"seed {twice[0]} stands twice")
    return seeds


class ScheduleEntry(Frozen, extra="allow"):
    """A schedule's name, or values that replace the pair's own; checked when it is merged."""

    name: str | None = None


class RowEntry(Frozen):
    """A method, a variant, several joined by `+`, a control, or `teacher` / `classifier`."""

    row: str
    name: Name | None = None
    """What the row is called where its settings differ from those that its name stands for."""
    title: Line = ""
    settings: dict[str, Any] = {}
    grid: dict[Name, Annotated[list[Any], Field(min_length=1)]] = {}
    """Field -> values: one row for every combination."""
    run: dict[str, Any] = {}
    pairs: list[str] | None = None
    """Only for these of the block's pairs."""
    published: Published | Literal[False] = Published()
    """False where no published number stands beside the row."""


Row = Annotated[RowEntry, BeforeValidator(_row, json_schema_input_type=str | RowEntry)]
Data = Annotated[DataEntry, BeforeValidator(_data, json_schema_input_type=str | DataEntry)]
Schedule = Annotated[
    ScheduleEntry, BeforeValidator(_schedule, json_schema_input_type=str | ScheduleEntry)
]
Seeds = Annotated[list[Seed], Field(min_length=1), AfterValidator(_once)]


class Block(Frozen):
    """Pairs times rows times seeds. What is left out is taken from the table, then the suite."""

    pairs: list[str] | None = None
    rows: list[Row] | None = None
    seeds: Seeds | None = None
    schedule: Schedule | None = None
    settings: dict[str, Any] | None = None
    pair_settings: dict[str, dict[str, Any]] | None = None
    """Pair -> settings that on it come before these, as weights that were chosen there do."""
    published: Published | None = None


class TableEntry(Block):
    """A table, and with it the runs that it needs."""

    like: str | None = None
    """`<suite> <table>`: a table of another suite, taken over with its runs."""
    title: Line = ""
    kind: TableKind | None = None
    """`published` where a paper's table is named, else `results`."""
    caption: Line = ""
    full: str | None = None
    """ablation: the row that the others are compared with; the first one unless said."""
    blocks: list[Block] = []
    """Where one table has several kinds of rows; each block completes itself from the table."""

    @model_validator(mode="after")
    def _rows_once(self) -> TableEntry:
        if self.blocks and self.rows is not None:
            raise ValueError("give `rows` or `blocks`, not both")
        return self


class FigureEntry(Frozen):
    """A figure over the runs of a table, or of the whole suite."""

    kind: FigureKind
    title: Line = ""
    table: str | None = None
    options: dict[str, Any] = {}


class Schedules(Frozen):
    """Schedules that replace those which the models and pairs name."""

    student: Schedule | None = None
    teacher: Schedule | None = None
    classifier: Schedule | None = None


class Attend(Frozen):
    """Attention maps for the figures: of the first seed of every row."""

    images: int = Field(0, ge=0)
    """Test images whose maps are kept; 0 makes none."""
    snapshots: int = Field(0, ge=0)
    """At how many moments of a training, from the first weights to the last, AP and the agreement
    with the teacher are measured."""
    every_seed: bool = False
    """Measure AP at these moments for every seed, so that its curve has a band; the maps stay those
    of the first."""


class Resources(Frozen):
    """What one training is given. Nothing here changes a result."""

    threads: int = Field(1, ge=1)
    gpus: int = Field(0, ge=0)
    memory_gb: float = Field(4, gt=0)
    """Of the process, not of the device."""


class NotRun(Frozen):
    """Published rows that this suite cannot reproduce, and why."""

    where: Published
    reason: Line = Field(min_length=10)


class SuiteFile(Frozen):
    """A suite."""

    title: Line
    description: str = ""
    extends: str | None = None
    """Another suite, whose keys hold wherever this file does not say otherwise."""
    data: Data
    teacher_seed: Seed = 0
    """Teachers, classifiers and backbones are trained once, with this seed."""
    seeds: Seeds
    pairs: list[str] | None = None
    rows: list[Row] | None = None
    settings: dict[str, Any] = {}
    """Fields for every method that has them, or `<method>: {field: value}`. Named variants that
    set a field themselves keep their own value."""
    pair_settings: dict[str, dict[str, Any]] = {}
    """Pair -> settings that on it come before these."""
    schedules: Schedules = Schedules()
    checkpoints: dict[str, str] = {}
    """Model -> `<path>#sha256=<hex>`: teachers of your own, instead of the zoo's or a training."""
    tables: dict[Key, TableEntry] = {}
    figures: dict[Key, FigureEntry] = {}
    split: Split = REPORTED
    """Which split the runs are judged on: `tune` in suites that choose weights. No part of a run:
    a suite that asks for the other split adds its figures without training."""
    attend: Attend = Attend()
    resources: Resources = Resources()
    not_run: list[NotRun] = []

"""One teacher-student pair: which rows beat the baseline, by how much, and how sure that is.

A pair that is trained under several schedules has an answer for each, over that one's baseline.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from statistics import fmean

from analysis.plan import TableKind
from analysis.records import Records
from analysis.statistics.bootstrap import ImageInterval
from analysis.statistics.paired import Delta
from analysis.statistics.tables import (
    BETTER,
    HEADLINE,
    NOT_RESOLVED,
    WORSE,
    CellStatistics,
    TableStatistics,
)
from analysis.tables.results import pair_title

OWN_SCHEDULE = "schedule of its own"
"""What a schedule is called for which a suite gives numbers in place of a name."""
ANSWERING: tuple[TableKind, ...] = ("results", "published", "ablation")
"""Kinds of tables that answer which row helps; those of the first kind present are asked."""


@dataclass(frozen=True)
class Gain:
    """A row's difference to the baseline in one pair."""

    row: str
    schedule: str
    title: str
    delta: Delta
    verdict: str
    is_method: bool
    """False for controls, such as a baseline that inherits the teacher's head."""
    images: ImageInterval | None = None
    own: Delta | None = None
    """To inheriting alone, for a method that inherits the teacher's neck and head."""
    uncontrolled: bool = False
    """Whether that difference is wanted, and not known yet."""

    @property
    def earned(self) -> bool:
        """Whether the method itself gains, beyond what inheriting alone gains."""
        if self.own is None:
            return self.verdict == BETTER and not self.uncontrolled
        return self.verdict == BETTER and _better(self.own)


def _better(delta: Delta) -> bool:
    return delta.resolved and delta.mean > 0


@dataclass(frozen=True)
class PairAnswer:
    group: str
    title: str
    baseline: CellStatistics | None
    teacher: float | None
    """Mean AP of the teachers behind the rows."""
    gains: tuple[Gain, ...]
    """Greatest first."""
    without: dict[str, str]
    """Title of a row without a difference -> why."""
    best: str | None
    """Title of the row that beats every other student in a paired test."""

    @cached_property
    def seeds(self) -> int:
        """Of the row with the most: one seed leaves nothing to say about training again."""
        return max((gain.delta.n for gain in self.gains), default=0)

    @property
    def begun(self) -> bool:
        """Whether any of its students has a result."""
        return bool(self.gains or (self.baseline and self.baseline.n))

    def of(self, verdict: str) -> list[Gain]:
        return [gain for gain in self.gains if gain.verdict == verdict]

    @property
    def better(self) -> list[Gain]:
        return [gain for gain in self.of(BETTER) if gain.earned]

    @property
    def inherited(self) -> list[Gain]:
        """Better than the baseline, but not shown to be better than inheriting alone."""
        return [gain for gain in self.of(BETTER) if not gain.earned]

    @property
    def worse(self) -> list[Gain]:
        return self.of(WORSE)[::-1]

    @property
    def not_resolved(self) -> list[Gain]:
        return self.of(NOT_RESOLVED)


def with_most_to_say(pairs: Sequence[PairAnswer]) -> list[PairAnswer]:
    """Those with several seeds; where there are none, all that were compared at all."""
    compared = [pair for pair in pairs if pair.gains]
    return [pair for pair in compared if pair.seeds > 1] or compared


def different(pairs: Sequence[PairAnswer]) -> int:
    """How many pairs these are: one under two schedules has two answers."""
    return len({pair.group for pair in pairs})


def under(title: str, schedule: str, several: bool) -> str:
    """With its schedule's name, where there are several."""
    return f"{title}, {schedule or OWN_SCHEDULE}" if several else title


def answering(tables: Sequence[TableStatistics]) -> list[TableStatistics]:
    """The tables that compare rows with a baseline, of the kind that says it most directly."""
    for kind in ANSWERING:
        found = [
            table
            for table in tables
            if table.plan.kind == kind and any(cell.cell.baseline for cell in table.cells)
        ]
        if found:
            return found
    return []


def pair_answers(records: Records, tables: Sequence[TableStatistics]) -> list[PairAnswer]:
    """Over all tables that answer; a row that stands in several is told once a schedule."""
    asked = answering(tables)
    found: dict[str, dict[str, dict[str, CellStatistics]]] = {}
    for table in asked:
        for cell in table.cells:
            if cell.cell.baseline:
                schedule = records.plan.by_id[cell.cell.baseline[0]].schedule
                own = found.setdefault(cell.cell.group, {}).setdefault(schedule, {})
                own.setdefault(cell.cell.row, cell)
    return [
        _pair(records, asked, group, schedule, cells, len(schedules) > 1)
        for group, schedules in found.items()
        for schedule, cells in schedules.items()
    ]


def _pair(
    records: Records,
    tables: Sequence[TableStatistics],
    group: str,
    schedule: str,
    cells: Mapping[str, CellStatistics],
    several: bool,
) -> PairAnswer:
    baseline = next((cell for cell in cells.values() if cell.is_baseline), None)
    rivals = [cell for cell in cells.values() if not cell.is_baseline]
    gains = [
        Gain(
            cell.cell.row,
            schedule,
            cell.title,
            cell.deltas[HEADLINE],
            cell.verdict(),
            bool(cell.cell.methods),
            cell.image_delta,
            cell.own_deltas.get(HEADLINE),
            cell.uncontrolled,
        )
        for cell in rivals
        if HEADLINE in cell.deltas
    ]
    best = None
    if len(tables) == 1 and not several:
        row = tables[0].leaders(group, HEADLINE).best
        best = cells[row].title if row is not None and row in cells else None
    return PairAnswer(
        group,
        under(pair_title(records, group), schedule, several),
        baseline,
        _teacher(records, rivals),
        tuple(sorted(gains, key=lambda gain: -gain.delta.mean)),
        {cell.title: _why(cell, baseline) for cell in rivals if HEADLINE not in cell.deltas},
        best,
    )


def _why(cell: CellStatistics, baseline: CellStatistics | None) -> str:
    if HEADLINE in cell.estimates:
        lost = baseline is None or HEADLINE not in baseline.estimates
        return "the baseline has no result" if lost else "shares no seed with the baseline"
    return "; ".join(dict.fromkeys(cell.missing.values())) or "no runs planned"


def _teacher(records: Records, cells: Iterable[CellStatistics]) -> float | None:
    """Rows may learn from different teachers, as in an ablation of the teacher: then none."""
    planned = records.plan.by_id
    ids = {planned[id].teacher for cell in cells for id in cell.cell.runs if planned[id].methods}
    frame = records.frame[records.frame["id"].isin([id for id in ids if id])]
    values = frame[HEADLINE].dropna().astype(float).tolist()
    groups = {planned[id].group for id in ids if id}
    return fmean(values) if values and len(groups) == 1 else None

"""The statistics of one wanted table: every cell, and every row over its pairs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

import pandas as pd

from analysis.metrics import CLASSIFICATION, DETECTION, HEADLINE
from analysis.plan import Cell, TablePlan
from analysis.records import Records
from analysis.statistics.across_pairs import AcrossPairs, rows_across_pairs
from analysis.statistics.best import Leaders, leaders
from analysis.statistics.bootstrap import ImageInterval
from analysis.statistics.controls import with_controls
from analysis.statistics.estimates import Estimate, estimate
from analysis.statistics.images import ImageUncertainty
from analysis.statistics.paired import Delta, holm, paired_delta
from analysis.statistics.ranks import Block, Groups, Rank, difference_groups, rank_rows

BASELINE, BETTER, WORSE, NOT_RESOLVED = "baseline", "better", "worse", "not resolved"


@dataclass(frozen=True)
class CellStatistics:
    """What the finished runs of one cell say, and which planned ones are not among them."""

    cell: Cell
    title: str
    values: dict[str, dict[int, float]]
    """Metric -> seed -> value."""
    estimates: dict[str, Estimate]
    deltas: dict[str, Delta]
    """To the baseline's runs of the same seeds; empty for the baseline and for teachers."""
    runs: tuple[str, ...]
    missing: dict[str, str]
    """Run id -> why it does not count."""
    is_baseline: bool
    is_student: bool
    """Teachers and classifiers are no rivals of a row, and share no seeds with it."""
    baseline_values: dict[int, float]
    """AP that the differences are taken against, by seed; empty for the baseline itself."""
    images: ImageInterval | None = None
    """Of AP, for a cell with a single run: another kind of uncertainty than the seeds'."""
    image_delta: ImageInterval | None = None
    own_deltas: dict[str, Delta] = field(default_factory=dict)
    """To inheriting alone, for rows that inherit the teacher's neck and head; else empty."""
    own_image_delta: ImageInterval | None = None
    uncontrolled: bool = False
    """Inherits, and cannot yet be held against inheriting alone, which stands in the table: that
    has no result, or none of this row's seeds."""

    @property
    def n(self) -> int:
        return len(self.runs)

    def verdict(self, metric: str = HEADLINE) -> str:
        """Against the baseline; empty where there is none to compare with."""
        if self.is_baseline:
            return BASELINE
        delta = self.deltas.get(metric)
        if delta is None:
            return ""
        if not delta.resolved:
            return NOT_RESOLVED
        return BETTER if delta.mean > 0 else WORSE


@dataclass(frozen=True)
class TableStatistics:
    plan: TablePlan
    cells: tuple[CellStatistics, ...]

    @cached_property
    def groups(self) -> list[str]:
        return list(dict.fromkeys(cell.cell.group for cell in self.cells))

    def of_group(self, group: str) -> list[CellStatistics]:
        return [cell for cell in self.cells if cell.cell.group == group]

    def leaders(self, group: str, metric: str) -> Leaders:
        """Among the students: a teacher is no rival."""
        rivals = {
            cell.cell.row: cell.values[metric]
            for cell in self.of_group(group)
            if cell.values.get(metric) and cell.is_student
        }
        return leaders(rivals)

    @cached_property
    def blocks(self) -> dict[str, dict[Block, float]]:
        """Row -> (pair, seed) -> AP, of the students."""
        found: dict[str, dict[Block, float]] = {}
        for cell in self.cells:
            if cell.is_student:
                own = found.setdefault(cell.cell.row, {})
                for seed, value in cell.values.get(HEADLINE, {}).items():
                    own[cell.cell.group, seed] = value
        return {row: own for row, own in found.items() if own}

    def across_pairs(self) -> list[AcrossPairs]:
        return rows_across_pairs(self.cells)

    def ranks(self) -> list[Rank]:
        return rank_rows(self.blocks)

    def difference_groups(self) -> Groups:
        return difference_groups(self.blocks)


def table_statistics(
    records: Records, plan: TablePlan, images: ImageUncertainty | None = None
) -> TableStatistics:
    # One training may stand in a table twice, beside two printed numbers: it is tested once.
    once: dict[object, Cell] = {}
    for planned in plan.cells:
        once.setdefault(_training(planned), planned)
    cells = [_cell(records, cell, images) for cell in once.values()]
    for group in dict.fromkeys(cell.cell.group for cell in cells):
        places = [place for place, cell in enumerate(cells) if cell.cell.group == group]
        for place, deltas in _corrected([cells[place] for place in places], places):
            cells[place] = replace(cells[place], deltas=deltas)
        own = with_controls(records, [cells[place] for place in places], images)
        for place, cell in zip(places, own, strict=True):
            cells[place] = cell
    found = dict(zip(once, cells, strict=True))
    standing = [
        replace(found[_training(planned)], cell=planned, title=records.plan.row_title(planned))
        for planned in plan.cells
    ]
    return TableStatistics(plan, tuple(standing))


def _training(cell: Cell) -> object:
    return cell.group, cell.row, frozenset(cell.runs)


def _corrected(
    cells: Sequence[CellStatistics], places: Sequence[int]
) -> list[tuple[int, dict[str, Delta]]]:
    """Holm over the rows of one pair, for every metric by itself."""
    corrected: list[tuple[int, dict[str, Delta]]] = [(place, {}) for place in places]
    for metric in dict.fromkeys(metric for cell in cells for metric in cell.deltas):
        deltas = [cell.deltas.get(metric) for cell in cells]
        p_values = holm([delta.p if delta else None for delta in deltas])
        for (_, own), delta, p in zip(corrected, deltas, p_values, strict=True):
            if delta is not None:
                own[metric] = replace(delta, p_holm=p)
    return corrected


def _cell(records: Records, cell: Cell, images: ImageUncertainty | None) -> CellStatistics:
    done = _finished(records, cell.runs)
    values = _values(done)
    is_baseline = bool(cell.baseline) and set(cell.runs) == set(cell.baseline)
    base_done = _finished(records, cell.baseline)
    base = {} if is_baseline else _values(base_done)
    deltas = {
        metric: delta
        for metric, own in values.items()
        if (delta := paired_delta(own, base.get(metric, {})))
    }
    interval = difference = None
    if images is not None and len(done) == 1 and HEADLINE in values:
        sample = images.sample(done.iloc[0])
        if sample is not None:
            interval = sample.interval()
            rival = base_done[base_done["seed"] == done.iloc[0]["seed"]]
            other = images.sample(rival.iloc[0]) if len(rival) and not is_baseline else None
            difference = sample.minus(other).interval() if other is not None else None
    return CellStatistics(
        cell,
        records.plan.row_title(cell),
        values,
        {metric: estimate(list(own.values())) for metric, own in values.items()},
        deltas,
        tuple(done["id"]),
        {id: records.why_missing(id) for id in cell.runs if id not in done.index},
        is_baseline,
        any(records.plan.by_id[id].kind == "student" for id in cell.runs),
        base.get(HEADLINE, {}),
        interval,
        difference,
    )


def _finished(records: Records, ids: Sequence[str]) -> pd.DataFrame:
    return records.frame.loc[[id for id in ids if id in records.frame.index]]


def _values(runs: pd.DataFrame) -> dict[str, dict[int, float]]:
    found: dict[str, dict[int, float]] = {}
    for metric in (*DETECTION, *CLASSIFICATION):
        own = runs[["seed", metric]].dropna()
        if len(own):
            seeds = [int(seed) for seed in own["seed"]]
            found[metric] = dict(zip(seeds, own[metric].astype(float), strict=True))
    return found

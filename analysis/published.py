"""Printed numbers beside ours, and one honest word for how they compare.

A printed number is one training of somebody else's (nobody in this field prints seeds), so it is
held against what *one more training of ours* would give: the prediction interval, which is wider
than the interval of our mean. Numbers of another protocol are shown as such and never subtracted.
"""

from __future__ import annotations

import csv
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Literal

import numpy as np

from analysis.errors import AnalysisError
from analysis.plan import NotRun, Plan, PublishedKey, TablePlan
from analysis.protocol import MEASURED, is_fetched, other_protocol
from analysis.statistics.agreement import Agreement, kendall
from analysis.statistics.estimates import Estimate, t_quantile
from analysis.statistics.tables import CellStatistics

FILE = Path(__file__).parents[1] / "results" / "published" / "published.csv"
KEY = tuple(PublishedKey.model_fields)
PRINTED_AS = {
    "AP": "mAP",
    "AP50": "AP50",
    "AP75": "AP75",
    "APS": "APS",
    "APM": "APM",
    "APL": "APL",
    "top1": "mAP",
}
"""Our metric -> the CSV's column; for classifiers its `mAP` holds the top-1 accuracy."""
OTHER_FIGURES = {
    "coco-mask": "mask AP",
    "coco-box-gain": "gain alone",
    "coco-crops-top1": "top-1",
}
"""What a printed figure is where it is not box AP: said beside it, never left to be guessed."""
FETCHED_TOLERANCE = 0.1
"""Points for a fetched checkpoint: nothing was trained, so only rounding and scoring differ."""
TOLERANCE = 1.0
"""Half width, in points, up to which a prediction interval is narrow enough to say
'reproduced'; a wider one would call anything so."""

Status = Literal[
    "reproduced", "above", "below", "not resolved", "different protocol", "not run", "not printed"
]


@dataclass(frozen=True)
class Printed:
    """One line of published.csv."""

    key: PublishedKey
    values: dict[str, float]
    """By our names of the metrics."""
    source: str
    verified: str


@dataclass(frozen=True)
class Comparison:
    """A printed row and our cell for it, either of which may be absent."""

    title: str
    group: str
    printed: Printed | None
    ours: CellStatistics | None
    metric: str
    status: Status
    why: str
    apart: str = ""
    """What keeps our figure from standing in one column with printed ones, if anything does."""

    @property
    def printed_value(self) -> float | None:
        return self.printed.values.get(self.metric) if self.printed else None

    @property
    def estimate(self) -> Estimate | None:
        return self.ours.estimates.get(self.metric) if self.ours else None

    @property
    def delta(self) -> float | None:
        """Ours minus printed; None unless both are numbers of one protocol."""
        if self.printed_value is None or self.estimate is None:
            return None
        if self.apart:
            return None
        return self.estimate.mean - self.printed_value


@cache
def read_published(path: Path = FILE) -> dict[PublishedKey, Printed]:
    try:
        with path.open(encoding="utf-8", newline="") as handle:
            lines = list(csv.DictReader(handle))
    except FileNotFoundError:
        raise AnalysisError(f"{path}: no such file; the published numbers belong there") from None
    found: dict[PublishedKey, Printed] = {}
    for number, line in enumerate(lines, start=2):
        key = PublishedKey(**{column: line[column] for column in KEY})
        if key in found:
            raise AnalysisError(f"{path}, line {number}: the same row stands there twice")
        headline = MEASURED.get(key.metric_set, "AP")
        names = ("top1",) if headline == "top1" else tuple(PRINTED_AS)[:-1]
        try:
            values = {m: float(line[PRINTED_AS[m]]) for m in names if line[PRINTED_AS[m]]}
        except ValueError as error:
            raise AnalysisError(f"{path}, line {number}: {error}") from None
        found[key] = Printed(key, values, line["source"], line["verified"])
    return found


def prediction_interval(ours: Estimate) -> tuple[float, float] | None:
    """Where one more run would fall; None for a single run."""
    if ours.sd is None:
        return None
    half = t_quantile(ours.n - 1) * ours.sd * float(np.sqrt(1 + 1 / ours.n))
    return ours.mean - half, ours.mean + half


def compare(
    plan: Plan, cell: CellStatistics, published: dict[PublishedKey, Printed] | None = None
) -> Comparison:
    """Our cell beside the printed row that the suite names for it."""
    published = read_published() if published is None else published
    key = cell.cell.published
    printed = published.get(key) if key else None
    if key and printed is None:
        told = ", ".join(f"{name}={value!r}" for name, value in key.model_dump().items())
        raise AnalysisError(f"{FILE.name} has no row with {told} (row {cell.cell.row!r})")
    metric = MEASURED.get(printed.key.metric_set, "AP") if printed else "AP"
    apart = other_protocol(key, plan, cell.cell)
    fetched = bool(cell.cell.runs) and is_fetched(plan.by_id[cell.cell.runs[0]])
    status, why = _status(cell, printed, metric, apart, fetched)
    return Comparison(cell.title, cell.cell.group, printed, cell, metric, status, why, apart)


def _status(
    cell: CellStatistics, printed: Printed | None, metric: str, apart: str, fetched: bool
) -> tuple[Status, str]:
    ours = cell.estimates.get(metric)
    if ours is None:
        return "not run", "; ".join(sorted(set(cell.missing.values())))
    if printed is None or metric not in printed.values:
        return "not printed", ""
    if apart:
        return "different protocol", apart
    value = printed.values[metric]
    if fetched:
        difference = round(ours.mean - value, 6)
        why = "a fetched checkpoint: nothing was trained, so only scoring can differ"
        if abs(difference) <= FETCHED_TOLERANCE:
            return "reproduced", why
        return "above" if difference > 0 else "below", why
    predicted = prediction_interval(ours)
    if predicted is None:
        return "not resolved", "one seed leaves no interval"
    low, high = predicted
    if value < low:
        return "above", ""
    if value > high:
        return "below", ""
    if high - low > 2 * TOLERANCE:
        return "not resolved", f"one more run could fall anywhere from {low:.1f} to {high:.1f}"
    return "reproduced", ""


def compare_table(
    plan: Plan,
    table: TablePlan,
    cells: tuple[CellStatistics, ...],
    published: dict[PublishedKey, Printed] | None = None,
) -> list[Comparison]:
    """Every cell of ours, then what the paper's table prints beside them and nobody ran."""
    published = read_published() if published is None else published
    found = [compare(plan, cell, published) for cell in cells]
    if not table.paper:
        return found
    joined = {comparison.printed.key for comparison in found if comparison.printed}
    for key, printed in published.items():
        here = key.paper == table.paper and table.paper_table in ("", *key.table.split("; "))
        # A paper's table named as the file spells it ('Table 1; Table 2') is meant as a whole.
        if (here or _same_place(key, table)) and key not in joined:
            metric = MEASURED.get(key.metric_set, "AP")
            why = _why_not_run(key, plan.not_run)
            found.append(
                Comparison(
                    _title(key, plan), _group(key, plan), printed, None, metric, "not run", why
                )
            )
    return found


def _title(key: PublishedKey, plan: Plan) -> str:
    method = plan.methods.get(key.method)
    title = method.title if method else key.method
    told = ", ".join(filter(None, (key.variant, OTHER_FIGURES.get(key.metric_set, ""))))
    return f"{title} ({told})" if told else title


def _group(key: PublishedKey, plan: Plan) -> str:
    """The suite's pair where it is the same one, else the models' names."""
    for name, pair in plan.pairs.items():
        same_teacher = key.teacher in ("", pair.published_teacher)
        if key.student and key.student == pair.published_student and same_teacher:
            return name
    return " → ".join(filter(None, (key.teacher, key.student)))


def _same_place(key: PublishedKey, table: TablePlan) -> bool:
    return key.paper == table.paper and key.table == table.paper_table


def _why_not_run(key: PublishedKey, not_run: tuple[NotRun, ...]) -> str:
    columns = key.model_dump()
    for entry in not_run:
        wanted = dict(entry.where)
        place = wanted.pop("table", None)
        fits = place in (None, columns["table"], *columns["table"].split("; "))
        if fits and all(columns.get(name) == value for name, value in wanted.items()):
            return entry.reason
    return "not in this suite"


@dataclass(frozen=True)
class RankingAgreement:
    """Kendall's tau between our order of the methods and the printed one, for one pair."""

    group: str
    agreement: Agreement
    methods: tuple[str, ...]
    across_protocols: bool
    """Whether the orders come from different protocols: orders may be compared, figures not."""


def rankings(comparisons: list[Comparison]) -> list[RankingAgreement]:
    found = []
    for group in dict.fromkeys(c.group for c in comparisons if c.ours):
        both = [
            c
            for c in comparisons
            if c.group == group
            and c.estimate
            and c.printed_value is not None
            and c.metric == "AP"
            and c.printed
            and c.printed.key.student
        ]
        if len(both) < 2:
            continue
        ours = [c.estimate.mean for c in both if c.estimate]
        printed = [c.printed_value for c in both if c.printed_value is not None]
        across = any(c.apart for c in both)
        titles = tuple(c.title for c in both)
        found.append(RankingAgreement(group, kendall(ours, printed), titles, across))
    return found

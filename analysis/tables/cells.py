"""Entries that several kinds of tables share: means, differences, and why something is missing."""

from __future__ import annotations

from collections.abc import Sequence

from analysis.records import Records
from analysis.statistics.paired import Delta
from analysis.statistics.tables import HEADLINE, NOT_RESOLVED, CellStatistics
from analysis.tables.conditions import LEVEL
from analysis.tables.model import MISSING, Column, Entry, Mark, RunLink
from analysis.tables.numbers import PLUS_MINUS, brackets, interval, p_value, plain, spread

SIZES = {"APS": "AP_S", "APM": "AP_M", "APL": "AP_L"}


def title_entry(cell: CellStatistics) -> Entry:
    """The row's name, with what is missing from it."""
    return Entry(
        cell.title,
        notes=missing_notes(cell),
        raw={"title": cell.title, "row": cell.cell.row, "group": cell.cell.group},
    )


def missing_notes(cell: CellStatistics) -> tuple[str, ...]:
    """`seed 1, 2: not run yet`: a line for every reason."""
    seeds: dict[str, list[str]] = {}
    for id, reason in cell.missing.items():
        seeds.setdefault(reason, []).append(_seed(id))
    return tuple(f"seed {', '.join(own)}: {reason}" for reason, own in seeds.items())


def _seed(run_id: str) -> str:
    """`2` from `digits/pair/row/seed2-0123456789`."""
    return run_id.rsplit("/", 1)[-1].split("-")[0].removeprefix("seed")


def mean_entry(cell: CellStatistics, metric: str, mark: Mark = "", wide: bool = False) -> Entry:
    """The mean; `wide` adds the interval's half width."""
    found = cell.estimates.get(metric)
    if found is None:
        return Entry(MISSING, raw={metric: None})
    raw: dict[str, float | int | str | None] = {metric: found.mean, f"{metric}_sd": found.sd}
    raw |= {f"{metric}_low": found.low, f"{metric}_high": found.high}
    text = spread(found.mean, found.low, found.high) if wide else plain(found.mean)
    return Entry(text, found.mean, mark, raw=raw)


def image_columns(cells: Sequence[CellStatistics]) -> tuple[Column, ...]:
    """The other kind of uncertainty, named as such, where some row has a single run."""
    if not any(cell.images for cell in cells):
        return ()
    return (
        Column("AP_images", f"{HEADLINE} over images ({LEVEL})"),
        Column("delta_images", f"Δ{HEADLINE} over images ({LEVEL})"),
    )


def image_entries(cell: CellStatistics, columns: Sequence[Column]) -> tuple[Entry, ...]:
    """For `image_columns`: half the interval of AP, and the interval of its difference."""
    entries = []
    for column, found in zip(columns, (cell.images, cell.image_delta), strict=False):
        raw: dict[str, float | int | str | None] = {
            f"{column.key}_low": found.low if found else None,
            f"{column.key}_high": found.high if found else None,
        }
        if found is None:
            entries.append(Entry(MISSING, raw=raw))
        elif found is cell.images:
            half = (found.high - found.low) / 2
            entries.append(Entry(f"{PLUS_MINUS} {plain(half)}", half, raw=raw))
        else:
            entries.append(Entry(brackets(found.low, found.high), found.low, raw=raw))
    return tuple(entries)


def delta_entry(delta: Delta | None, key: str) -> Entry:
    if delta is None:
        return Entry(MISSING, raw={key: None})
    raw: dict[str, float | int | str | None] = {key: delta.mean}
    raw |= {f"{key}_low": delta.low, f"{key}_high": delta.high, f"{key}_n": delta.n}
    return Entry(interval(delta.mean, delta.low, delta.high), delta.mean, raw=raw)


def p_entry(delta: Delta | None, key: str) -> Entry:
    """The corrected p-value, or in words that the data cannot tell."""
    if delta is None:
        return Entry(MISSING, raw={key: None})
    raw: dict[str, float | int | str | None] = {key: delta.p_holm, f"{key}_uncorrected": delta.p}
    if delta.p_holm is None:
        return Entry(NOT_RESOLVED, None, raw=raw)
    told = p_value(delta.p_holm)
    text = told if delta.resolved else f"{NOT_RESOLVED} ({told})"
    return Entry(text, delta.p_holm, raw=raw)


def count_entry(cell: CellStatistics) -> Entry:
    planned = len(cell.cell.runs)
    text = str(cell.n) if cell.n == planned else f"{cell.n} of {planned}"
    return Entry(text, cell.n, raw={"n": cell.n, "planned": planned})


def run_links(records: Records, cell: CellStatistics) -> tuple[RunLink, ...]:
    return tuple(RunLink(id, records.runs_dir / id) for id in cell.runs)


def metric_title(metric: str) -> str:
    return SIZES.get(metric, metric)

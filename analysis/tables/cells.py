"""Entries that several kinds of tables share: means, differences, and why something is missing."""

from __future__ import annotations

from collections.abc import Sequence

from analysis.metrics import HEADLINE
from analysis.records import Records
from analysis.statistics.bootstrap import ImageInterval
from analysis.statistics.paired import Delta
from analysis.statistics.tables import NOT_RESOLVED, CellStatistics
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


def image_columns(
    cells: Sequence[CellStatistics], difference: str = f"Δ{HEADLINE}"
) -> tuple[Column, ...]:
    """The other kind of uncertainty, named as such, where some row has a single run."""
    if not any(cell.images for cell in cells):
        return ()
    return (
        Column("AP_images", f"{HEADLINE} over images"),
        Column("delta_images", f"{difference} over images"),
    )


def image_entries(cell: CellStatistics, columns: Sequence[Column]) -> tuple[Entry, ...]:
    """For `image_columns`: half the interval of AP, and the interval of its difference."""
    if not columns:
        return ()
    found = cell.images
    raw: dict[str, float | int | str | None] = {
        "AP_images_low": found.low if found else None,
        "AP_images_high": found.high if found else None,
    }
    half = (found.high - found.low) / 2 if found else None
    text = MISSING if half is None else f"{PLUS_MINUS} {plain(half)}"
    return Entry(text, half, raw=raw), _over_images(cell.image_delta, "delta_images")


def own_columns(cells: Sequence[CellStatistics], headline: str) -> tuple[Column, ...]:
    """The gain beyond inheriting alone, where some row can be compared with that."""
    having = [cell for cell in cells if cell.own_deltas]
    if not having:
        return ()
    columns = [Column("own", f"Δ{headline} to inheriting alone")]
    if any(delta.n > 1 for cell in having for delta in cell.own_deltas.values()):
        columns.append(Column("p_own", "p (Holm)"))
    if any(cell.own_image_delta for cell in having):
        columns.append(Column("own_images", "the same over images"))
    return tuple(columns)


def own_entries(
    cell: CellStatistics, columns: Sequence[Column], headline: str
) -> tuple[Entry, ...]:
    """For `own_columns`; empty for rows that do not inherit, which have nothing to subtract."""
    delta = cell.own_deltas.get(headline)
    entries = {
        "own": delta_entry(delta, "own"),
        "p_own": p_entry(delta, "p_own"),
        "own_images": _over_images(cell.own_image_delta, "own_images"),
    }
    return tuple(entries[column.key] for column in columns)


def _over_images(found: ImageInterval | None, key: str) -> Entry:
    """The interval of a difference that stands in another column."""
    if found is None:
        return Entry(MISSING, raw={f"{key}_low": None, f"{key}_high": None})
    raw: dict[str, float | int | str | None] = {f"{key}_low": found.low, f"{key}_high": found.high}
    return Entry(brackets(found.low, found.high), found.low, raw=raw)


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

"""The part of a caption that makes a number quotable: set, schedule, seeds, engine, intervals."""

from __future__ import annotations

from collections.abc import Iterable

from analysis.records import SIZE_LIMITS, SPLIT, Records
from analysis.statistics.estimates import CONFIDENCE
from analysis.statistics.tables import CellStatistics, TableStatistics

LEVEL = f"{100 * CONFIDENCE:.0f} %"
NOT_WIDENED = (
    "Intervals are not widened for the number of rows, so one can leave out zero where the "
    "difference is not resolved."
)


def conditions(records: Records, cells: Iterable[CellStatistics]) -> str:
    """`digits test split (500 images), schedule mini, seeds 0, 1, 2; scored by hotcoco 1.3.0.`"""
    ids = [id for cell in cells for id in cell.runs]
    runs = records.frame.loc[list(dict.fromkeys(ids))]
    if not len(runs):
        return "No run has finished yet."
    sets = []
    for (data, split), own in runs.groupby(["data", SPLIT], sort=False):
        counts = sorted({int(count) for count in own["images"].dropna()})
        images = f" ({' and '.join(map(str, counts))} images)" if counts else ""
        sets.append(f"{data} {split} split{images}")
    schedules = _distinct(runs["schedule"]) or ["the suite's own"]
    students = runs[runs["kind"] == "student"]
    seeds = sorted({int(seed) for seed in students["seed"]})
    parts = [" and ".join(sets), "schedule " + ", ".join(schedules)]
    if seeds:
        parts.append(("seeds " if len(seeds) > 1 else "seed ") + ", ".join(map(str, seeds)))
    scored = ", ".join(_distinct(runs["engine"]))
    return ", ".join(parts) + (f"; scored by {scored}" if scored else "") + "."


def about_sizes(records: Records, cells: Iterable[CellStatistics]) -> str:
    """`AP_S: objects below 16² pixels; AP_L: from 30² on.` Sets differ in what they call small."""
    runs = records.frame.loc[list(dict.fromkeys(id for cell in cells for id in cell.runs))]
    known = runs.dropna(subset=list(SIZE_LIMITS))[["data", *SIZE_LIMITS]].drop_duplicates()
    told: dict[str, list[str]] = {}
    for data, small, large in known.itertuples(index=False):
        limits = f"objects below {_squared(small)} pixels; AP_L: from {_squared(large)} on"
        told.setdefault(limits, []).append(str(data))
    if len(told) == 1:
        return f"AP_S: {next(iter(told))}."
    return " ".join(f"AP_S on {' and '.join(sets)}: {limits}." for limits, sets in told.items())


def _squared(area: float) -> str:
    side = round(area**0.5)
    return f"{side}²" if side * side == area else f"{area:g} square"


def _distinct(values: Iterable[object]) -> list[str]:
    return list(dict.fromkeys(str(v) for v in values if v and v == v))


def kinds_of_uncertainty(statistics: TableStatistics, family: str = "") -> str:
    """What the intervals of this table come from, never left to be guessed. `family`: of a table
    whose p-values are of another comparison than that with the baseline."""
    told = (
        f"± and brackets: {LEVEL} Student's t intervals over seeds; Δ is paired by seed, its p "
        f"corrected by Holm over {family or _family(statistics)}. {NOT_WIDENED} "
        "Bold: better than every other student of the pair in a paired test; underlined: second, "
        "and better than all below. Unmarked where the seeds cannot tell; 'not resolved': the "
        "same for a difference."
    )
    most = max((cell.n for cell in statistics.cells), default=0)
    if most == 0:
        return ""
    if most == 1:
        told = (
            "One seed a row: no interval over seeds, so no difference is resolved and no row is "
            "marked best."
        )
    return told


def _family(statistics: TableStatistics) -> str:
    """The comparisons that one correction runs over."""
    told = "the rows of the pair"
    if any(cell.own_deltas for cell in statistics.cells):
        told += (
            " that are compared with the baseline, and apart from these over its rows that are "
            "compared with inheriting alone"
        )
    return told


def about_inheriting(statistics: TableStatistics) -> tuple[str, ...]:
    """What the second comparison is for."""
    if not any(cell.own_deltas for cell in statistics.cells):
        return ()
    return (
        "Inheriting alone: the student that starts from the teacher's neck and head as these rows "
        "do, and distils nothing. What a row gains beyond it is the method's.",
    )


def about_images(statistics: TableStatistics) -> tuple[str, ...]:
    """One remark below a table that holds rows with a single run."""
    found = [cell.images for cell in statistics.cells if cell.images]
    if not found:
        return ()
    counts = " or ".join(f"{count:,}" for count in sorted({image.images for image in found}))
    return (
        f"Over images: {LEVEL} bootstrap intervals over the choice of the {counts} images, for "
        "rows with one seed: what other images would change for these very models. They say "
        "nothing about training again, which may change more.",
    )

"""Printed numbers against ours: the figures where the protocol is the same, the gains always."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes

from analysis.figures.labels import label_points
from analysis.figures.options import Options
from analysis.figures.style import GREY, INK, PAGE_WIDTH, new_figure
from analysis.figures.wanted import NothingToDraw, Picture, Wanted, sentences
from analysis.metrics import HEADLINE
from analysis.published import Comparison, compare_table
from analysis.statistics.tables import CellStatistics
from analysis.tables.conditions import LEVEL

MOST_LABELS = 24
"""More names than this would cover the points."""


@dataclass(frozen=True)
class Point:
    """Printed and ours, with our interval where there is one."""

    name: str
    cell: CellStatistics
    printed: float
    ours: float
    low: float | None
    high: float | None


def draw(wanted: Wanted) -> list[Picture]:
    wanted.options(Options)
    wanted.finished()
    found: dict[tuple[str, ...], Comparison] = {}
    every: list[Comparison] = []
    for table in wanted.statistics:
        for one in compare_table(wanted.plan, table.plan, table.cells):
            if one.ours and one.ours.n and one.printed_value is not None:
                found.setdefault(one.ours.cell.runs, one)
                every.append(one)
    comparisons = [one for one in found.values() if one.metric == HEADLINE]
    figures, gains = _figures(comparisons), _gains(comparisons, every)
    shown = [(points, told) for points, told in ((figures, "AP"), (gains, "gain")) if points]
    if not shown:
        raise NothingToDraw("no finished row has a printed number beside it")
    figure = new_figure(PAGE_WIDTH if len(shown) > 1 else 4.2, 3.6)
    panels = figure.subplots(1, len(shown), squeeze=False)[0]
    for axes, (points, told) in zip(panels, shown, strict=True):
        _panel(axes, wanted, points)
        what = "AP" if told == "AP" else "gain in AP over the baseline"
        axes.set_xlabel(f"{what}, printed")
        axes.set_ylabel(f"{what}, ours")
        axes.set_title(f"{len(points)} rows")
    for axes, (points, _) in zip(panels, shown, strict=True):
        if len(points) <= MOST_LABELS:
            label_points(axes, [(p.printed, p.ours) for p in points], [p.name for p in points])
    caption = sentences(
        "Each point is a row of a table; on the line, ours equals the printed number.",
        "Figures are compared where data, schedule and student are the same."
        if figures
        else "No row was run under the printed protocol, so figures are not compared.",
        "Gains are differences to the baseline within each protocol, which may differ: whether "
        "the order holds is what can be read from them."
        if gains
        else "",
        f"Upright lines: {LEVEL} intervals over our seeds."
        if any(p.low is not None for points, _ in shown for p in points)
        else "",
        wanted.runs_told(),
        wanted.missing(),
    )
    told = "; ".join(
        f"{p.name} printed {p.printed:.1f}, ours {p.ours:.1f}" for p in (figures or gains)
    )
    return [Picture(figure, caption, f"Scatter of printed against reproduced numbers. {told}.")]


def _figures(comparisons: list[Comparison]) -> list[Point]:
    return [
        Point(one.title, one.ours, one.printed_value, ours.mean, ours.low, ours.high)
        for one in comparisons
        if one.ours and (ours := one.estimate) and not one.apart and one.printed_value is not None
    ]


def _gains(comparisons: list[Comparison], every: list[Comparison]) -> list[Point]:
    """Ours to our baseline, theirs to what is printed for that one, by the same paper where it
    prints it. `every`: with all that is printed of one baseline. A pair has one for each schedule,
    so a baseline is known by its runs."""
    bases: dict[tuple[str, str], float] = {}
    for one in every:
        if one.ours and one.ours.is_baseline and one.printed_value is not None:
            for run in one.ours.cell.runs:
                bases.setdefault((run, _paper(one)), one.printed_value)
                bases.setdefault((run, ""), one.printed_value)
    points = []
    for one in comparisons:
        runs = one.ours.cell.baseline if one.ours else ()
        keys = [(run, paper) for paper in (_paper(one), "") for run in runs]
        base = next((bases[key] for key in keys if key in bases), None)
        delta = one.ours.deltas.get(HEADLINE) if one.ours else None
        if one.ours is None or base is None or delta is None or one.printed_value is None:
            continue
        gain = round(one.printed_value - base, 6)
        points.append(Point(one.title, one.ours, gain, delta.mean, delta.low, delta.high))
    return points


def _paper(one: Comparison) -> str:
    return one.printed.key.paper if one.printed else ""


def _panel(axes: Axes, wanted: Wanted, points: list[Point]) -> None:
    ends = [v for p in points for v in (p.printed, p.ours, p.low, p.high) if v is not None]
    low, high = min(ends), max(ends)
    margin = max(0.12 * (high - low), 0.3)
    line = np.array([low - margin, high + margin])
    axes.plot(line, line, color=GREY, linewidth=0.8, zorder=1)
    for point in points:
        look = wanted.looks.get(point.cell.cell.row)
        colour, marker = (look.colour, look.marker) if look else (INK, "o")
        if point.low is not None and point.high is not None:
            axes.plot([point.printed] * 2, [point.low, point.high], color=colour, linewidth=0.9)
        axes.plot(point.printed, point.ours, marker=marker, color=colour, linestyle="none")
    axes.set_xlim(*line)
    axes.set_ylim(*line)
    axes.set_aspect("equal", adjustable="box")

"""Ablations: AP along the values of one setting, with the baseline and the method's own value."""

from __future__ import annotations

import textwrap
from typing import Any

import numpy as np
from matplotlib.axes import Axes

from analysis.figures.options import SweepOptions
from analysis.figures.style import GREY, INK, Look, new_figure
from analysis.figures.wanted import NothingToDraw, Picture, Wanted, sentences
from analysis.statistics.estimates import Estimate, estimate
from analysis.statistics.tables import CellStatistics
from analysis.tables.conditions import LEVEL, conditions


def draw(wanted: Wanted) -> list[Picture]:
    options = wanted.options(SweepOptions)
    cells = [cell for cell in wanted.finished() if options.metric in cell.estimates]
    field = options.field or _field(wanted.cells)
    pages: list[Picture] = []
    for group in wanted.groups:
        own = [cell for cell in cells if cell.cell.group == group]
        if any(field in cell.cell.changed for cell in own):
            pages.append(_page(wanted, options, field, group, own, group if pages else ""))
    if not pages:
        raise NothingToDraw(f"no finished row changes {field!r}" if field else "no row sweeps")
    return pages


def _field(cells: list[CellStatistics]) -> str:
    """The setting that most rows change."""
    counts: dict[str, int] = {}
    for cell in cells:
        for field in cell.cell.changed:
            counts[field] = counts.get(field, 0) + 1
    return max(counts, key=lambda field: counts[field], default="")


def _page(
    wanted: Wanted,
    options: SweepOptions,
    field: str,
    group: str,
    cells: list[CellStatistics],
    part: str,
) -> Picture:
    metric = options.metric
    points: list[tuple[Any, CellStatistics]] = [
        (cell.cell.changed[field], cell)
        for cell in cells
        if set(cell.cell.changed) == {field} and cell.cell.methods
    ]
    full = [c for c in cells if not c.cell.changed and c.cell.methods]
    if options.own is not None:
        points += [(options.own, cell) for cell in full]
        full = []
    numbers = all(isinstance(v, int | float) and not isinstance(v, bool) for v, _ in points)
    points.sort(key=lambda point: float(point[0]) if numbers else str(point[0]))
    figure = new_figure(4.6, 3.0)
    axes = figure.subplots()
    row = points[0][1].cell.methods[0] if points else ""
    look = next((look for name, look in wanted.looks.items() if name == row), Look(INK, "o", "-"))
    places = [float(value) if numbers else float(n) for n, (value, _) in enumerate(points)]
    estimates = [cell.estimates[metric] for _, cell in points]
    _line(axes, places, estimates, look, numbers)
    if not numbers:
        axes.set_xticks(places, [str(value) for value, _ in points])
    for cell in full:
        _across(axes, cell.estimates[metric], f"{cell.title} as it is", look.colour)
    base = _baseline(wanted, points[0][1] if points else cells[0], metric)
    if base is not None:
        _across(axes, base, "baseline", GREY)
    axes.set_xlabel(field.replace("_", " "))
    axes.set_ylabel(metric)
    axes.set_title(wanted.pair_title(group))
    axes.margins(x=0.08)
    if axes.get_legend_handles_labels()[1]:
        figure.legend(loc="outside lower center", ncols=3)
    several = any(found.n > 1 for found in estimates)
    caption = sentences(
        f"{metric} for values of {field.replace('_', ' ')}.",
        f"Shades and bars: {LEVEL} intervals over seeds." if several else "",
        wanted.runs_told(),
        conditions(wanted.records, cells),
        wanted.missing(),
    )
    told = ", ".join(
        f"{value}: {found.mean:.1f}" for (value, _), found in zip(points, estimates, strict=True)
    )
    beside = [f"{cell.title} as it is: {cell.estimates[metric].mean:.1f}" for cell in full]
    beside += [f"baseline: {base.mean:.1f}"] if base else []
    alt = f"{metric} by {field.replace('_', ' ')}. {'; '.join((told, *beside))}."
    return Picture(figure, caption, alt, part, wanted.pair_title(group) if part else "")


def _line(
    axes: Axes, places: list[float], estimates: list[Estimate], look: Look, joined: bool
) -> None:
    means = [found.mean for found in estimates]
    axes.plot(
        places, means, color=look.colour, marker=look.marker, linestyle="-" if joined else "none"
    )
    sure = [
        (place, e.low, e.high)
        for place, e in zip(places, estimates, strict=True)
        if e.low is not None and e.high is not None
    ]
    if joined and len(sure) == len(places):
        xs, lows, highs = np.array(sure).T
        axes.fill_between(xs, lows, highs, color=look.colour, alpha=0.18, linewidth=0)
        return
    for place, low, high in sure:
        axes.plot([place, place], [low, high], color=look.colour, linewidth=1.0)


def _across(axes: Axes, found: Estimate, name: str, colour: str) -> None:
    label = "\n".join(textwrap.wrap(name, 28))
    axes.axhline(found.mean, color=colour, linestyle=(0, (4, 2)), linewidth=1.0, label=label)
    if found.low is not None and found.high is not None:
        axes.axhspan(found.low, found.high, color=colour, alpha=0.08, linewidth=0)


def _baseline(wanted: Wanted, cell: CellStatistics, metric: str) -> Estimate | None:
    """Of the runs that the row's difference is taken against, whatever table they stand in."""
    runs = wanted.records.frame
    values = runs.loc[[id for id in cell.cell.baseline if id in runs.index], metric].dropna()
    return estimate(values.astype(float).tolist()) if len(values) else None

"""Ablations: AP along the values of one setting, with the baseline and the method's own value."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib.axes import Axes

from analysis.figures.options import SweepOptions
from analysis.figures.style import GREY, INK, Look, looks, new_figure
from analysis.figures.wanted import NothingToDraw, Picture, Wanted, sentences
from analysis.statistics.estimates import Estimate, estimate
from analysis.statistics.tables import CellStatistics
from analysis.tables.conditions import LEVEL, conditions
from analysis.titles import title_of

Point = tuple[Any, CellStatistics]
"""A value of the setting, and the row that has it."""
WIDTH, HEIGHT = 4.6, 3.0
FURTHER_LINE = 0.15
"""Inches of the legend for every line beyond the first."""


@dataclass(frozen=True)
class Line:
    """The rows of the same methods: one line would say that what lies between is a method too."""

    methods: tuple[str, ...]
    title: str
    look: Look
    points: list[Point]


def draw(wanted: Wanted) -> list[Picture]:
    options = wanted.options(SweepOptions)
    cells = [cell for cell in wanted.finished() if options.metric in cell.estimates]
    field = options.field or _field(wanted.cells)
    pages: list[Picture] = []
    for group in wanted.groups:
        own = [cell for cell in cells if cell.cell.group == group]
        if any(_sweeps(cell, field) for cell in own):
            pages.append(_page(wanted, options, field, group, own, group if pages else ""))
    if not pages:
        raise NothingToDraw(_reason(cells, field))
    return pages


def _sweeps(cell: CellStatistics, field: str) -> bool:
    """A row that changes something else as well says nothing of the field."""
    return set(cell.cell.changed) == {field} and bool(cell.cell.methods)


def _field(cells: list[CellStatistics]) -> str:
    """The setting that most rows change alone; where no row does, that most rows change."""
    alone = [cell for cell in cells if len(cell.cell.changed) == 1]
    counts: dict[str, int] = {}
    for cell in alone or cells:
        for field in cell.cell.changed:
            counts[field] = counts.get(field, 0) + 1
    return max(counts, key=lambda field: counts[field], default="")


def _reason(cells: list[CellStatistics], field: str) -> str:
    mixed = next((cell for cell in cells if field in cell.cell.changed), None)
    if mixed is None:
        return f"no finished row changes {field!r}" if field else "no row sweeps"
    others = " and ".join(repr(name) for name in mixed.cell.changed if name != field)
    return (
        f"no finished row changes {field!r} alone ({mixed.title} changes {others} too), and only "
        "rows that change nothing else can be its sweep"
    )


def _page(
    wanted: Wanted,
    options: SweepOptions,
    field: str,
    group: str,
    cells: list[CellStatistics],
    part: str,
) -> Picture:
    metric = options.metric
    lines, full = _lines(wanted, options, field, cells)
    values = [value for line in lines for value, _ in line.points]
    numbers = all(isinstance(v, int | float) and not isinstance(v, bool) for v in values)
    for line in lines:
        line.points.sort(key=lambda point: float(point[0]) if numbers else str(point[0]))
    names = sorted({str(value) for value in values})
    figure = new_figure(WIDTH, HEIGHT + FURTHER_LINE * (len(lines) - 1))
    axes = figure.subplots()
    for line in lines:
        places = [float(v) if numbers else float(names.index(str(v))) for v, _ in line.points]
        _line(axes, places, line, metric, numbers, line.title if len(lines) > 1 else None)
    if not numbers:
        axes.set_xticks(range(len(names)), names)
    colours = {line.methods: line.look.colour for line in lines}
    for cell in full:
        colour = colours.get(cell.cell.methods, wanted.looks[cell.cell.row].colour)
        _across(axes, cell.estimates[metric], f"{cell.title} as it is", colour)
    base = _baseline(wanted, lines[0].points[0][1], metric)
    if base is not None:
        _across(axes, base, "baseline", GREY)
    axes.set_xlabel(field.replace("_", " "))
    axes.set_ylabel(metric)
    axes.set_title(wanted.pair_title(group))
    axes.margins(x=0.08)
    if axes.get_legend_handles_labels()[1]:
        figure.legend(loc="outside lower center", ncols=3)
    several = any(cell.estimates[metric].n > 1 for line in lines for _, cell in line.points)
    caption = sentences(
        f"{metric} for values of {field.replace('_', ' ')}"
        + (", a line for each method." if len(lines) > 1 else "."),
        f"Shades and bars: {LEVEL} intervals over seeds." if several else "",
        wanted.runs_told(),
        conditions(wanted.records, cells),
        wanted.missing(),
    )
    told = [
        (f"{line.title} " if len(lines) > 1 else "")
        + ", ".join(f"{value}: {cell.estimates[metric].mean:.1f}" for value, cell in line.points)
        for line in lines
    ]
    told += [f"{cell.title} as it is: {cell.estimates[metric].mean:.1f}" for cell in full]
    told += [f"baseline: {base.mean:.1f}"] if base else []
    alt = f"{metric} by {field.replace('_', ' ')}. {'; '.join(told)}."
    return Picture(figure, caption, alt, part, wanted.pair_title(group) if part else "")


def _lines(
    wanted: Wanted, options: SweepOptions, field: str, cells: list[CellStatistics]
) -> tuple[list[Line], list[CellStatistics]]:
    """The lines, and the rows as they are that have no place on one."""
    points: dict[tuple[str, ...], list[Point]] = {}
    for cell in cells:
        if _sweeps(cell, field):
            points.setdefault(cell.cell.methods, []).append((cell.cell.changed[field], cell))
    beside = []
    for cell in cells:
        if cell.cell.methods and not cell.cell.changed:
            # A method that no row sweeps may not even have the setting.
            if options.own is not None and cell.cell.methods in points:
                points[cell.cell.methods].append((options.own, cell))
            else:
                beside.append(cell)
    titles = {key: method.title for key, method in wanted.plan.methods.items()}
    found = _looks(wanted, points)
    lines = [
        Line(methods, title_of("+".join(methods), methods, titles), found[methods], own)
        for methods, own in points.items()
    ]
    return lines, beside


def _looks(wanted: Wanted, every: Iterable[tuple[str, ...]]) -> dict[tuple[str, ...], Look]:
    """By methods. Of several, each has a colour even where no row bears the method's name."""
    keys = list(every)
    if len(keys) == 1:
        return {keys[0]: wanted.looks.get(keys[0][0], Look(INK, "o", "-"))}
    names = {methods: "+".join(methods) for methods in keys}
    found = looks([(name, methods) for methods, name in names.items()])
    return {methods: found[name] for methods, name in names.items()}


def _line(
    axes: Axes, places: list[float], line: Line, metric: str, joined: bool, label: str | None
) -> None:
    estimates = [cell.estimates[metric] for _, cell in line.points]
    look = line.look
    axes.plot(
        places,
        [found.mean for found in estimates],
        color=look.colour,
        marker=look.marker,
        linestyle="-" if joined else "none",
        label=label,
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

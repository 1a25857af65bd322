"""Cost against gain, with the rows that no other row beats in both."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from matplotlib.axes import Axes

from analysis.costs import Clock, Costs, clock, costs_of, devices, elsewhere, unrest, unsteady
from analysis.figures.labels import label_points
from analysis.figures.options import Options
from analysis.figures.style import FAINT, GREY, INK, PAGE_WIDTH, new_figure
from analysis.figures.wanted import NothingToDraw, Picture, Wanted, sentences
from analysis.metrics import HEADLINE
from analysis.statistics.tables import CellStatistics
from analysis.tables.conditions import LEVEL, conditions
from analysis.tables.numbers import signed

COLUMNS = 2


@dataclass(frozen=True)
class Point:
    cell: CellStatistics
    cost: float
    """In the unit of the figure's clock."""
    gain: float


def draw(wanted: Wanted) -> list[Picture]:
    wanted.options(Options)
    found = costs_of(wanted.records, wanted.finished())
    unit = clock(found.values())
    restless = unrest(wanted.records, found, wanted.finished())
    points = {
        group: own
        for group in wanted.groups
        if len(own := _points(wanted.of_group(group), found, unit)) > 1
    }
    if not points:
        raise NothingToDraw("no pair has two finished rows with a measured time and a baseline")
    columns = min(COLUMNS, len(points))
    lines = math.ceil(len(points) / columns)
    width = PAGE_WIDTH if columns > 1 else 5.2
    figure = new_figure(width, 0.3 + (3.3 if columns == 1 else 2.9) * lines)
    panels = figure.subplots(lines, columns, squeeze=False).ravel()
    for axes, (group, own) in zip(panels, points.items(), strict=False):
        _panel(axes, wanted, own)
        axes.set_title(wanted.pair_title(group))
        time = unit.of_pair([found[id(p.cell)] for p in own])
        # A picture travels without its caption.
        doubt = (
            f"\n(no quiet machine: one row's seeds differ by {restless:.1f} times)"
            if restless
            else ""
        )
        axes.set_xlabel(f"{_told(time)} of one training{doubt}")
        axes.set_ylabel(f"Δ{HEADLINE} to the baseline (points)")
    for axes in panels[len(points) :]:
        axes.remove()
    for axes, own in zip(panels, points.values(), strict=False):
        label_points(axes, [(p.cost, p.gain) for p in own], [p.cell.title for p in own])
    caption = sentences(
        f"Mean gain in {HEADLINE} over the baseline against the mean time of one training of the "
        "student alone (its teacher is trained once for all rows).",
        "The line joins the rows that are the best for their cost: no other row is both cheaper "
        "and better.",
        f"Upright lines: {LEVEL} intervals over seeds." if _several(points.values()) else "",
        wanted.runs_told(),
        f"Measured on {', '.join(devices(found.values()))}." if devices(found.values()) else "",
        elsewhere(found, wanted.finished()),
        unsteady(restless),
        conditions(wanted.records, wanted.cells),
        wanted.missing(),
    )
    return [Picture(figure, caption, _alt(wanted, points, unit))]


def _told(unit: Clock) -> str:
    return unit.name if unit.gpu else f"{unit.name} (wall time)" if unit.gpu is False else unit.what


def _points(cells: list[CellStatistics], found: dict[int, Costs], unit: Clock) -> list[Point]:
    points = []
    for cell in cells:
        cost = unit.tell(found[id(cell)].hours) if cell.n else None
        delta = cell.deltas.get(HEADLINE)
        gain = 0.0 if cell.is_baseline else delta.mean if delta else None
        if cost is not None and gain is not None:
            points.append(Point(cell, cost, gain))
    return points if any(p.cell.is_baseline for p in points) else []


def pareto_front(points: Sequence[tuple[float, float]]) -> list[int]:
    """Places of the points that no other one beats in cost (less) and gain (more), by cost."""
    order = sorted(range(len(points)), key=lambda place: (points[place][0], -points[place][1]))
    front: list[int] = []
    for place in order:
        if not front or points[place][1] > points[front[-1]][1]:
            front.append(place)
    return front


def _panel(axes: Axes, wanted: Wanted, points: list[Point]) -> None:
    axes.axhline(0, color=GREY, linewidth=0.8, zorder=0)
    front = [points[place] for place in pareto_front([(p.cost, p.gain) for p in points])]
    spent, gains = [p.cost for p in front], [p.gain for p in front]
    axes.step(spent, gains, where="post", color=FAINT, linewidth=2.5, zorder=1)
    for point in points:
        look = wanted.looks[point.cell.cell.row]
        delta = point.cell.deltas.get(HEADLINE)
        if delta is not None and delta.low is not None and delta.high is not None:
            ends = [delta.low, delta.high]
            axes.plot([point.cost] * 2, ends, color=look.colour, linewidth=0.9, zorder=2)
        axes.plot(
            point.cost,
            point.gain,
            marker=look.marker,
            color=look.colour,
            markeredgecolor=INK if point in front else look.colour,
            markeredgewidth=0.9,
            markersize=6,
            zorder=3,
        )
    axes.margins(0.16)


def _several(points: object) -> bool:
    return any(p.cell.n > 1 for own in points for p in own)  # type: ignore[attr-defined]


def _alt(wanted: Wanted, points: dict[str, list[Point]], unit: Clock) -> str:
    told = []
    for group, own in points.items():
        front = [own[place] for place in pareto_front([(p.cost, p.gain) for p in own])]
        best = ", ".join(
            f"{p.cell.title} ({p.cost:.2f} {unit.name}, {signed(p.gain, 2)})" for p in front
        )
        told.append(f"{wanted.pair_title(group)}: on the front {best}")
    return f"Scatter of gain against {_told(unit)}. " + "; ".join(told) + "."

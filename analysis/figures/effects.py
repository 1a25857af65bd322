"""Forest plot: every row's paired difference to the baseline, per pair, with its interval."""

from __future__ import annotations

import textwrap

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from analysis.figures.style import FAINT, GREY, HELPS, HURTS, INK, PAGE_WIDTH, new_figure
from analysis.figures.wanted import NothingToDraw, Options, Picture, Wanted, sentences
from analysis.statistics.paired import Delta
from analysis.statistics.tables import HEADLINE, CellStatistics
from analysis.tables.conditions import LEVEL, conditions
from analysis.tables.numbers import interval, signed

ROW_HEIGHT, FRAME_HEIGHT = 0.23, 1.15
TITLE_WIDTH = {1: 80, 2: 40, 3: 26}
"""Letters of a line over a panel, by the number of panels."""
MOST_PAIRS = 3
"""Side by side on one page."""


class EffectsOptions(Options):
    metric: str = HEADLINE


def draw(wanted: Wanted) -> list[Picture]:
    metric = wanted.options(EffectsOptions).metric
    cells = [cell for cell in wanted.finished() if metric in cell.deltas]
    if not cells:
        raise NothingToDraw(f"no row shares a seed with a finished baseline ({metric})")
    groups = [group for group in wanted.groups if any(c.cell.group == group for c in cells)]
    pages = [groups[i : i + MOST_PAIRS] for i in range(0, len(groups), MOST_PAIRS)]
    return [
        _page(wanted, metric, cells, page, "" if number == 0 else str(number + 1))
        for number, page in enumerate(pages)
    ]


def _page(
    wanted: Wanted, metric: str, cells: list[CellStatistics], groups: list[str], part: str
) -> Picture:
    here = [cell for cell in cells if cell.cell.group in groups]
    order = _order(here, metric)
    titles = {cell.cell.row: cell.title for cell in here}
    figure = new_figure(PAGE_WIDTH, FRAME_HEIGHT + ROW_HEIGHT * len(order))
    panels = figure.subplots(1, len(groups), sharey=True, sharex=True, squeeze=False)[0]
    for axes, group in zip(panels, groups, strict=True):
        own = {cell.cell.row: cell for cell in here if cell.cell.group == group}
        for place, row in enumerate(order):
            if row in own:
                _row(axes, own[row], metric, place)
        axes.axvline(0, color=GREY, linewidth=0.8, zorder=0)
        axes.set_title("\n".join(textwrap.wrap(wanted.pair_title(group), TITLE_WIDTH[len(groups)])))
        axes.set_yticks(range(len(order)), [titles[row] for row in order])
        axes.set_ylim(len(order) - 0.4, -0.6)
        axes.grid(axis="y", visible=False)
        axes.set_xlabel(f"Δ{metric} to the baseline (points)")
    _room_for_text(panels, here, metric)
    for axes, group in zip(panels, groups, strict=True):
        own = {cell.cell.row: cell for cell in here if cell.cell.group == group}
        for place, row in enumerate(order):
            if row in own:
                _tell(axes, own[row], metric, place, short=len(groups) > 2)
    _key(figure, here)
    caption = sentences(
        f"Difference in {metric} to the undistilled student of the same pair and seed, sorted by "
        "its mean.",
        f"Lines are {LEVEL} intervals over seeds, filled markers differ from 0 after Holm's "
        "correction over the rows of the pair."
        if any(cell.deltas[metric].n > 1 for cell in here)
        else "",
        _about_one_seed(here),
        wanted.runs_told(),
        conditions(wanted.records, here),
        wanted.missing(),
    )
    told = (
        f"{wanted.pair_title(group)}: "
        + ", ".join(
            f"{cell.title} {_in_words(cell.deltas[metric])}"
            for row in order
            for cell in here
            if cell.cell.row == row and cell.cell.group == group
        )
        for group in groups
    )
    alt = f"Forest plot of differences in {metric} to the baseline. {'; '.join(told)}."
    return Picture(figure, caption, alt, part)


def _in_words(delta: Delta) -> str:
    return interval(delta.mean, delta.low, delta.high)


def _order(cells: list[CellStatistics], metric: str) -> list[str]:
    """By the mean over the pairs, the most helpful first."""
    means: dict[str, list[float]] = {}
    for cell in cells:
        means.setdefault(cell.cell.row, []).append(cell.deltas[metric].mean)
    return sorted(means, key=lambda row: (-float(np.mean(means[row])), row))


def _row(axes: Axes, cell: CellStatistics, metric: str, place: int) -> None:
    delta = cell.deltas[metric]
    colour = HELPS if delta.mean > 0 else HURTS
    if delta.low is not None and delta.high is not None:
        axes.plot([delta.low, delta.high], [place, place], color=colour, solid_capstyle="butt")
    elif cell.image_delta is not None and metric == HEADLINE:
        ends = [cell.image_delta.low, cell.image_delta.high]
        axes.plot(ends, [place, place], color=GREY, linestyle=(0, (1, 1.5)), linewidth=1.0)
    axes.plot(
        delta.mean,
        place,
        marker="o",
        color=colour,
        markerfacecolor=colour if delta.resolved else "white",
        markeredgewidth=1.1,
        zorder=3,
    )


def _room_for_text(panels: list[Axes], cells: list[CellStatistics], metric: str) -> None:
    """Figures stand to the right of everything that is drawn."""
    low, high = panels[0].get_xlim()
    bare = all(cell.deltas[metric].low is None for cell in cells)
    share = 0.2 if bare else 0.42
    share *= (1.0, 1.8, 1.3)[len(panels) - 1]
    for axes in panels:
        axes.set_xlim(low, high + share * (high - low))


def _tell(axes: Axes, cell: CellStatistics, metric: str, place: int, short: bool) -> None:
    delta = cell.deltas[metric]
    text = signed(delta.mean, 2) if short else _in_words(delta)
    text += f"  n={delta.n}" if delta.n == 1 or not short else ""
    axes.text(
        0.99,
        place,
        text,
        transform=axes.get_yaxis_transform(),
        ha="right",
        va="center",
        fontsize=6.5,
        color=INK,
    )


def _key(figure: Figure, cells: list[CellStatistics]) -> None:
    several = any(cell.n > 1 for cell in cells)
    by_image = any(cell.image_delta is not None for cell in cells)
    marks = []
    if several:
        marks.append(
            Line2D([], [], marker="o", color=GREY, linestyle="none", label="differs from 0")
        )
    marks.append(
        Line2D(
            *([], []),
            marker="o",
            color=GREY,
            markerfacecolor="white",
            linestyle="none",
            label="not resolved",
        )
    )
    if by_image:
        line = Line2D([], [], color=GREY, linestyle=(0, (1, 1.5)), label="over images alone")
        marks.append(line)
    marks.append(Line2D([], [], color=FAINT, linestyle="none", label="blue: better, orange: worse"))
    figure.legend(handles=marks, loc="outside lower center", ncols=len(marks), handlelength=1.6)


def _about_one_seed(cells: list[CellStatistics]) -> str:
    if not any(cell.image_delta is not None for cell in cells):
        return ""
    return (
        f"Dotted: {LEVEL} intervals over the choice of images for rows with one seed, which "
        "say nothing about training again."
    )

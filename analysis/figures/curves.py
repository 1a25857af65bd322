"""The trainings: AP and losses over iterations, with bands over seeds where there are several."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Callable

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from analysis.figures.options import CurvesOptions
from analysis.figures.style import PAGE_WIDTH, Look, new_figure, plain_powers
from analysis.figures.wanted import NothingToDraw, Picture, Wanted, sentences
from analysis.history import DISTILL, Course, Histories, read_histories
from analysis.statistics.tables import CellStatistics
from analysis.tables.conditions import LEVEL

COLUMNS, PANEL_HEIGHT, LEGEND_WIDTH = 3, 1.65, 1.5
MOST_BANDS = 6
"""Rows of a panel above which bands would only cover one another."""
STEEP = 30.0
"""Losses that fall by more than this factor are drawn on a logarithmic scale."""


Measure = Callable[[Histories], Course | None]
AP_TOLD, LOSS_TOLD = "AP on the way", "loss of the detector"
MEASURES: dict[str, Measure] = {
    AP_TOLD: lambda own: own.ap(),
    LOSS_TOLD: lambda own: own.course(*own.detector_terms),
}


LOSS_OF = "Loss: the sum of the detector's own terms (without distillation), as logged."
MEANS_OF = (
    f"Means over seeds, with {LEVEL} bands where a row has several and no more than {MOST_BANDS} "
    "rows share a panel."
)


def draw(wanted: Wanted) -> list[Picture]:
    options = wanted.options(CurvesOptions)
    histories = {
        id(cell): read_histories(wanted.records.frame.loc[list(cell.runs), "folder"].tolist())
        for cell in wanted.finished()
    }
    told = [cell for cell in wanted.cells if cell.n and histories[id(cell)].frames]
    if not told:
        raise NothingToDraw("no finished run has a history.csv")
    groups = list(dict.fromkeys(cell.cell.group for cell in told))
    pages = [_overview(wanted, told, histories, groups)]
    for group in groups:
        own = [cell for cell in told if cell.cell.group == group]
        if len(own) > MOST_BANDS:
            pages += [
                _rows(wanted, own, histories, group, measure)
                for measure in _measured(own, histories)
            ]
        if options.terms:
            pages += [_terms(wanted, own, histories, group)]
    return pages


def _measured(cells: list[CellStatistics], histories: dict[int, Histories]) -> list[str]:
    """AP only where a training kept snapshots."""
    return [
        told
        for told, course in MEASURES.items()
        if any(course(histories[id(cell)]) for cell in cells)
    ]


def _overview(
    wanted: Wanted, cells: list[CellStatistics], histories: dict[int, Histories], groups: list[str]
) -> Picture:
    wide = _measured(cells, histories)
    figure = new_figure(PAGE_WIDTH, 0.4 + 2.1 * len(groups))
    panels = figure.subplots(len(groups), len(wide), squeeze=False)
    for line, group in zip(panels, groups, strict=True):
        for axes, label in zip(line, wide, strict=True):
            for cell in cells:
                if cell.cell.group == group:
                    course = MEASURES[label](histories[id(cell)])
                    _line(axes, course, wanted.looks[cell.cell.row], _banded(wanted, group))
            axes.set_title(wanted.pair_title(group))
            axes.set_ylabel(label)
            axes.set_xlabel("iteration")
            if label == LOSS_TOLD:
                _scale(axes)
    _legend(figure, wanted, cells)
    ends = (
        f"{cell.title} ({wanted.pair_title(cell.cell.group)}) ends at {course.mean[-1]:.2f}"
        for cell in cells
        if (course := histories[id(cell)].course(*histories[id(cell)].detector_terms))
    )
    caption = sentences(
        _ap_of(cells, histories), LOSS_OF, MEANS_OF, wanted.runs_told(), wanted.missing()
    )
    alt = "Training curves. Loss of the detector: " + "; ".join(ends) + "."
    shown = [cell for cell in cells if histories[id(cell)].curves]
    if shown:
        alt += f" {AP_TOLD}: " + "; ".join(_risen(wanted, cell, histories) for cell in shown) + "."
    return Picture(figure, caption, alt, title=" and ".join(wide) + ", all rows")


def _risen(wanted: Wanted, cell: CellStatistics, histories: dict[int, Histories]) -> str:
    """`MGD (RetinaNet) 3.1, 20.4, 28.9`, in the order of the training."""
    course = histories[id(cell)].ap()
    values = ", ".join(f"{value:.1f}" for value in course.mean) if course else "unknown"
    return f"{cell.title} ({wanted.pair_title(cell.cell.group)}) {values}"


def _banded(wanted: Wanted, group: str) -> bool:
    return len(wanted.of_group(group)) <= MOST_BANDS


def _rows(
    wanted: Wanted,
    cells: list[CellStatistics],
    histories: dict[int, Histories],
    group: str,
    measure: str,
) -> Picture:
    """A panel a row, with its band, the baseline's course behind it."""
    base = next((cell for cell in cells if cell.is_baseline), None)
    shown = [cell for cell in cells if cell is not base]
    columns = 4
    lines = math.ceil(len(shown) / columns)
    figure = new_figure(PAGE_WIDTH, 0.4 + 1.5 * lines)
    panels = figure.subplots(lines, columns, sharex=True, sharey=True, squeeze=False).ravel()
    for axes, cell in zip(panels, shown, strict=False):
        for one in (base, cell):
            if one is not None:
                course = MEASURES[measure](histories[id(one)])
                _line(axes, course, wanted.looks[one.cell.row], True)
        axes.set_title(cell.title)
    if measure == LOSS_TOLD:
        _scale(panels[0])
    for axes in panels[max(0, len(shown) - columns) : len(shown)]:
        axes.tick_params(labelbottom=True)  # the panels below them are not there
    for axes in panels[len(shown) :]:
        axes.remove()
    figure.supxlabel("iteration", fontsize=8)
    figure.supylabel(measure, fontsize=8)
    title = wanted.pair_title(group)
    caption = sentences(
        f"Each row of {title}, with the baseline in black; {LEVEL} bands over seeds where a row "
        "has several.",
        _ap_of(cells, histories) if measure == AP_TOLD else LOSS_OF,
        wanted.runs_told(),
    )
    alt = f"A panel for each of {', '.join(cell.title for cell in shown)}, beside the baseline."
    part = f"{group}-{'ap' if measure == AP_TOLD else 'rows'}"
    return Picture(figure, caption, alt, part, f"{measure}, row by row, {title}")


def _ap_of(cells: list[CellStatistics], histories: dict[int, Histories]) -> str:
    """What AP on the way is: not what tables report, and often of fewer seeds."""
    drawn = [(own, course.n) for cell in cells if (course := (own := histories[id(cell)]).ap())]
    if not drawn:
        return "AP was not measured on the way: `attend: {images: 12, snapshots: 6}` asks for it."
    sets = sorted({told for own, _ in drawn for told in own.measured_on})
    counts = sorted({n for _, n in drawn})
    span = " to ".join(map(str, dict.fromkeys((counts[0], counts[-1]))))
    seeds = "one seed a row" if counts == [1] else f"{span} seeds a row"
    return f"AP on the way: on the {' and '.join(sets)}, at the snapshots of {seeds}."


def _terms(
    wanted: Wanted, cells: list[CellStatistics], histories: dict[int, Histories], group: str
) -> Picture:
    """The detector's terms for all rows; each distillation term in a panel of its own."""
    own = cells
    names = dict.fromkeys(name for cell in own for name in histories[id(cell)].terms)
    order = sorted(names, key=lambda name: name.startswith(DISTILL))
    columns = min(COLUMNS, len(order))
    lines = math.ceil(len(order) / columns)
    figure = new_figure(PAGE_WIDTH, 0.4 + PANEL_HEIGHT * lines)
    panels = figure.subplots(lines, columns, squeeze=False).ravel()
    for axes, name in zip(panels, order, strict=False):
        for cell in own:
            course = histories[id(cell)].course(name)
            _line(axes, course, wanted.looks[cell.cell.row], len(own) <= MOST_BANDS)
        axes.set_title("\n".join(textwrap.wrap(name, 30)), fontsize=7.5)
        _scale(axes)
    for axes in panels[len(order) :]:
        axes.remove()
    figure.supxlabel("iteration", fontsize=8)
    _legend(figure, wanted, own)
    title = wanted.pair_title(group)
    caption = sentences(
        f"Every loss term of {title}: the detector's own first, then each method's "
        f"(`{DISTILL}<method>.<term>`, weighted as it enters the sum).",
        wanted.runs_told(),
    )
    return Picture(
        figure,
        caption,
        f"Every loss term over the training of {title}: {', '.join(order)}.",
        group,
        f"every loss term, {title}",
        True,
    )


def _line(axes: Axes, course: Course | None, look: Look, banded: bool) -> None:
    if course is None:
        return
    lone = len(course.iterations) == 1
    axes.plot(
        course.iterations,
        course.mean,
        color=look.colour,
        linestyle=look.dash,
        marker=look.marker if lone or len(course.iterations) < 12 else None,
        markersize=3,
        linewidth=1.1,
    )
    if banded and course.low is not None and course.high is not None:
        axes.fill_between(
            course.iterations, course.low, course.high, color=look.colour, alpha=0.15, linewidth=0
        )


def _scale(axes: Axes) -> None:
    values = [np.asarray(line.get_ydata(), np.float64) for line in axes.get_lines()]
    every = np.concatenate(values) if values else np.zeros(0)
    if len(every) and every.min() > 0 and every.max() / every.min() > STEEP:
        axes.set_yscale("log")
        plain_powers(axes.yaxis)


def _legend(figure: Figure, wanted: Wanted, cells: list[CellStatistics]) -> None:
    titles = {cell.cell.row: cell.title for cell in cells}
    handles = [
        Line2D(
            *([], []),
            color=look.colour,
            linestyle=look.dash,
            label=titles[row],
        )
        for row, look in wanted.looks.items()
        if row in titles
    ]
    figure.legend(handles=handles, loc="outside right upper", handlelength=2.6)

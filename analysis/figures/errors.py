"""Which mistakes does each method mend? TIDE's kinds, as differences to the baseline."""

from __future__ import annotations

import textwrap
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from analysis.errors import AnalysisError
from analysis.figures.compared import schedules
from analysis.figures.options import Options
from analysis.figures.style import FAINT, GREY, PAGE_WIDTH, new_figure
from analysis.figures.wanted import NothingToDraw, Picture, Wanted, sentences
from analysis.files import read_json, write_json
from analysis.statistics.images import detections_of
from analysis.statistics.paired import Delta, holm, paired_delta
from analysis.statistics.tables import CellStatistics
from analysis.tables.conditions import conditions
from analysis.tables.numbers import signed
from analysis.tide import KINDS, Errors, error_types

COLOURS = "PuOr"
"""Orange where more is lost, purple where less: told apart with every kind of colour vision."""
SMALLEST_SPAN = 0.5
ROW_HEIGHT = 0.24


@dataclass(frozen=True)
class Line:
    """One row of a pair: error kind -> seed -> AP50 lost, and the differences to the baseline."""

    cell: CellStatistics
    costs: dict[str, dict[int, float]]
    deltas: dict[str, Delta]
    schedule: str = ""
    """Where the pair has a row of this name under several."""

    @property
    def title(self) -> str:
        return ", ".join(filter(None, (self.cell.title, self.schedule)))


def draw(wanted: Wanted) -> list[Picture]:
    wanted.options(Options)
    cells = wanted.finished()
    pages: list[Picture] = []
    for group in wanted.groups:
        lines = _lines(wanted, [cell for cell in cells if cell.cell.group == group])
        if any(line.deltas for line in lines):
            pages.append(_page(wanted, group, lines, group if pages else ""))
    if not pages:
        told = "; ".join(sorted(set(wanted.images.problems.values()))[:2])
        raise NothingToDraw(
            told or "no finished row shares a seed with a finished baseline whose boxes are kept"
        )
    return pages


def _lines(wanted: Wanted, cells: list[CellStatistics]) -> list[Line]:
    found = []
    measured = {id(cell): _costs(wanted, cell) for cell in cells}
    for cell, schedule in zip(cells, schedules(wanted, cells), strict=True):
        runs = set(cell.cell.baseline)  # a pair has a baseline for each schedule
        bases = (other for other in cells if other.is_baseline and runs & set(other.cell.runs))
        base = measured[id(rival)] if (rival := next(bases, None)) else {}
        own = measured[id(cell)]
        deltas = {
            kind: delta
            for kind in KINDS
            if not cell.is_baseline
            and (delta := paired_delta(own.get(kind, {}), base.get(kind, {})))
        }
        if own:
            found.append(Line(cell, own, deltas, schedule))
    return _corrected(found)


def _corrected(lines: list[Line]) -> list[Line]:
    """Holm over all differences that one picture shows."""
    every = [(number, kind) for number, line in enumerate(lines) for kind in line.deltas]
    p_values = holm([lines[number].deltas[kind].p for number, kind in every])
    for (number, kind), p in zip(every, p_values, strict=True):
        lines[number].deltas[kind] = replace(lines[number].deltas[kind], p_holm=p)
    return lines


def _costs(wanted: Wanted, cell: CellStatistics) -> dict[str, dict[int, float]]:
    found: dict[str, dict[int, float]] = {}
    for _, run in wanted.records.frame.loc[list(cell.runs)].iterrows():
        errors = errors_of(wanted, run)
        for kind, lost in errors.costs.items() if errors else ():
            found.setdefault(kind, {})[int(run["seed"])] = lost
    return found


def errors_of(wanted: Wanted, run: pd.Series[Any]) -> Errors | None:
    """From the detections; where those were not kept, as they were told by them before."""
    measured = wanted.images.measured(run, "errors.json")
    try:
        annotations = wanted.images.annotations(str(run["annotations_sha256"]))
        found = error_types(annotations, detections_of(run, annotations))
    except AnalysisError as problem:
        if measured.is_file():
            return Errors(**read_json(measured))
        wanted.images.problems[str(run["id"])] = str(problem)
        return None
    write_json(measured, asdict(found))
    return found


def _page(wanted: Wanted, group: str, lines: list[Line], part: str) -> Picture:
    import seaborn  # no other kind of figure needs it, and none should wait for it

    bases = [line for line in lines if line.cell.is_baseline]
    shown = [line for line in lines if line.deltas]
    figure = new_figure(PAGE_WIDTH, 1.35 + ROW_HEIGHT * len(shown) + 0.5)
    heights = [1.1, max(1.0, ROW_HEIGHT * len(shown) * 1.6)]
    upper, lower = figure.subplots(2, 1, height_ratios=heights)
    _bars(upper, bases)
    names = [line.title for line in shown]
    values = np.array([[line.deltas[kind].mean for kind in KINDS] for line in shown])  # (R, 6)
    table = pd.DataFrame(values, index=names, columns=_titles())
    span = max(SMALLEST_SPAN, float(np.abs(values).max()))
    seaborn.heatmap(
        table,
        ax=lower,
        cmap=f"{COLOURS}_r",
        vmin=-span,
        vmax=span,
        annot=np.vectorize(lambda value: signed(value, 2))(values),
        fmt="",
        annot_kws={"fontsize": 7},
        linewidths=0.8,
        cbar_kws={"label": "difference in\nAP50 lost", "shrink": 0.9, "pad": 0.015},
    )
    for number, line in enumerate(shown):
        for column, kind in enumerate(KINDS):
            if line.deltas[kind].resolved:
                lower.texts[number * len(KINDS) + column].set_fontweight("bold")
    lower.set_ylabel("")
    lower.tick_params(length=0, rotation=0)
    figure.suptitle(wanted.pair_title(group), fontsize=8.5)
    several = any(delta.n > 1 for line in shown for delta in line.deltas.values())
    caption = sentences(
        "Kinds of mistakes by TIDE, at an overlap of 0.5. Above: AP50 that the baseline loses to "
        "each. Below: how much more or less each row loses than the baseline of the same seed; "
        "purple and negative: mended, orange and positive: more of them.",
        "Bold: differs from 0 after Holm's correction over the whole picture." if several else "",
        wanted.runs_told(),
        conditions(wanted.records, [line.cell for line in lines]),
        wanted.missing(),
    )
    lost = "; ".join(
        f"{line.title}: "
        + ", ".join(f"{name} {_mean(line, kind):.1f}" for kind, name in KINDS.items())
        for line in bases
    )
    told = "; ".join(
        f"{line.title}: "
        + ", ".join(f"{name} {signed(line.deltas[kind].mean, 2)}" for kind, name in KINDS.items())
        for line in shown
    )
    title = wanted.pair_title(group) if part else ""
    return Picture(
        figure,
        caption,
        f"AP50 lost to each kind. {lost}. Less the baseline's. {told}.",
        part,
        title,
    )


def _mean(line: Line, kind: str) -> float:
    return float(np.mean(list(line.costs[kind].values())))


def _titles() -> list[str]:
    return ["\n".join(textwrap.wrap(name, 12)) for name in KINDS.values()]


def _bars(axes: Axes, bases: list[Line]) -> None:
    """One bar a kind, or one for each schedule's baseline, the first the darkest."""
    names = list(KINDS.values())
    width, highest = 0.55 if len(bases) < 2 else 0.8 / len(bases), 0.0
    for number, base in enumerate(bases):
        means = [_mean(base, kind) for kind in KINDS]
        places = np.arange(len(names)) + (number - (len(bases) - 1) / 2) * width
        shade = (GREY, FAINT)[number % 2]
        bars = axes.bar(places, means, color=shade, width=width, label=base.title)
        axes.bar_label(bars, labels=[f"{mean:.1f}" for mean in means], fontsize=7, padding=1)
        highest = max(highest, *means)
    if len(bases) > 1:
        axes.legend(loc="lower right", bbox_to_anchor=(1, 1), ncols=len(bases), borderaxespad=0)
    axes.set_ylabel("AP50 lost,\nbaseline")
    axes.grid(axis="x", visible=False)
    axes.set_ylim(0, max(1.0, 1.3 * highest))  # room for the numbers on the bars
    axes.set_xlim(-0.5, len(names) - 0.5)
    axes.tick_params(axis="x", labelsize=6.5)
    axes.set_xticks(range(len(names)), _titles())

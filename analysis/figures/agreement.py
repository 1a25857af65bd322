"""Does the student come to look where its teacher looks? Per level, in and outside of boxes."""

from __future__ import annotations

import textwrap

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from analysis.figures.courses import Courses, courses
from analysis.figures.options import Options
from analysis.figures.style import PAGE_WIDTH, Look, new_figure
from analysis.figures.wanted import NothingToDraw, Picture, Wanted, sentences
from analysis.statistics.estimates import t_quantile
from analysis.tables.conditions import LEVEL

REGIONS = {"all": "whole image", "inside": "inside boxes", "outside": "outside boxes"}
MEASURES = {"correlation": "correlation with the teacher", "kl": "KL divergence from the teacher"}
MOST_LINES = 6
"""Rows above which panels of all rows are followed by a page with panels of each."""
ROW_HEIGHT, TITLE_WIDTH = 0.8, 14


def draw(wanted: Wanted) -> list[Picture]:
    wanted.options(Options)
    pages: list[Picture] = []
    further: list[Picture] = []
    wanted.finished()
    for group in wanted.groups:
        found = courses(wanted, group)
        if not found:
            continue
        for measure in MEASURES:
            part = "" if not pages else f"{group}-{measure}"
            pages.append(_page(wanted, group, found, measure, part))
            if len(found) > MOST_LINES:
                further.append(_rows(wanted, group, found, measure))
    if not pages:
        raise NothingToDraw(
            "no finished run kept its agreement with the teacher; `attend: {images: 12, "
            "snapshots: 6}` in the suite asks for it"
        )
    return pages + further


def _page(
    wanted: Wanted,
    group: str,
    found: Courses,
    measure: str,
    part: str,
) -> Picture:
    levels = _levels(found)
    figure = new_figure(PAGE_WIDTH + 1.2, 0.5 + 1.45 * len(REGIONS))
    panels = figure.subplots(len(REGIONS), len(levels), sharex=True, sharey="col", squeeze=False)
    for line, (region, told) in zip(panels, REGIONS.items(), strict=True):
        for axes, level in zip(line, levels, strict=True):
            for row, (_, frame) in found.items():
                _course(axes, _at(frame, level, region), measure, wanted.looks[row])
            if not axes.lines:
                axes.text(0.5, 0.5, "too few cells", transform=axes.transAxes, ha="center")
        line[0].set_ylabel(told)
    for axes, level in zip(panels[0], levels, strict=True):
        axes.set_title(level)
    figure.supxlabel("iteration", fontsize=8)
    figure.supylabel(MEASURES[measure], fontsize=8)
    handles = [
        Line2D(
            *([], []),
            color=wanted.looks[row].colour,
            linestyle=wanted.looks[row].dash,
            marker=wanted.looks[row].marker,
            label=cell.title,
        )
        for row, (cell, _) in found.items()
    ]
    figure.legend(handles=handles, loc="outside right upper", handlelength=2.6)
    seeds = {row: frame["seed"].nunique() for row, (_, frame) in found.items()}
    two_points = [cell.title for cell, frame in found.values() if frame["iteration"].nunique() == 2]
    caption = sentences(
        f"{_told(measure)}'s attention over the training ({wanted.pair_title(group)}), mean over "
        "the kept test images, by level (columns, each on a scale of its own) and region (rows).",
        "One seed a row: no bands."
        if max(seeds.values()) == 1
        else f"Bands: {LEVEL} intervals over seeds.",
        f"Two points (before and after the training): {', '.join(two_points)}."
        if two_points
        else "",
    )
    return Picture(
        figure,
        caption,
        _alt(found, measure, levels),
        part,
        f"{MEASURES[measure]}, {wanted.pair_title(group)}",
    )


def _told(measure: str) -> str:
    """`KL divergence from the teacher`, as a sentence begins."""
    return MEASURES[measure][:1].upper() + MEASURES[measure][1:]


def _rows(
    wanted: Wanted,
    group: str,
    found: Courses,
    measure: str,
) -> Picture:
    """A line of panels a row, the baseline's course behind it: many lines cover one another."""
    base = next((row for row, (cell, _) in found.items() if cell.is_baseline), None)
    shown = [row for row in found if row != base]
    levels = _levels(found)
    figure = new_figure(PAGE_WIDTH, 0.5 + ROW_HEIGHT * len(shown))
    panels = figure.subplots(len(shown), len(levels), sharex=True, sharey="col", squeeze=False)
    for line, row in zip(panels, shown, strict=True):
        for axes, level in zip(line, levels, strict=True):
            for one in (base, row):
                if one is not None:
                    _course(axes, _at(found[one][1], level, "all"), measure, wanted.looks[one])
        title = "\n".join(textwrap.wrap(found[row][0].title, TITLE_WIDTH))
        line[0].set_ylabel(title, rotation=0, ha="right", va="center")
    for axes, level in zip(panels[0], levels, strict=True):
        axes.set_title(level)
    figure.supxlabel("iteration", fontsize=8)
    names = ", ".join(found[row][0].title for row in shown)
    pair = wanted.pair_title(group)
    caption = sentences(
        f"{_told(measure)}'s attention over the training ({pair}), whole image, mean over the kept "
        "test images, by level (columns, each on a scale of its own) and row.",
        "In black: the baseline." if base else "",
    )
    alt = f"A line of panels for each of {names}" + (", beside the baseline." if base else ".")
    title = f"{MEASURES[measure]}, row by row, {pair}"
    return Picture(figure, caption, alt, f"{group}-{measure}-rows", title, further=True)


def _levels(found: Courses) -> list[str]:
    """From the finest."""
    every = {str(level) for _, frame in found.values() for level in frame["level"]}
    return sorted(every, key=lambda name: (len(name), name))


def _at(frame: pd.DataFrame, level: str, region: str) -> pd.DataFrame:
    return frame[(frame["level"] == level) & (frame["region"] == region)]


def _course(axes: Axes, own: pd.DataFrame, measure: str, look: Look) -> None:
    table = own.pivot_table(index="iteration", columns="seed", values=measure).dropna()
    if not len(table):
        return
    values = table.to_numpy()  # (I, seeds)
    mean = values.mean(axis=1)
    axes.plot(
        table.index,
        mean,
        color=look.colour,
        linestyle=look.dash,
        marker=look.marker,
        markersize=3,
        linewidth=1.1,
    )
    if values.shape[1] > 1:
        half = t_quantile(values.shape[1] - 1) * values.std(axis=1, ddof=1)
        half /= np.sqrt(values.shape[1])
        axes.fill_between(
            table.index, mean - half, mean + half, color=look.colour, alpha=0.15, linewidth=0
        )


def _alt(found: Courses, measure: str, levels: list[str]) -> str:
    told = []
    for cell, frame in found.values():
        own = _at(frame, levels[0], "all").dropna()
        if len(own):
            by_time = own.groupby("iteration")[measure].mean()
            told.append(f"{cell.title} from {by_time.iloc[0]:.2f} to {by_time.iloc[-1]:.2f}")
    return f"{MEASURES[measure]} at {levels[0]}, whole image: {'; '.join(told)}."

"""Forest plot: every row's paired difference to the baseline or to its own control, per pair."""

from __future__ import annotations

import textwrap

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from analysis.figures.compared import Effect, effect_of, lacks_control, told_apart
from analysis.figures.options import EffectsOptions
from analysis.figures.style import FAINT, GREY, HELPS, HURTS, INK, PAGE_WIDTH, new_figure
from analysis.figures.wanted import NothingToDraw, Picture, Wanted, sentences
from analysis.statistics.paired import Delta
from analysis.tables.conditions import LEVEL, conditions
from analysis.tables.numbers import interval, signed

ROW_HEIGHT, FRAME_HEIGHT = 0.23, 1.15
TITLE_WIDTH = {1: 80, 2: 40, 3: 26}
"""Letters of a line over a panel, by the number of panels."""
MOST_PAIRS = 3
"""Side by side on one page."""


def draw(wanted: Wanted) -> list[Picture]:
    options = wanted.options(EffectsOptions)
    lacking = [cell for cell in wanted.finished() if lacks_control(wanted, cell, options)]
    held = [cell for cell in wanted.finished() if cell not in lacking]
    effects = told_apart(wanted, [found for cell in held if (found := effect_of(cell, options))])
    if lacking:
        names = ", ".join(dict.fromkeys(cell.title for cell in lacking))
        wanted.notes.append(f"Without a student that inherits alone to be held against: {names}.")
    if not effects:
        raise NothingToDraw(f"no row shares a seed with a finished baseline ({options.metric})")
    groups = [group for group in wanted.groups if any(e.group == group for e in effects)]
    pages = [groups[i : i + MOST_PAIRS] for i in range(0, len(groups), MOST_PAIRS)]
    return [
        _page(wanted, options, effects, page, "" if number == 0 else str(number + 1))
        for number, page in enumerate(pages)
    ]


def _page(
    wanted: Wanted, options: EffectsOptions, effects: list[Effect], groups: list[str], part: str
) -> Picture:
    metric, own_control = options.metric, options.against == "own-control"
    here = [effect for effect in effects if effect.group in groups]
    order = _order(here)
    titles = {effect.row: effect.title for effect in here}
    figure = new_figure(PAGE_WIDTH, FRAME_HEIGHT + ROW_HEIGHT * len(order))
    panels = figure.subplots(1, len(groups), sharey=True, sharex=True, squeeze=False)[0]
    for axes, group in zip(panels, groups, strict=True):
        for effect in here:
            if effect.group == group:
                _row(axes, effect, order.index(effect.row))
        axes.axvline(0, color=GREY, linewidth=0.8, zorder=0)
        axes.set_title("\n".join(textwrap.wrap(wanted.pair_title(group), TITLE_WIDTH[len(groups)])))
        axes.set_yticks(range(len(order)), [titles[row] for row in order])
        axes.set_ylim(len(order) - 0.4, -0.6)
        axes.grid(axis="y", visible=False)
        rival = "the row's own control" if own_control else "the baseline"
        axes.set_xlabel(f"Δ{metric} to {rival} (points)")
    for axes, group in zip(panels, groups, strict=True):
        for effect in here:
            if effect.group == group:
                _tell(axes, effect, order.index(effect.row), short=len(groups) > 2)
    _room_for_text(figure, panels)
    _key(figure, here)
    caption = sentences(
        f"Difference in {metric} to the undistilled student of the same pair and seed, sorted by "
        "its mean" + ("." if _alike(here) else " over the pairs that most rows have."),
        "Rows marked '(inherits)' start from the teacher's neck and head, and are compared with "
        "the undistilled student that does so too."
        if any(effect.inherits for effect in here)
        else "",
        f"Lines are {LEVEL} intervals over seeds, not widened for the number of rows; filled "
        "markers differ from 0 after Holm's correction over the rows of a table and pair that are "
        "compared with the same student."
        if any(effect.delta.n > 1 for effect in here)
        else "",
        _about_one_seed(here),
        wanted.runs_told(),
        conditions(wanted.records, [effect.cell for effect in here]),
        wanted.missing(),
    )
    told = (
        f"{wanted.pair_title(group)}: "
        + ", ".join(
            f"{effect.title} {_in_words(effect.delta)}"
            for row in order
            for effect in here
            if effect.row == row and effect.group == group
        )
        for group in groups
    )
    rival = "each row's own control" if own_control else "the baseline"
    alt = f"Forest plot of differences in {metric} to {rival}. {'; '.join(told)}."
    return Picture(figure, caption, alt, part)


def _in_words(delta: Delta) -> str:
    return interval(delta.mean, delta.low, delta.high)


def _rows_of_groups(effects: list[Effect]) -> dict[str, set[tuple[str, str]]]:
    found: dict[str, set[tuple[str, str]]] = {}
    for effect in effects:
        found.setdefault(effect.group, set()).add(effect.row)
    return found


def _alike(effects: list[Effect]) -> bool:
    rows = list(_rows_of_groups(effects).values())
    return all(own == rows[0] for own in rows)


def _order(effects: list[Effect]) -> list[tuple[str, str]]:
    """By the mean over the pairs that most rows have, the most helpful first: over whatever pairs
    a row has, it would fall for having been tried on a hard one."""
    rows = _rows_of_groups(effects)
    most = max(len(own) for own in rows.values())
    full = {group for group, own in rows.items() if len(own) == most}
    means: dict[tuple[str, str], list[float]] = {}
    for effect in sorted(effects, key=lambda effect: effect.group not in full):
        if effect.group in full or effect.row not in means:
            means.setdefault(effect.row, []).append(effect.delta.mean)
    return sorted(means, key=lambda row: (-float(np.mean(means[row])), row))


def _row(axes: Axes, effect: Effect, place: int) -> None:
    delta = effect.delta
    colour = HELPS if delta.mean > 0 else HURTS
    if delta.low is not None and delta.high is not None:
        axes.plot([delta.low, delta.high], [place, place], color=colour, solid_capstyle="butt")
    elif effect.images is not None:
        ends = [effect.images.low, effect.images.high]
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


def _room_for_text(figure: Figure, panels: list[Axes]) -> None:
    """Figures stand to the right of everything that is drawn."""
    figure.draw_without_rendering()  # only then do panels have their width
    share = max(
        text.get_window_extent().width / axes.bbox.width for axes in panels for text in axes.texts
    )
    share = min(share + 0.03, 0.75)
    low, high = panels[0].get_xlim()
    for axes in panels:
        axes.set_xlim(low, high + share / (1 - share) * (high - low))


def _tell(axes: Axes, effect: Effect, place: int, short: bool) -> None:
    delta = effect.delta
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


def _key(figure: Figure, effects: list[Effect]) -> None:
    several = any(effect.cell.n > 1 for effect in effects)
    by_image = any(effect.images is not None for effect in effects)
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


def _about_one_seed(effects: list[Effect]) -> str:
    if not any(effect.images is not None for effect in effects):
        return ""
    return (
        f"Dotted: {LEVEL} intervals over the choice of images for rows with one seed, which "
        "say nothing about training again."
    )

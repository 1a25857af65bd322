"""Channel gates: how strongly each channel is let through, level by level."""

from __future__ import annotations

import numpy as np
from matplotlib.lines import Line2D

from analysis.figures.attention import Attention, read_attention
from analysis.figures.options import Options
from analysis.figures.style import PAGE_WIDTH, new_figure
from analysis.figures.wanted import NothingToDraw, Picture, Wanted, sentences
from analysis.statistics.tables import CellStatistics

GATE = ".gate"
MOST_SHADES = 3
"""Rows above which shades would hide the lines."""
LOW, HIGH = 10, 90
"""Percentiles over images of the shade around a gate's mean."""


def draw(wanted: Wanted) -> list[Picture]:
    wanted.options(Options)
    wanted.finished()
    pages: list[Picture] = []
    for group in wanted.groups:
        gated = []
        for cell in wanted.of_group(group):
            for folder in wanted.records.frame.loc[list(cell.runs), "folder"]:
                own = read_attention(folder)
                names = [name for name in own.names if name.endswith(GATE)] if own else []
                if own is not None and names:
                    gated.append((cell, own, names[0]))
                    break
        if gated:
            pages.append(_page(wanted, group, gated, group if pages else ""))
    if not pages:
        raise NothingToDraw("no finished run kept a channel gate in its attention.npz")
    return pages


def _page(
    wanted: Wanted, group: str, gated: list[tuple[CellStatistics, Attention, str]], part: str
) -> Picture:
    levels = gated[0][1].meta.levels
    figure = new_figure(PAGE_WIDTH, 2.4)
    panels = figure.subplots(1, len(levels), sharey=True, squeeze=False)[0]
    told = []
    for cell, own, name in gated:
        look = wanted.looks[cell.cell.row]
        spans = []
        for number, axes in enumerate(panels):
            gates = own.arrays.get(f"{name}/{number}")  # (N, C)
            if gates is None or gates.ndim != 2:
                continue
            mean = gates.mean(axis=0)
            order = np.argsort(-mean, kind="stable")
            ranks = np.arange(1, len(order) + 1)
            axes.plot(ranks, mean[order], color=look.colour, linestyle=look.dash)
            if len(gated) <= MOST_SHADES:
                low, high = np.percentile(gates, [LOW, HIGH], axis=0)[:, order]
                axes.fill_between(ranks, low, high, color=look.colour, alpha=0.18, linewidth=0)
            spans.append(f"{levels[number].name} {mean.min():.2f} to {mean.max():.2f}")
        told.append(f"{cell.title}: {', '.join(spans)}")
    for axes, level in zip(panels, levels, strict=True):
        axes.set_title(level.name)
        axes.set_ylim(bottom=min(0.0, axes.get_ylim()[0]))
    panels[0].set_ylabel("gate")
    figure.supxlabel("channel, by its mean gate", fontsize=8)
    looks = [(cell, wanted.looks[cell.cell.row]) for cell, _, _ in gated]
    handles = [
        Line2D(*([], []), color=look.colour, linestyle=look.dash, label=cell.title)
        for cell, look in looks
    ]
    figure.legend(handles=handles, loc="outside right upper", handlelength=2.4)
    caption = sentences(
        f"Channel gates ({wanted.pair_title(group)}) by level, channels sorted by their mean over "
        "the kept test images. First seed of every row. A flat line re-weights nothing.",
        f"Shade: {LOW}th to {HIGH}th percentile over the images."
        if len(gated) <= MOST_SHADES
        else "",
    )
    alt = f"Sorted channel gates, smallest to largest mean. {'; '.join(told)}."
    return Picture(figure, caption, alt, part, wanted.pair_title(group) if part else "")

"""What every factor of a search ended at: a column a pair, a line a method.

Above stands the factor, below what it came to: the method's loss as a multiple of the detector's
own, at the end of the training.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter

from analysis.figures.style import GREY, PAGE_WIDTH, Look, looks, new_figure, plain_powers
from analysis.metrics import HEADLINE

if TYPE_CHECKING:
    from analysis.factors import Search

ACROSS: tuple[float, ...] = (4, 2)


def draw(
    searches: Sequence[Search], controls: Mapping[tuple[str, str], float], over: str
) -> Figure:
    """`controls`: pair and row -> AP of what has no factor."""
    groups = list(dict.fromkeys(search.group for search in searches))
    rows = list(dict.fromkeys(search.row for search in searches))
    look = looks([(row, (row,)) for row in rows])
    told = any(search.ratios for search in searches)
    figure = new_figure(PAGE_WIDTH, 6.0 if told else 3.6)
    panels = figure.subplots(2 if told else 1, len(groups), sharey=True, squeeze=False)
    for column, group in enumerate(groups):
        own = [search for search in searches if search.group == group]
        panels[0, column].set_title(group)
        for search in own:
            _course(panels[0, column], search, look, {factor: factor for factor in search.tried})
            if told:
                _course(panels[1, column], search, look, search.ratios)
        for axes in panels[:, column]:
            for (of, row), value in controls.items():
                if of == group:
                    _across(axes, row, value)
        factors = sorted({factor for search in own for factor in search.tried})
        panels[0, column].set_xticks(factors, [f"{factor:g}" for factor in factors], rotation=60)
        panels[0, column].minorticks_off()
    middle = len(groups) // 2
    panels[0, middle].set_xlabel(f"factor on the paper's {over}")
    if told:
        panels[1, middle].set_xlabel("distillation, as a multiple of the detector's own loss")
        _alike(panels[1])
    for axes in panels[:, 0]:
        axes.set_ylabel(HEADLINE)
    handles = {
        label: handle
        for axes in panels[0]
        for handle, label in zip(*axes.get_legend_handles_labels(), strict=True)
    }
    figure.legend(handles.values(), handles.keys(), loc="outside lower center", ncols=8)
    return figure


def _course(
    axes: Axes, search: Search, look: Mapping[str, Look], places: Mapping[float, float]
) -> None:
    """`places`: factor -> where it stands on the axis."""
    axes.set_xscale("log")
    plain_powers(axes.xaxis)
    own = look[search.row]
    axes.plot(
        [places[factor] for factor in search.tried if factor in places],
        [found for factor, found in search.tried.items() if factor in places],
        color=own.colour,
        marker=own.marker,
        linestyle=own.dash,
        label=search.row,
    )
    if search.taken not in places:
        return
    axes.plot(  # a ring around what is taken
        places[search.taken],
        search.tried[search.taken],
        marker="o",
        markersize=9,
        markerfacecolor="none",
        markeredgecolor=own.colour,
        linestyle="none",
    )


def _alike(panels: Sequence[Axes]) -> None:
    """The same ratios in the same places on every pair: that is what they are for."""
    limits = [limit for axes in panels for limit in axes.get_xlim()]
    for axes in panels:
        axes.set_xlim(min(limits), max(limits))
        axes.xaxis.set_major_formatter(FuncFormatter(lambda ratio, _: f"{ratio:g}"))
        axes.grid(visible=True, axis="x")


def _across(axes: Axes, row: str, value: float) -> None:
    axes.axhline(value, color=GREY, linestyle=(0, ACROSS), linewidth=0.9)
    axes.annotate(
        row,
        (0, value),
        xycoords=("axes fraction", "data"),
        xytext=(3, 2),
        textcoords="offset points",
        ha="left",
        color=GREY,
        fontsize=6.5,
    )

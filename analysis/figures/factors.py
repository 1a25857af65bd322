"""What every factor of a search ended at: a panel a pair, a line a method."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from analysis.figures.style import GREY, PAGE_WIDTH, Look, looks, new_figure
from analysis.metrics import HEADLINE

if TYPE_CHECKING:
    from analysis.factors import Search

ACROSS: tuple[float, ...] = (4, 2)


def draw(
    searches: Sequence[Search], controls: Mapping[tuple[str, str], float], field: str
) -> Figure:
    """`controls`: pair and row -> AP of what has no factor."""
    groups = list(dict.fromkeys(search.group for search in searches))
    rows = list(dict.fromkeys(search.row for search in searches))
    look = looks([(row, (row,)) for row in rows])
    figure = new_figure(PAGE_WIDTH, 3.6)
    panels = figure.subplots(1, len(groups), sharey=True, squeeze=False)[0]
    for axes, group in zip(panels, groups, strict=True):
        own = [search for search in searches if search.group == group]
        _panel(axes, own, look)
        for (of, row), value in controls.items():
            if of == group:
                _across(axes, row, value)
        axes.set_title(group)
    panels[0].set_ylabel(HEADLINE)
    panels[len(panels) // 2].set_xlabel(f"factor on the paper's {field}")
    handles = {
        label: handle
        for axes in panels
        for handle, label in zip(*axes.get_legend_handles_labels(), strict=True)
    }
    figure.legend(handles.values(), handles.keys(), loc="outside lower center", ncols=8)
    return figure


def _panel(axes: Axes, searches: Sequence[Search], look: Mapping[str, Look]) -> None:
    axes.set_xscale("log")
    for search in searches:
        own = look[search.row]
        axes.plot(
            list(search.tried),
            list(search.tried.values()),
            color=own.colour,
            marker=own.marker,
            linestyle=own.dash,
            label=search.row,
        )
        # A ring around what is taken.
        axes.plot(
            search.taken,
            search.tried[search.taken],
            marker="o",
            markersize=9,
            markerfacecolor="none",
            markeredgecolor=own.colour,
            linestyle="none",
        )
    factors = sorted({factor for search in searches for factor in search.tried})
    axes.set_xticks(factors, [f"{factor:g}" for factor in factors], rotation=60)
    axes.minorticks_off()


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

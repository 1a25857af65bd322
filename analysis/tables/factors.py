"""Searches over a factor in words: what was tried, and what ways around it would have lost."""

from __future__ import annotations

import math
from collections.abc import Sequence
from statistics import median
from typing import TYPE_CHECKING

from analysis.tables.numbers import plain

if TYPE_CHECKING:
    from analysis.factors import Search

NEAR = 3.0
"""Times the detector's own loss: a rule of thumb, held against the searches themselves."""


def page(found: Sequence[Search]) -> str:
    """A table a pair: methods down, factors across, what is taken in bold, ratios in brackets."""
    parts = []
    for group in dict.fromkeys(search.group for search in found):
        own = [search for search in found if search.group == group]
        factors = sorted({factor for search in own for factor in search.tried})
        head = ["Method", *(f"× {factor:g}" for factor in factors)]
        lines = [f"**{group}**", "", _line(head), f"|---|{'---:|' * len(factors)}"]
        lines += [_line([f"`{search.row}`", *_cells(search, factors)]) for search in own]
        parts.append("\n".join(lines))
    return "\n\n".join(parts)


def shortcuts(found: Sequence[Search]) -> str:
    """What two ways around a search would have lost, by those searches that are complete."""
    ended = [search for search in found if search.goes_on is None]
    first = found[0].group
    known = {search.row for search in found if search.group == first}
    by_ratio = [
        search.lost(min(search.ratios, key=lambda at: abs(math.log(search.ratios[at] / NEAR))))
        for search in ended
        if len(search.ratios) > 2
    ]
    carried = [
        search.lost(search.start)
        for search in ended
        if search.group != first and search.row in known and search.start in search.tried
    ]
    ways = {
        f"The tried factor whose loss came nearest to {NEAR:g} times the detector's own": by_ratio,
        f"What {first} took, carried to the other pairs": carried,
    }
    return "\n".join(
        f"- {way}: {plain(median(lost))} AP below the best in the median, {plain(max(lost))} at "
        f"most, in {len(lost)} searches."
        for way, lost in ways.items()
        if lost
    )


def _cells(search: Search, factors: Sequence[float]) -> list[str]:
    cells = []
    for factor in factors:
        text = plain(search.tried[factor]) if factor in search.tried else ""
        text = f"**{text}**" if factor == search.taken else text
        ratio = search.ratios.get(factor)
        cells.append(text if ratio is None else f"{text} ({two_digits(ratio)})")
    return cells


def two_digits(ratio: float) -> str:
    """`0.38`, `2`, `1400`."""
    return f"{float(f'{ratio:.2g}'):g}"


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"

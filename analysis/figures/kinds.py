"""Kind of a figure, as a suite names it -> what draws it."""

from __future__ import annotations

from collections.abc import Callable

from analysis.figures import atlas, cost, curves, effects, masks
from analysis.figures.wanted import Picture, Wanted

KINDS: dict[str, Callable[[Wanted], list[Picture]]] = {
    "effects": effects.draw,
    "curves": curves.draw,
    "cost": cost.draw,
    "atlas": atlas.draw,
    "masks": masks.draw,
}

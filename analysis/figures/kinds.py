"""Kind of a figure, as a suite names it -> what draws it."""

from __future__ import annotations

from collections.abc import Callable

from analysis.figures import (
    affinity,
    agreement,
    atlas,
    cost,
    curves,
    effects,
    errors,
    gallery,
    gates,
    masks,
    published,
    sweep,
)
from analysis.figures.wanted import Picture, Wanted

KINDS: dict[str, Callable[[Wanted], list[Picture]]] = {
    "effects": effects.draw,
    "curves": curves.draw,
    "cost": cost.draw,
    "atlas": atlas.draw,
    "masks": masks.draw,
    "agreement": agreement.draw,
    "gates": gates.draw,
    "affinity": affinity.draw,
    "sweep": sweep.draw,
    "published": published.draw,
    "errors": errors.draw,
    "gallery": gallery.draw,
}

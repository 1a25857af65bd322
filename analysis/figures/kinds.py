"""Kind of a figure, as a suite names it -> what draws it; options.py has what it may be told."""

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

Draw = Callable[[Wanted], list[Picture]]

KINDS: dict[str, Draw] = {
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

"""Kind of a figure, as a suite names it -> what draws it, and what it may be told."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

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
from analysis.figures.wanted import Options, Picture, Wanted


@dataclass(frozen=True)
class Kind:
    draw: Callable[[Wanted], list[Picture]]
    options: type[Options] = Options
    """What a suite may set."""


KINDS: dict[str, Kind] = {
    "effects": Kind(effects.draw, effects.EffectsOptions),
    "curves": Kind(curves.draw, curves.CurvesOptions),
    "cost": Kind(cost.draw),
    "atlas": Kind(atlas.draw, atlas.AtlasOptions),
    "masks": Kind(masks.draw, masks.MasksOptions),
    "agreement": Kind(agreement.draw),
    "gates": Kind(gates.draw),
    "affinity": Kind(affinity.draw, affinity.AffinityOptions),
    "sweep": Kind(sweep.draw, sweep.SweepOptions),
    "published": Kind(published.draw),
    "errors": Kind(errors.draw),
    "gallery": Kind(gallery.draw, gallery.GalleryOptions),
}

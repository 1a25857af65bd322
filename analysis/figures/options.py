"""What a suite may tell each kind of figure. Data alone: whoever reads a suite reads this too, so
that a slip is told before the first training. Imports neither pandas nor matplotlib."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from analysis.metrics import HEADLINE, Metric

ImageIds = tuple[int | str, ...]
Share = Annotated[float, Field(ge=0, le=1)]


class Options(BaseModel):
    """Of one kind of figure, as a suite may set them."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class EffectsOptions(Options):
    metric: Metric = HEADLINE
    against: Literal["baseline", "own-control"] = "baseline"
    """own-control: rows that inherit the teacher's neck and head against inheriting alone."""


class CurvesOptions(Options):
    terms: bool = True
    """A page a pair with every loss term by itself."""


class SweepOptions(Options):
    field: str = ""
    """Which setting, where the table's rows change several."""
    own: float | None = None
    """The method's own value, for the rows that change nothing; drawn as a line without it."""
    metric: Metric = HEADLINE


class AtlasOptions(Options):
    rows: tuple[str, ...] = ()
    """Only these rows; all without it."""
    images: int | None = Field(None, ge=1)
    """At most so many pages a pair."""
    ids: ImageIds = ()
    """Which ones, in this order; the first stands in the report."""


class MasksOptions(Options):
    rows: tuple[str, ...] = ()
    """Only these, with their pages in the report; the comparison shows the one that gained most."""
    ids: ImageIds = ()
    """Of the comparison; the rows' pages show the first."""


class AffinityOptions(Options):
    images: int = Field(3, ge=1)
    """How many, unless `ids` names them."""
    ids: ImageIds = ()
    points: tuple[tuple[Share, Share], ...] = ()
    """Across and down, as shares of the image's sides; without any, the middle of the largest
    box."""


class GalleryOptions(Options):
    rows: tuple[str, ...] = ()
    images: int = Field(3, ge=1)
    """Of each, helped and hurt, on a row's own page."""


OPTIONS: dict[str, type[Options]] = {
    "effects": EffectsOptions,
    "curves": CurvesOptions,
    "cost": Options,
    "atlas": AtlasOptions,
    "masks": MasksOptions,
    "agreement": Options,
    "gates": Options,
    "affinity": AffinityOptions,
    "sweep": SweepOptions,
    "published": Options,
    "errors": Options,
    "gallery": GalleryOptions,
}
"""By kind, as a suite names it."""

"""Settings and rows of FGFI. Imports no torch."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field

from methods.settings.base import Family, FeatureSettings, Frozen, RunOptions, Sweep, Tap, Variant

Sizes = Annotated[tuple[Annotated[float, Field(gt=0)], ...], Field(min_length=1)]
RETINANET_SCALES = tuple(4 * 2 ** (octave / 3) for octave in range(3))


class AnchorSettings(Frozen):
    """The detector's reference boxes, from which FGFI's mask is made."""

    anchor_scales: Sizes = RETINANET_SCALES
    """Side of a square anchor, in strides of its level."""
    anchor_ratios: Sizes = (0.5, 1.0, 2.0)
    """Height by width."""
    anchor_share: float = Field(0.5, gt=0, lt=1)
    """A cell counts if an anchor of it reaches this share of the best overlap with a box (psi)."""
    anchor_extent: Literal["all-levels", "per-level"] = "all-levels"
    """Whether the best overlap is sought over the anchors of all levels or of each."""

    by_family: ClassVar[Mapping[Family, Mapping[str, Any]]] = {
        "two-stage": {"anchor_scales": (8.0,)},
        "anchor-free": {"anchor_scales": (4.0,), "anchor_ratios": (1.0,)},
        "ssd": {"anchor_scales": (4.0,)},
    }


class FGFISettings(AnchorSettings, FeatureSettings):
    method = "fgfi"
    module = "methods.fgfi"
    title = "FGFI"
    citation = (
        "Wang et al., Distilling Object Detectors with Fine-grained Feature Imitation, CVPR 2019"
    )

    tap: Tap = "neck-out"
    loss_weight: float = Field(0.01, ge=0)
    adapter: Literal["conv", "conv-relu", "none"] = "conv"
    """3x3 on the student; `conv-relu` as released, which cannot make negative values."""

    by_family: ClassVar[Mapping[Family, Mapping[str, Any]]] = AnchorSettings.by_family
    run = RunOptions(clip=10.0)
    variants: ClassVar[Mapping[str, Variant]] = {
        "fgfi-perlevel": Variant(
            settings={"anchor_extent": "per-level"}, note="best overlap and count per level"
        ),
        "fgfi-noadapter": Variant(settings={"adapter": "none"}),
        "fgfi-relu": Variant(settings={"adapter": "conv-relu"}, note="the released adapter"),
    }
    sweeps: ClassVar[Mapping[str, Sweep]] = {
        "fgfi-psi": Sweep(field="anchor_share", values=("0.3", "0.5", "0.7")),
        "fgfi-lambda": Sweep(field="loss_weight", values=("0.001", "0.01", "0.1")),
    }

"""Settings and rows of the FitNet hint. Imports no torch."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Literal

from pydantic import Field

from methods.settings.base import Family, FeatureSettings, Sweep, Tap, Variant
from methods.settings.fgfi import AnchorSettings


class FitNetSettings(AnchorSettings, FeatureSettings):
    method = "fitnet"
    module = "methods.fitnet"
    title = "FitNet"
    citation = (
        "hint regression after Romero et al., FitNets, ICLR 2015, in the detection setting of "
        "Zheng et al., Localization Distillation"
    )

    tap: Tap = "neck-out"
    loss_weight: float = Field(2.0, ge=0)
    adapter: bool = False
    """A 1x1 convolution on the student even where the widths agree."""
    region: Literal["all", "boxes", "near-anchors", "positives"] = "all"
    """The cells that count: all, those inside ground-truth boxes, those of FGFI's mask, those
    with an anchor or point that the student's own assigner matched."""

    by_family: ClassVar[Mapping[Family, Mapping[str, Any]]] = AnchorSettings.by_family
    variants: ClassVar[Mapping[str, Variant]] = {
        "fitnet-gtbox": Variant(settings={"region": "boxes"}),
        "fitnet-main": Variant(
            settings={"region": "positives"},
            families=("one-stage", "anchor-free", "ssd"),
            note="the main region of Localization Distillation's code",
        ),
        "fitnet-fgfi-mask": Variant(settings={"region": "near-anchors"}),
        "fitnet-adapter": Variant(settings={"adapter": True}),
    }
    sweeps: ClassVar[Mapping[str, Sweep]] = {
        "fitnet-w": Sweep(field="loss_weight", values=("0.2", "2"))
    }

    def requirements(self) -> frozenset[str]:
        return self.needs | ({"positives", "cells"} if self.region == "positives" else set())

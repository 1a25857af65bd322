"""Settings and rows of the stand-in for dual masking. Imports no torch."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Literal

from pydantic import Field

from methods.settings.base import Family, FeatureSettings, RunOptions, Sweep, Variant
from methods.settings.mgd import MGDSettings

MGD_BY_FAMILY = MGDSettings.by_family


class DualMaskSettings(FeatureSettings):
    method = "dual-mask"
    module = "methods.dual_mask"
    title = "dual mask (stand-in)"
    citation = "after the abstract of Yang et al., DMKD, arXiv 2309.02719"

    alpha: float = Field(2e-5, ge=0)
    tau: float = Field(0.5, gt=0)
    threshold: Literal["absolute", "quantile"] = "absolute"
    theta_cells: float = Field(1.0, gt=0)
    theta_channels: float = Field(1.0, gt=0)
    quantile: float = Field(0.65, ge=0, le=1)
    """Share of cells, and of channels, that is hidden in `quantile`."""
    mask: Literal["attention", "random-matched"] = "attention"
    """`random-matched` hides as many cells and channels as attention would."""
    branches: Literal["both", "cells", "channels"] = "both"
    fusion: Literal["learned", "fixed"] = "learned"
    """Weights of the two branches, both 1/2 at first; one branch alone has none."""

    by_family: ClassVar[Mapping[Family, Mapping[str, Any]]] = {
        "two-stage": {"alpha": MGD_BY_FAMILY["two-stage"]["alpha"], "quantile": 0.45},
        "ssd": MGD_BY_FAMILY["ssd"],
    }
    run = RunOptions(inherit=True, clip=35.0)
    variants: ClassVar[Mapping[str, Variant]] = {
        "dual-mask-quantile": Variant(settings={"threshold": "quantile"}),
        "dual-mask-fixed": Variant(settings={"fusion": "fixed"}),
        "dual-mask-cells": Variant(settings={"branches": "cells"}),
        "dual-mask-channels": Variant(settings={"branches": "channels"}),
        "dual-mask-random-matched": Variant(settings={"mask": "random-matched"}),
        "dual-mask-noinherit": Variant(run={"inherit": False}),
        "dual-mask-mean": Variant(settings={"normalise": "reference"}, note="resolution control"),
    }
    sweeps: ClassVar[Mapping[str, Sweep]] = {
        "dual-mask-tau": Sweep(field="tau", values=("0.3", "0.5", "0.8", "1.0", "1.2")),
    }

"""Settings and rows of the element-wise references L1 and L2. Imports no torch."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Literal

from pydantic import Field

from methods.settings.base import Family, FeatureSettings, Sweep, Tap, Variant
from methods.settings.mgd import MGDSettings
from methods.settings.ssim import LAMBDAS, Rescale, SSIMSettings

CITATION = (
    "the element-wise references of de Rijk et al., Structural Knowledge Distillation for Object "
    "Detection, NeurIPS 2022, arXiv 2211.13133"
)


class LpSettings(FeatureSettings):
    module = "methods.lp"

    tap: Tap = "neck-out"
    loss_weight: float = Field(SSIMSettings.model_fields["loss_weight"].default, ge=0)
    """The paper's lambda."""
    adapter: bool = True
    """A 1x1 convolution on the student even where the widths agree."""
    rescale: Rescale = "channel"
    """What shares one minimum and maximum when maps are rescaled to [0, 1]."""
    reduction: Literal["mean", "sum"] = "mean"
    """`sum`: over channels and cells, divided by the images, as MGD and FGD do."""


class L1Settings(LpSettings):
    method = "l1"
    title = "L1"
    citation = CITATION

    variants: ClassVar[Mapping[str, Variant]] = {
        "l1-raw": Variant(settings={"rescale": "none"}, note="maps as they are"),
        "l1-noadapter": Variant(settings={"adapter": False}),
    }
    sweeps: ClassVar[Mapping[str, Sweep]] = {
        "l1-lambda": Sweep(field="loss_weight", values=LAMBDAS)
    }


def _sum_weight(family: Family) -> dict[str, Any]:
    """MGD's weight: the row is MGD without its mask and generator."""
    default = MGDSettings.model_fields["alpha"].default
    return {"loss_weight": MGDSettings.by_family.get(family, {}).get("alpha", default)}


class L2Settings(LpSettings):
    method = "l2"
    title = "L2"
    citation = CITATION

    variants: ClassVar[Mapping[str, Variant]] = {
        "l2-raw": Variant(settings={"rescale": "none"}, note="maps as they are"),
        "l2-noadapter": Variant(settings={"adapter": False}),
        "l2-sum": Variant(
            settings={
                "tap": MGDSettings.model_fields["tap"].default,
                "adapter": False,
                "rescale": "none",
                "reduction": "sum",
            },
            by_family={
                "one-stage": _sum_weight("one-stage"),
                "two-stage": _sum_weight("two-stage"),
                "anchor-free": _sum_weight("anchor-free"),
                "ssd": {**_sum_weight("ssd"), "tap": "neck-out"},
            },
            run=MGDSettings.run.model_dump(),
            note="MGD without mask and generator: the plain control",
        ),
    }
    sweeps: ClassVar[Mapping[str, Sweep]] = {
        "l2-lambda": Sweep(field="loss_weight", values=LAMBDAS)
    }

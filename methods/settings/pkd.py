"""Settings and rows of PKD. Imports no torch."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Literal

from pydantic import Field

from methods.settings.base import Family, FeatureSettings, Levels, Sweep, Tap, Variant


class PKDSettings(FeatureSettings):
    method = "pkd"
    module = "methods.pkd"
    title = "PKD"
    citation = (
        "Cao et al., PKD: General Distillation Framework for Object Detectors via Pearson "
        "Correlation Coefficient, NeurIPS 2022, arXiv 2207.02039"
    )

    tap: Tap = "neck-out"
    levels: Levels | None = (0, 1, 2, 3)
    loss_weight: float = Field(10.0, ge=0)
    statistics: Literal["batch", "image"] = "batch"
    """Whether a channel's mean and deviation are those of all images or of one."""
    detach_statistics: bool = False
    """No gradient through mean and deviation."""
    pairing: Literal["index", "stride"] = "index"
    """`index`: level by level, resizing the student's map where sizes differ. `stride`: each map of
    the student with the teacher's map of the same stride; maps without one are left out."""

    by_family: ClassVar[Mapping[Family, Mapping[str, Any]]] = {"two-stage": {"loss_weight": 6.0}}
    variants: ClassVar[Mapping[str, Variant]] = {
        "pkd-levels-all": Variant(settings={"levels": None}, note="the last level too"),
        "pkd-stride-paired": Variant(settings={"pairing": "stride"}),
        "pkd-perimage": Variant(settings={"statistics": "image"}),
        "pkd-detach-stats": Variant(settings={"detach_statistics": True}),
    }
    sweeps: ClassVar[Mapping[str, Sweep]] = {
        "pkd-w": Sweep(field="loss_weight", values=("3", "6", "10", "15"))
    }

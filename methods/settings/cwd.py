"""Settings and rows of CWD. Imports no torch."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Literal

from pydantic import Field

from methods.settings.base import Family, FeatureSettings, Levels, Sweep, Variant


class CWDSettings(FeatureSettings):
    method = "cwd"
    module = "methods.cwd"
    title = "CWD"
    citation = (
        "Shu et al., Channel-wise Knowledge Distillation for Dense Prediction, ICCV 2021, "
        "arXiv 2011.13256"
    )

    levels: Levels | None = (0, 1, 2, 3)
    loss_weight: float = Field(5.0, ge=0)
    temperature: float = Field(1.0, gt=0)
    distance: Literal["kl", "cross-entropy"] = "kl"
    """They differ by the teacher's entropy and have the same gradient."""

    by_family: ClassVar[Mapping[Family, Mapping[str, Any]]] = {"ssd": {"tap": "neck-out"}}
    variants: ClassVar[Mapping[str, Variant]] = {
        "cwd-mmrazor": Variant(
            settings={"tap": "neck-out", "levels": None, "loss_weight": 10.0},
            note="the setting of mmrazor's configurations",
        ),
        "cwd-logits": Variant(
            settings={"tap": "cls-logits", "levels": None},
            families=("one-stage", "anchor-free"),
            note="class logits of dense heads; mmrazor's first configuration, for GFL",
        ),
        "cwd-levels-all": Variant(settings={"levels": None}, note="the last level too"),
        "cwd-kl": Variant(settings={"distance": "kl"}, note="the default"),
        "cwd-ce": Variant(settings={"distance": "cross-entropy"}, note="the authors' own form"),
    }
    sweeps: ClassVar[Mapping[str, Sweep]] = {
        "cwd-tau": Sweep(field="temperature", values=("1", "2", "4")),
        "cwd-w": Sweep(field="loss_weight", values=("1", "5", "10", "50")),
    }

"""Settings and rows of FKD. Imports no torch."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Literal

from pydantic import Field

from methods.settings.base import Factors, Family, FeatureSettings, Sweep, Tap, Variant

ONE_STAGE_FACTOR = 6  # in the released one-stage file, unexplained
TWO_STAGE: dict[str, Any] = {
    "features_weight": 7e-5,
    "channel_transfer_weight": 4e-3,
    "spatial_transfer_weight": 4e-3,
    "relation_weight": 7e-5,
}
ONE_STAGE: dict[str, Any] = {
    name: round(ONE_STAGE_FACTOR * value, 9) for name, value in TWO_STAGE.items()
}
PAPER_FORMULAS: dict[str, Any] = {
    "mask": "softmax-of-sum",
    "transfer": "absolute",
    "relation_pools": (1, 1, 1, 1, 1),
}
PAPER_ONE_STAGE: dict[str, Any] = {
    "features_weight": 2e-2,
    "channel_transfer_weight": 4e-4,
    "spatial_transfer_weight": 4e-4,
    "relation_weight": 4e-4,
    "temperature": 0.5,
}
PAPER_TWO_STAGE: dict[str, Any] = {
    "features_weight": 4e-3,
    "channel_transfer_weight": 7e-5,
    "spatial_transfer_weight": 7e-5,
    "relation_weight": 7e-5,
    "temperature": 0.1,
}
NO_FEATURES = {"features_weight": 0.0}
NO_TRANSFER = {"channel_transfer_weight": 0.0, "spatial_transfer_weight": 0.0}
NO_RELATION = {"relation_weight": 0.0}


class FKDSettings(FeatureSettings):
    method = "fkd"
    module = "methods.fkd"
    title = "FKD"
    citation = (
        "Zhang and Ma, Improve Object Detection with Feature-based Knowledge Distillation: Towards "
        "Accurate and Efficient Detectors, ICLR 2021"
    )

    tap: Tap = "neck-out"
    features_weight: float = Field(ONE_STAGE["features_weight"], ge=0)
    """Of the masked features; a term with weight 0 is not computed."""
    channel_transfer_weight: float = Field(ONE_STAGE["channel_transfer_weight"], ge=0)
    spatial_transfer_weight: float = Field(ONE_STAGE["spatial_transfer_weight"], ge=0)
    relation_weight: float = Field(ONE_STAGE["relation_weight"], ge=0)
    temperature: float = Field(0.1, gt=0)
    spatial_mask: bool = True
    channel_mask: bool = True
    mask: Literal["mean-of-softmaxes", "softmax-of-sum"] = "mean-of-softmaxes"
    """How the masks of student and teacher become one: the code's way, the paper's way."""
    transfer: Literal["signed", "absolute"] = "signed"
    """`signed`: means through learned adapters; `absolute`: means of magnitudes, none."""
    detach_teacher_relation: bool = False
    """Leave the teacher's non-local block untrained."""
    relation_reductions: Factors = (4, 4, 2, 2, 2)
    """By level of the tap: the width divided by this is the non-local block's inner width."""
    relation_pools: Factors = (8, 4, 2, 2, 2)
    """By level of the tap: cells on a side that become one key."""
    relation_deviation: float | None = Field(None, gt=0)
    """Of the non-local block's initial weights; None leaves torch's own."""

    by_family: ClassVar[Mapping[Family, Mapping[str, Any]]] = {
        "two-stage": {**TWO_STAGE, "temperature": 0.5, "channel_mask": False}
    }
    variants: ClassVar[Mapping[str, Variant]] = {
        "fkd-at": Variant(settings=NO_FEATURES | NO_RELATION, note="attention transfer only"),
        "fkd-am": Variant(settings=NO_TRANSFER | NO_RELATION, note="masked features only"),
        "fkd-attention": Variant(settings=NO_RELATION, note="no non-local term"),
        "fkd-nonlocal": Variant(settings=NO_FEATURES | NO_TRANSFER, note="non-local term only"),
        "fkd-spatial-only": Variant(
            settings={"channel_mask": False, "channel_transfer_weight": 0.0}
        ),
        "fkd-channel-only": Variant(
            settings={"spatial_mask": False, "channel_mask": True, "spatial_transfer_weight": 0.0}
        ),
        "fkd-two-stage-both-masks": Variant(
            settings={"channel_mask": True}, families=("two-stage",)
        ),
        "fkd-abs-transfer": Variant(settings={"transfer": "absolute"}),
        "fkd-detach-nlt": Variant(settings={"detach_teacher_relation": True}),
        "fkd-paper": Variant(
            settings={**PAPER_FORMULAS, **PAPER_ONE_STAGE},
            by_family={"two-stage": {**PAPER_TWO_STAGE, "channel_mask": True}},
            note="formulas, weights and temperatures as printed",
        ),
        "fkd-paper-unswapped": Variant(
            settings={"mask": PAPER_FORMULAS["mask"]},
            note="the code's weights with the paper's mask",
        ),
        "fkd-mmrazor": Variant(
            settings={
                "tap": "fpn-conv",
                "levels": (0, 1, 2, 3),
                "channel_mask": False,
                "relation_reductions": (4, 4, 2, 2),
                "relation_pools": (16, 8, 4, 4),
                "relation_deviation": 0.01,
            },
            by_family={"ssd": {"tap": "neck-out"}},
            note="the setting of mmrazor's FBKD, without its fine-tuned student",
        ),
    }
    sweeps: ClassVar[Mapping[str, Sweep]] = {
        "fkd-tau": Sweep(field="temperature", values=("0.1", "0.5", "1.0")),
        "fkd": Sweep(field="weight", values=("0.5", "2"), prefix_of_value="x"),
    }

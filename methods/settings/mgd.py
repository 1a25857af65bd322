"""Settings and rows of MGD. Imports no torch."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Literal

from pydantic import Field

from methods.settings.base import Family, FeatureSettings, RunOptions, Sweep, Variant

FIVE_LEVELS: tuple[Family, ...] = ("one-stage", "anchor-free")
WEIGHT_FACTORS = ("0.25", "0.5", "2", "4")


def level_variants(method: str, count: int = 5) -> dict[str, Variant]:
    """`<method>-levels-0` and so on: one level at a time, fine to coarse.

    Two-stage detectors have four maps at `fpn-conv`; their pooled fifth has no convolution.
    """
    return {
        f"{method}-levels-{level}": Variant(
            settings={"levels": (level,)},
            **({"families": FIVE_LEVELS} if level == 4 else {}),
        )
        for level in range(count)
    }


class MGDSettings(FeatureSettings):
    method = "mgd"
    module = "methods.mgd"
    title = "MGD"
    citation = "Yang et al., Masked Generative Distillation, ECCV 2022, arXiv 2205.01529"

    alpha: float = Field(2e-5, ge=0)
    masked: float = Field(0.65, ge=0, le=1)
    """Share of cells that are hidden, the paper's lambda; not the share kept."""
    generator: Literal["2conv", "1conv", "3conv", "1x1"] = "2conv"
    shared_generator: bool = False
    """One generator for all levels."""

    by_family: ClassVar[Mapping[Family, Mapping[str, Any]]] = {
        "two-stage": {"alpha": 5e-7, "masked": 0.45},
        "ssd": {"tap": "neck-out"},
    }
    run = RunOptions(inherit=True, clip=35.0)
    variants: ClassVar[Mapping[str, Variant]] = {
        "mgd-nomask": Variant(settings={"masked": 0.0}, note="the generator alone"),
        "mgd-teacher-3xms": Variant(
            run={"teacher": "3xms"},
            families=("one-stage",),
            note="the teacher checkpoint that the released configuration loads",
        ),
        "mgd-noinherit": Variant(run={"inherit": False}),
        "mgd-gen-1conv": Variant(settings={"generator": "1conv"}),
        "mgd-gen-3conv": Variant(settings={"generator": "3conv"}),
        "mgd-gen-1x1": Variant(settings={"generator": "1x1"}),
        "mgd-shared-gen": Variant(settings={"shared_generator": True}),
        "mgd-mean": Variant(settings={"normalise": "reference"}, note="resolution control"),
        **level_variants("mgd"),
    }
    sweeps: ClassVar[Mapping[str, Sweep]] = {
        "mgd-lambda": Sweep(
            field="masked", values=("0.15", "0.30", "0.45", "0.55", "0.65", "0.75", "0.85")
        ),
        "mgd-alpha": Sweep(field="weight", values=WEIGHT_FACTORS, prefix_of_value="x"),
    }

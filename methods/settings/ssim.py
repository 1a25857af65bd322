"""Settings and rows of the structural distillation with SSIM. Imports no torch."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar, Literal

from pydantic import Field, field_validator

from methods.settings.base import FeatureSettings, Sweep, Tap, Variant

Rescale = Literal["channel", "image", "tensor", "none"]
LAMBDAS = ("0.5", "1", "2", "4", "8")
WINDOW = 11
SIGMA = 1.5
WINDOWS = ("3", "5", "7", "9", "11")


class SSIMSettings(FeatureSettings):
    method = "ssim"
    module = "methods.ssim"
    title = "SSIM"
    citation = (
        "de Rijk et al., Structural Knowledge Distillation for Object Detection, NeurIPS 2022, "
        "arXiv 2211.13133"
    )

    tap: Tap = "neck-out"
    loss_weight: float = Field(2.0, ge=0)
    """The paper's lambda."""
    adapter: bool = True
    """A 1x1 convolution on the student even where the widths agree."""
    rescale: Rescale = "channel"
    """What shares one minimum and maximum when maps are rescaled to [0, 1]."""
    detach_rescale: bool = False
    """No gradient through minimum and maximum."""
    factors: Literal["lcs", "cs", "l", "c", "s"] = "lcs"
    """Luminance, contrast, structure."""
    window: int = Field(WINDOW, ge=1)
    sigma: float = Field(SIGMA, gt=0)
    padding: Literal["reflect", "replicate", "zero", "valid"] = "reflect"
    """What lies beyond the border; maps too small for it are replicated."""

    variants: ClassVar[Mapping[str, Variant]] = {
        "ssim-s": Variant(settings={"factors": "s"}, note="structure only"),
        "ssim-cs": Variant(settings={"factors": "cs"}, note="contrast and structure"),
        "ssim-l": Variant(settings={"factors": "l"}, note="luminance only"),
        "ssim-c": Variant(settings={"factors": "c"}, note="contrast only"),
        "ssim-noadapter": Variant(settings={"adapter": False}),
        **{
            f"ssim-win-{size}-sc": Variant(
                settings={"window": int(size), "sigma": SIGMA * int(size) / WINDOW},
                note="sigma scaled with the window",
            )
            for size in WINDOWS
        },
        "ssim-psi-tensor": Variant(settings={"rescale": "tensor"}),
        "ssim-psi-image": Variant(settings={"rescale": "image"}),
        "ssim-psi-channel": Variant(settings={"rescale": "channel"}, note="the default"),
        "ssim-psi-detach": Variant(settings={"detach_rescale": True}),
        "ssim-nopsi": Variant(settings={"rescale": "none"}),
        "ssim-valid": Variant(settings={"padding": "valid"}),
        "ssim-zero": Variant(settings={"padding": "zero"}),
        "ssim-replicate": Variant(settings={"padding": "replicate"}),
    }
    sweeps: ClassVar[Mapping[str, Sweep]] = {
        "ssim-win": Sweep(field="window", values=WINDOWS),
        "ssim-lambda": Sweep(field="loss_weight", values=LAMBDAS),
    }

    @field_validator("window")
    @classmethod
    def _odd(cls, window: int) -> int:
        if window % 2 == 0:
            raise ValueError(f"the window needs a middle: an odd number of cells, found {window}")
        return window

"""Settings and rows of classifier-to-detector distillation. Imports no torch."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Literal

from pydantic import Field, field_validator

from methods.settings.base import Settings, Sweep, Variant

Layer = Literal["obj", "l0", "l1", "l2", "l3", "l4"]
"""`obj`: the pixels; `l0`: the classifier's stem; `l1` to `l4`: its residual stages."""
NO_CLASSES = {"classification_weight": 0.0}
NO_PLACES = {"localisation_weight": 0.0}
PIXELS_ALONE = {**NO_CLASSES, "layers": ("obj",)}
PRINTED_POOL = {"pixel_pool": 8}
"""The size at which the paper's sweep of pooled pixels prints the numbers of its main rows."""
WEIGHTS_AND_TEMPERATURES = (
    *(("0.1", "1"), ("0.1", "2"), ("0.2", "1"), ("0.3", "1")),
    *(("0.4", "1"), ("0.4", "2"), ("0.4", "3")),
)


class ICDSettings(Settings):
    method = "icd"
    module = "methods.icd"
    title = "Classifier-to-detector"
    citation = (
        "Guo, Alvarez and Salzmann, Distilling Image Classifiers in Object Detectors, NeurIPS 2021,"
        " arXiv 2106.05209"
    )
    needs: ClassVar[frozenset[str]] = frozenset({"positives", "classifier"})

    classification_weight: float = Field(0.4, ge=0)
    """Of KD_cls; a term with weight 0 is not computed."""
    temperature: float = Field(2.0, gt=0)
    localisation_weight: float = Field(0.15, ge=0)
    """Of KD_loc and of the pixel term alike, as in the released code, which has SSD300 alone.
    Pixels are compared as the classifier sees them, so its `pixel_std` decides what it means."""
    layers: tuple[Layer, ...] = Field(("obj", "l0"), min_length=1)
    """What the predicted and the true crop are compared by."""
    stem: Literal["after-pool", "before-pool"] = "after-pool"
    """Where `l0` is read: behind the stem's max-pooling (the code), before it (the paper)."""
    crop_size: int | None = Field(None, ge=4)
    """Side of the crops that are compared; None takes the classifier's own input size."""
    pixel_pool: int = Field(4, ge=1)
    """4 is the code's. The paper's main rows seem to have 8: the rows that are held against its
    pixels and layers do, and so does `icd-pool8`."""
    feature_pool: int = Field(8, ge=1)
    """Side of pooled features of the first layer that is one; each deeper one has twice as many."""
    layer_mean: Literal["code", "paper"] = "code"
    """`code`: mean over pixels plus mean over feature layers; `paper`: mean over all layers."""
    chunk: int = Field(256, ge=1)
    """Crops that are alive at once; bounds the memory, changes no value."""
    weight: float = Field(1.0, ge=0)
    """Factor on all terms, for sweeps."""

    variants: ClassVar[Mapping[str, Variant]] = {
        "icd-cls": Variant(settings=NO_PLACES, note="class scores only"),
        "icd-loc": Variant(settings=NO_CLASSES, note="pixels and features only"),
        "icd-loc-pixels": Variant(
            settings={**PIXELS_ALONE, **PRINTED_POOL}, note="pixels only, pooled to 8x8"
        ),
        "icd-l0-conv": Variant(settings={"stem": "before-pool"}),
        "icd-pool8": Variant(settings=PRINTED_POOL),
        "icd-paper-norm": Variant(settings={"layer_mean": "paper"}),
        **{
            f"icd-cls-lambda-{weight}-T-{temperature}": Variant(
                settings={
                    **NO_PLACES,
                    "classification_weight": float(weight),
                    "temperature": float(temperature),
                }
            )
            for weight, temperature in WEIGHTS_AND_TEMPERATURES
        },
        **{
            f"icd-cls-teacher-{name}": Variant(
                settings=NO_PLACES, run={"teacher": name} if name != "r50" else {}
            )
            for name in ("r18", "r50", "x101")
        },
        **{
            f"icd-cls-input-{size}": Variant(
                settings=NO_PLACES, run={"teacher": f"input-{size}"} if size != 112 else {}
            )
            for size in (56, 112, 224)
        },
        **{
            f"icd-loc-crop-{size}": Variant(settings={**PIXELS_ALONE, "crop_size": size})
            for size in (14, 28, 56, 112, 224)
        },
        **{
            f"icd-loc-pool-{size}": Variant(settings={**PIXELS_ALONE, "pixel_pool": size})
            for size in (2, 4, 8, 16)
        },
        **{
            f"icd-loc-layers-{'+'.join(layers)}": Variant(
                settings={**NO_CLASSES, **PRINTED_POOL, "layers": layers}
            )
            for layers in (("obj",), ("l0",), ("obj", "l0"), ("obj", "l0", "l1"))
        },
    }
    sweeps: ClassVar[Mapping[str, Sweep]] = {
        # From SSD's weight to beyond 57 times it: so much smaller are pixels that were divided by
        # their deviation.
        "icd-loc-lambda": Sweep(
            field="localisation_weight",
            values=("0.15", "0.5", "1.5", "5", "15"),
            settings=NO_CLASSES,
        ),
    }

    @field_validator("layers")
    @classmethod
    def _once(cls, layers: tuple[Any, ...]) -> tuple[Any, ...]:
        if len(set(layers)) < len(layers):
            raise ValueError("names a layer twice")
        return layers

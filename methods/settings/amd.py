"""Settings and rows of AMD. Imports no torch."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Literal

from pydantic import Field, model_validator

from methods.settings.base import Family, RunOptions, Sweep, Variant
from methods.settings.mgd import MGDSettings


class AMDSettings(MGDSettings):
    """MGD's settings (`masked` is the share that `mask="random"` hides), and AMD's switches."""

    method = "amd"
    module = "methods.amd"
    title = "AMD"
    citation = "Yang et al., AMD: Adaptive Masked Distillation, arXiv 2301.13538"

    mask: Literal["hide-high", "hide-low", "random-matched", "random", "none"] = "hide-high"
    """`hide-low` and `random-matched` hide as many cells as `hide-high` would."""
    attention: Literal["teacher", "student"] = "teacher"
    tau: float = Field(0.5, gt=0)
    threshold: Literal["absolute", "quantile"] = "absolute"
    theta: float = Field(1.0, gt=0)
    """Attention from which a cell is hidden, in `absolute`; its mean is 1, so this is no share."""
    quantile: float = Field(0.65, ge=0, le=1)
    """Share of an image's cells that is hidden, in `quantile`."""
    cap: float = Field(1.0, ge=0, le=1)
    """No more than this share of an image's cells is hidden by attention; 1 is no cap."""
    gate: Literal["se", "off"] = "se"
    gate_input: Literal["student", "masked", "generated", "teacher"] = "student"
    gate_position: Literal["after", "before"] = "after"
    """Of the generator."""
    gate_reduction: int = Field(16, ge=1)
    gate_start: Literal["plain", "identity"] = "plain"

    by_family: ClassVar[Mapping[Family, Mapping[str, Any]]] = {
        **MGDSettings.by_family,
        "two-stage": {**MGDSettings.by_family["two-stage"], "quantile": 0.45},
    }
    run = RunOptions(inherit=True, clip=35.0)
    variants: ClassVar[Mapping[str, Variant]] = {
        "amd-mask-only": Variant(settings={"gate": "off"}),
        "amd-gate-only": Variant(settings={"mask": "random"}, note="MGD's mask, AMD's gate"),
        "amd-neither": Variant(settings={"mask": "random", "gate": "off"}, note="equals mgd"),
        "amd-random-matched": Variant(
            settings={"mask": "random-matched"}, note="how much is hidden, without where"
        ),
        "amd-hide-low": Variant(settings={"mask": "hide-low"}),
        "amd-nomask": Variant(settings={"mask": "none"}),
        "amd-nomask-nogate": Variant(
            settings={"mask": "none", "gate": "off"}, note="equals mgd-nomask"
        ),
        "amd-quantile": Variant(
            settings={"threshold": "quantile"}, note="MGD's share, by attention"
        ),
        "amd-student-attn": Variant(settings={"attention": "student"}),
        "amd-gate-teacher": Variant(settings={"gate_input": "teacher"}),
        "amd-gate-masked": Variant(settings={"gate_input": "masked"}),
        "amd-gate-x": Variant(settings={"gate_input": "generated"}),
        "amd-gate-before": Variant(settings={"gate_position": "before"}),
        "amd-r4": Variant(settings={"gate_reduction": 4}),
        "amd-gate-identity": Variant(settings={"gate_start": "identity"}),
        "amd-teacher-3xms": Variant(run={"teacher": "3xms"}, families=("one-stage",)),
        "amd-noinherit": Variant(run={"inherit": False}),
        "amd-mean": Variant(settings={"normalise": "reference"}, note="resolution control"),
    }
    sweeps: ClassVar[Mapping[str, Sweep]] = {
        "amd-tau": Sweep(field="tau", values=("0.3", "0.5", "0.8", "1.0", "1.2")),
        "amd-theta": Sweep(field="theta", values=("0.5", "0.8", "1.0", "1.2", "1.5")),
        "amd-cap": Sweep(field="cap", values=("0.75",)),
    }

    @model_validator(mode="after")
    def _gate_sees_what_exists(self) -> AMDSettings:
        if self.gate_position == "before" and self.gate_input == "generated":
            raise ValueError("a gate before the generator cannot look at the generated map")
        return self

"""Settings and rows of FGD. Imports no torch."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Literal

from pydantic import Field

from methods.settings.base import Family, FeatureSettings, RunOptions, Sweep, Variant

NO_INHERIT = {"inherit": False}
FOCAL = {"context": 0.0}
"""Without the global term."""
GLOBAL = {"foreground": 0.0, "background": 0.0, "attention": 0.0}
"""Nothing but the global term."""
AREA = {"attention": 0.0, "context": 0.0}
"""Nothing but the weighted imitation of one or both areas."""
PAPER_ATTENTION: dict[Family, dict[str, Any]] = {
    "one-stage": {"attention": 1e-3},
    "anchor-free": {"attention": 8e-3},
}


class FGDSettings(FeatureSettings):
    """The four weights carry the paper's letters alpha, beta, gamma, lambda."""

    method = "fgd"
    module = "methods.fgd"
    title = "FGD"
    citation = "Yang et al., Focal and Global Knowledge Distillation, CVPR 2022, arXiv 2111.11837"

    foreground: float = Field(1e-3, ge=0)
    background: float = Field(5e-4, ge=0)
    attention: float = Field(5e-4, ge=0)
    context: float = Field(5e-6, ge=0)
    tau: float = Field(0.5, gt=0)
    weigh: Literal["both", "cells", "channels", "none"] = "both"
    """Whose attention weighs the imitation, and is itself imitated."""
    split: bool = True
    """Foreground and background normalised and weighted on their own; if not, every cell counts
    the same, with the mean of the two weights over all cells."""
    relation: Literal["global-context", "non-local"] = "global-context"
    stretch_boxes: bool = True
    """Boxes relative to the image before padding, on maps of the padded one, as released."""
    inclusive_boxes: bool = True
    """Last row and column of a box belong to it, and to its area, as released."""

    by_family: ClassVar[Mapping[Family, Mapping[str, Any]]] = {
        "two-stage": {
            "foreground": 5e-5,
            "background": 2.5e-5,
            "attention": 5e-5,
            "context": 5e-7,
        },
        "anchor-free": {
            "foreground": 1.6e-3,
            "background": 8e-4,
            "attention": 8e-4,
            "context": 8e-6,
        },
        "ssd": {"tap": "neck-out"},
    }
    run = RunOptions(inherit=True, clip=35.0)
    variants: ClassVar[Mapping[str, Variant]] = {
        "fgd-code": Variant(note="the default: weights of the released configurations"),
        "fgd-paper": Variant(by_family=PAPER_ATTENTION, note="the paper's attention weights"),
        "fgd-fcos": Variant(
            settings={"tau": 0.8}, families=("anchor-free",), note="FCOS as released"
        ),
        "fgd-noinherit": Variant(run=NO_INHERIT),
        "fgd-focal": Variant(settings=FOCAL, run=NO_INHERIT),
        "fgd-global": Variant(settings=GLOBAL, run=NO_INHERIT),
        "fgd-focal-spatial": Variant(settings={**FOCAL, "weigh": "cells"}, run=NO_INHERIT),
        "fgd-focal-channel": Variant(settings={**FOCAL, "weigh": "channels"}, run=NO_INHERIT),
        "fgd-area-fg": Variant(settings={**AREA, "background": 0.0}, run=NO_INHERIT),
        "fgd-area-bg": Variant(settings={**AREA, "foreground": 0.0}, run=NO_INHERIT),
        "fgd-area-unsplit": Variant(settings={**AREA, "split": False}, run=NO_INHERIT),
        "fgd-area-split": Variant(settings=AREA, run=NO_INHERIT),
        "fgd-relation-nonlocal": Variant(
            settings={**GLOBAL, "relation": "non-local"}, run=NO_INHERIT
        ),
        "fgd-relation-gc": Variant(settings=GLOBAL, run=NO_INHERIT),
        "fgd-strict-boxes": Variant(settings={"stretch_boxes": False, "inclusive_boxes": False}),
        "fgd-true-boxes": Variant(
            settings={"stretch_boxes": False}, note="boxes not stretched, ends as released"
        ),
        "fgd-mean": Variant(settings={"normalise": "reference"}, note="resolution control"),
    }
    sweeps: ClassVar[Mapping[str, Sweep]] = {
        "fgd-tau": Sweep(field="tau", values=("0.3", "0.5", "0.8", "1.0", "1.2"), run=NO_INHERIT),
    }

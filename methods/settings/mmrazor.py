"""Settings of mmrazor's own CWD, PKD, MGD and FBKD, in its configurations' terms. No torch."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Literal

from pydantic import Field

from methods.settings.base import Factors, Family, FeatureSettings, Levels, RunOptions, Tap
from methods.settings.fkd import TWO_STAGE
from methods.settings.mgd import MGDSettings
from methods.settings.pkd import PKDSettings


class MMRazorCWDSettings(FeatureSettings):
    method = "mmrazor-cwd"
    module = "methods.mmrazor"
    title = "CWD (mmrazor)"
    citation = "mmrazor 1.0.0, ChannelWiseDivergence"

    tap: Tap = "neck-out"
    tau: float = Field(1.0, gt=0)
    loss_weight: float = Field(10.0, ge=0)


class MMRazorPKDSettings(FeatureSettings):
    method = "mmrazor-pkd"
    module = "methods.mmrazor"
    title = "PKD (mmrazor)"
    citation = "mmrazor 1.0.0, PKDLoss"

    tap: Tap = "neck-out"
    levels: Levels | None = PKDSettings.model_fields["levels"].default
    loss_weight: float = Field(PKDSettings.model_fields["loss_weight"].default, ge=0)
    resize_stu: bool = True
    pairing: Literal["index", "stride"] = PKDSettings.model_fields["pairing"].default
    """Its configurations name the levels by their places on both sides."""

    by_family: ClassVar[Mapping[Family, Mapping[str, Any]]] = PKDSettings.by_family


class MMRazorMGDSettings(FeatureSettings):
    method = "mmrazor-mgd"
    module = "methods.mmrazor"
    title = "MGD (mmrazor)"
    citation = "mmrazor 1.0.0, MGDConnector and MGDLoss"

    alpha_mgd: float = Field(MGDSettings.model_fields["alpha"].default, ge=0)
    lambda_mgd: float = Field(MGDSettings.model_fields["masked"].default, ge=0, le=1)

    by_family: ClassVar[Mapping[Family, Mapping[str, Any]]] = {
        family: {
            {"alpha": "alpha_mgd", "masked": "lambda_mgd"}.get(name, name): value
            for name, value in settings.items()
        }
        for family, settings in MGDSettings.by_family.items()
    }
    run = RunOptions(inherit=True)  # its configuration sets a clip that its runner does not read


class MMRazorFBKDSettings(FeatureSettings):
    method = "mmrazor-fbkd"
    module = "methods.mmrazor"
    title = "FBKD (mmrazor)"
    citation = "mmrazor 1.0.0, FBKDStudentConnector, FBKDTeacherConnector and FBKDLoss"

    levels: Levels | None = (0, 1, 2, 3)
    mask_l2_weight: float = Field(TWO_STAGE["features_weight"], ge=0)
    channel_weight: float = Field(TWO_STAGE["channel_transfer_weight"], ge=0)
    spatial_weight: float = Field(TWO_STAGE["spatial_transfer_weight"], ge=0)
    nonlocal_weight: float = Field(TWO_STAGE["relation_weight"], ge=0)
    temperature: float = Field(0.5, gt=0)
    reductions: Factors = (4, 4, 2, 2)
    maxpool_strides: Factors = (8, 4, 2, 2)
    """By level of the tap; mmcv's block halves the map once more before."""

    by_family: ClassVar[Mapping[Family, Mapping[str, Any]]] = {"ssd": {"tap": "neck-out"}}

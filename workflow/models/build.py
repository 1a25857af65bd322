"""From a definition to a detector with its first weights."""

from __future__ import annotations

import copy
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import workflow.compat

workflow.compat.install()

from mmdet.models.detectors.base import BaseDetector  # noqa: E402
from mmdet.registry import MODELS  # noqa: E402
from mmdet.utils import register_all_modules  # noqa: E402
from mmengine.config import Config  # noqa: E402
from mmengine.logging import MMLogger  # noqa: E402

from workflow.data.catalogue import DataSet  # noqa: E402
from workflow.distill.streams import isolated, seed_of  # noqa: E402
from workflow.models.coco import Scales, coco_config  # noqa: E402
from workflow.models.schema import DetectorDefinition  # noqa: E402

PROBE_SIDE = 256
"""Pixels; any detector with a feature pyramid accepts it, and its coarsest map has four cells."""


def build_config(definition: DetectorDefinition, data: DataSet, image_scale: Scales = ()) -> Config:
    """What a program needs of a detector, whichever its fidelity:

    `model`             for mmdet's registry;
    `train_pipeline`, `test_pipeline`   the packaged configuration's own, None for mini detectors;
    `shift`             pixels by which training images move instead of being mirrored (mini);
    `masks`             whether training needs instance masks;
    `image_size`        a (height, width) that the detector accepts, for probing its pyramid.
    """
    if definition.fidelity == "mini":
        config = _mini(definition, data)
    else:
        config = coco_config(definition, len(data.classes), image_scale)
    config.masks = _trains_masks(config.model)
    config.image_size = _fixed_size(config.test_pipeline) or (PROBE_SIDE, PROBE_SIDE)
    return config


def build_detector(config: Config, seed: int, pretrained: bool = True) -> BaseDetector:
    """The detector with its initial weights, which depend on `seed` and nothing else.

    The global generators are left as they were found. Without `pretrained` nothing is downloaded:
    the backbone starts at random (a checkpoint is about to be loaded, or a test is running).
    """
    register_all_modules(init_default_scope=True)
    model = copy.deepcopy(config.model)
    if not pretrained:
        model.backbone.init_cfg = None
    with isolated(seed_of("initial weights", seed)), _quiet():
        detector: BaseDetector = MODELS.build(model)
        detector.init_weights()
    return detector


def _mini(definition: DetectorDefinition, data: DataSet) -> Config:
    from workflow.models.mini import MiniOptions, model_config

    options = MiniOptions.model_validate(definition.options)
    model = model_config(options, len(data.classes), data.pixel_mean, data.pixel_std)
    return Config(
        {"model": model, "train_pipeline": None, "test_pipeline": None, "shift": options.shift}
    )


def _trains_masks(model: dict[str, Any]) -> bool:
    return "mask_head" in model.get("roi_head", {}) or "mask_head" in model


def _fixed_size(pipeline: list[dict[str, Any]] | None) -> tuple[int, int] | None:
    """(height, width) where every image is squeezed to one size, as in SSD."""
    for step in pipeline or ():
        if step["type"] == "Resize" and "scale" in step and not step.get("keep_ratio", False):
            width, height = step["scale"]
            return height, width
    return None


@contextmanager
def _quiet() -> Iterator[None]:
    """mmengine tells of every single tensor that it initialises."""
    logger = MMLogger.get_current_instance()
    level = logger.level
    logger.setLevel(logging.WARNING)
    try:
        yield
    finally:
        logger.setLevel(level)

"""Detectors at the papers' scale, from the configurations that mmdet's wheel ships.

The files are read where the wheel put them and never copied; a definition's `options` are merged
over them, and the number of classes and the image scales are set to what the run has.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from mmengine.config import Config, ConfigDict

from workflow.models.schema import DetectorDefinition
from workflow.models.zoo import packaged_configs

Scales = Sequence[tuple[int, int]]
RESIZES = ("Resize", "RandomResize", "RandomChoiceResize", "FixScaleResize")
LOADERS = ("LoadImageFromFile", "LoadAnnotations")


class ConfigError(ValueError):
    """A definition whose packaged configuration is missing or has not the expected shape."""


def coco_config(definition: DetectorDefinition, classes: int, image_scale: Scales = ()) -> Config:
    """`model`, `train_pipeline` and `test_pipeline`, with the run's classes and scales.

    `image_scale` holds (long, short) sides: one is a fixed size, several are drawn from in
    training and the last is used in testing; none leaves the packaged pipelines as they are.
    """
    config = read_packaged(definition)
    for part in _dictionaries(config.model):
        if "num_classes" in part:
            part.num_classes = classes
    train = _pipeline(config.train_dataloader.dataset)
    test = _pipeline(config.test_dataloader.dataset)
    if image_scale:
        train = [_resized(step, image_scale) for step in train]
        test = [_resized(step, image_scale[-1:]) for step in test]
    return Config({"model": config.model, "train_pipeline": train, "test_pipeline": test})


def read_packaged(definition: DetectorDefinition) -> Config:
    """The packaged configuration with the definition's options over it."""
    path: Path = packaged_configs() / definition.config
    if not definition.config or not path.is_file():
        raise ConfigError(
            f"detector `{definition.name}`: mmdet ships no configuration `{definition.config}`"
        )
    config = Config.fromfile(path)
    config.merge_from_dict(copy.deepcopy(definition.options))
    return config


def _pipeline(dataset: ConfigDict) -> list[dict[str, Any]]:
    """The steps of the innermost data set; how files are read is not the configuration's affair."""
    while "pipeline" not in dataset:
        dataset = dataset.dataset
    steps = [dict(copy.deepcopy(step)) for step in dataset.pipeline]
    for step in steps:
        if step["type"] in LOADERS:
            step.pop("backend_args", None)
    return steps


def _resized(step: dict[str, Any], scales: Scales) -> dict[str, Any]:
    if step["type"] not in RESIZES or not step.get("keep_ratio", False):
        return step
    sides = [tuple(scale) for scale in scales]
    if len(sides) == 1:
        return {"type": "Resize", "scale": sides[0], "keep_ratio": True}
    return {"type": "RandomChoiceResize", "scales": sides, "keep_ratio": True}


def _dictionaries(node: Any) -> Iterator[ConfigDict]:
    if isinstance(node, dict):
        yield node
        for value in node.values():
            yield from _dictionaries(value)
    elif isinstance(node, list | tuple):
        for value in node:
            yield from _dictionaries(value)

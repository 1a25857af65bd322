"""Small real detectors, a method, and one step of training; shared by the tests of this room."""

from __future__ import annotations

from typing import Any

import torch
from mmengine.config import Config
from mmengine.optim import OptimWrapper
from torch import nn

from methods.settings.base import MethodSpec
from methods.settings.resolve import resolve
from tests.compat.detectors import small_config
from workflow.distill.algorithm import Distillation
from workflow.distill.build import build_distillation
from workflow.models.build import build_detector

SIDE = 128


def detector(name: str = "RetinaNet", seed: int = 0) -> Any:
    return build_detector(Config({"model": small_config(name)}), seed, pretrained=False)


def row(name: str, family: str = "one-stage", **settings: Any) -> tuple[MethodSpec, ...]:
    return resolve(name, family, settings).methods  # type: ignore[arg-type]


def distillation(
    name: str = "mgd",
    student: nn.Module | None = None,
    teacher: nn.Module | None = None,
    seed: int = 0,
    family: str = "one-stage",
    methods: tuple[MethodSpec, ...] | None = None,
) -> Distillation:
    return build_distillation(
        row(name, family) if methods is None else methods,
        student if student is not None else detector(seed=1),
        teacher if teacher is not None else detector(seed=2),
        family=family,  # type: ignore[arg-type]
        seed=seed,
        image_size=(2 * SIDE, 2 * SIDE),
        classes=80,
    ).train()


def optimiser(model: nn.Module) -> OptimWrapper:
    parameters = [value for value in model.parameters() if value.requires_grad]
    return OptimWrapper(torch.optim.SGD(parameters, lr=0.01, momentum=0.9))

"""The networks of a run, each initialised from a stream of its own."""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from typing import Any

import torch
from mmengine.config import Config
from mmengine.model import BaseModel
from torch import Tensor, nn

from workflow.compat.checkpoints import CheckpointError
from workflow.data.catalogue import DataSet
from workflow.distill.build import DistillationError, build_distillation
from workflow.distill.inherit import InheritError, inherit
from workflow.distill.streams import seed_of
from workflow.distill.taps import TapError
from workflow.download import DownloadError
from workflow.models.build import build_config, build_detector
from workflow.models.classifier import Classifier, ClassifierOptions, build_classifier
from workflow.models.coco import ConfigError
from workflow.models.schema import DetectorDefinition
from workflow.models.weights import WeightsError
from workflow.running import environment
from workflow.running.asked import folder_of
from workflow.running.errors import UserError
from workflow.spec import RunSpec

MISTAKES = (
    CheckpointError, ConfigError, DistillationError, InheritError, TapError, WeightsError,
)  # fmt: skip
"""What building a run's networks can find wrong with what the user asked for."""


def configuration(model: Mapping[str, Any], data: DataSet, spec: RunSpec) -> Config:
    """mmdet's, of one of the run's detectors, at the run's image scales."""
    scales = spec.schedule.image_scale if spec.schedule else ()
    return build_config(DetectorDefinition.model_validate(dict(model)), data, scales)


def student_network(options: argparse.Namespace, spec: RunSpec, data: DataSet) -> BaseModel:
    """The detector that a run trains, before its first step, nothing inherited yet."""
    own = spec.backbone is None and not options.rehearsal
    try:
        network = build_detector(configuration(spec.model, data, spec), spec.seed, pretrained=own)
    except (CheckpointError, WeightsError, DownloadError) as error:
        raise UserError(f"{spec.id}: {error}") from error
    trunk = learnt(options, spec.backbone, "the backbone's run")
    if trunk is not None:
        prefix = "backbone."
        found = {n.removeprefix(prefix): v for n, v in trunk.items() if n.startswith(prefix)}
        network.backbone.load_state_dict(found)
    return quick(network, environment.device())


def training_network(options: argparse.Namespace, spec: RunSpec, data: DataSet) -> BaseModel:
    """What the runner trains: the bare detector, or the algorithm that distils into it."""
    student = student_network(options, spec, data)
    teacher = teacher_network(options, spec, data)
    if spec.options.inherit:
        if teacher is None:
            raise UserError(f"{spec.id}: nothing to inherit from, the run has no detector teacher")
        inherit(student, teacher)
    if not spec.methods:
        return student
    assert spec.family is not None  # students of a suite have one
    distillation = build_distillation(
        spec.methods,
        student,
        teacher,
        family=spec.family,
        seed=spec.seed,
        image_size=configuration(spec.model, data, spec).image_size,
        classes=len(data.classes),
        classifier=classifier_network(options, spec, data),
    )
    if spec.options.teacher == "shuffled":
        assert distillation.pixels is not None  # there is a teacher to be shuffled
        distillation.pixels = OtherImages(distillation.pixels)
    return distillation


def teacher_network(options: argparse.Namespace, spec: RunSpec, data: DataSet) -> BaseModel | None:
    """Frozen, with its run's weights; `untrained` ones keep those they are initialised with."""
    if spec.teacher_model is None:
        return None
    config = configuration(spec.teacher_model, data, spec)
    teacher = build_detector(config, seed_of("teacher", spec.seed), pretrained=False)
    weights = learnt(options, spec.teacher, "the teacher's run")
    if weights is not None:
        teacher.load_state_dict(weights)
    return quick(teacher, environment.device()).requires_grad_(False).eval()


def quick(network: BaseModel, device: torch.device) -> BaseModel:
    """Channels last, on a CPU; what it brings is the row `contiguous` of benchmarks.bench_steps."""
    if device.type == "cpu":
        network.to(memory_format=torch.channels_last)
    return network


def classifier_network(
    options: argparse.Namespace, spec: RunSpec, data: DataSet
) -> Classifier | None:
    """The frozen teacher of crops, with its run's weights."""
    if spec.classifier is None:
        return None
    network = build_classifier(
        ClassifierOptions.model_validate(spec.classifier.model["options"]),
        len(data.classes),
        data.pixel_mean,
        data.pixel_std,
        seed_of("classifier", spec.seed),
        pretrained=False,
    )
    weights = learnt(options, spec.classifier, "the classifier's run")
    if weights is not None:
        network.load_state_dict(weights)
    frozen: Classifier = network.requires_grad_(False).eval()
    return frozen


def learnt(options: argparse.Namespace, run: RunSpec | None, what: str) -> dict[str, Tensor] | None:
    """The weights of a run that this one needs. In a rehearsal nothing has been learnt yet."""
    if run is None or options.rehearsal:
        return None
    return load_weights(folder_of(options, run, what).student)


def load_weights(path: Any) -> dict[str, Tensor]:
    content = torch.load(path, map_location="cpu", weights_only=True)
    found: dict[str, Tensor] = content["state_dict"]
    return found


class OtherImages(nn.Module):
    """A control: the teacher is shown the batch's neighbouring image, so that what it says is a
    teacher's, and about nothing that the student sees."""

    def __init__(self, pixels: nn.Module) -> None:
        super().__init__()
        self.pixels = pixels

    def forward(self, images: Tensor, sizes: Sequence[tuple[int, int]]) -> Tensor:
        rolled: Tensor = self.pixels(images.roll(1, 0), (*sizes[-1:], *sizes[:-1]))
        return rolled


def student_of(model: nn.Module) -> nn.Module:
    """The detector inside whatever was trained."""
    found: nn.Module = getattr(model, "student", model)
    return found

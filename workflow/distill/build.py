"""From a run's methods to the algorithm that trains with them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from mmengine.model import BaseModel
from torch import nn

from methods.build import build
from methods.contract import Context
from methods.settings.base import Family, FeatureSettings, MethodSpec
from methods.settings.resolve import settings_of
from workflow.distill.algorithm import Distillation
from workflow.distill.positives import PositivesError, RoIRecorder, recorder_of
from workflow.distill.streams import isolated, seed_of
from workflow.distill.taps import Level, Pairing, check_logits, pair_levels, probe


class DistillationError(ValueError):
    """A method that cannot work on this pair."""


def build_distillation(
    methods: Sequence[MethodSpec],
    student: BaseModel,
    teacher: BaseModel | None,
    *,
    family: Family,
    seed: int,
    image_size: tuple[int, int],
    classes: int,
    classifier: nn.Module | None = None,
) -> Distillation:
    """`image_size` is any (height, width) that the detectors accept; SSDs accept only their own.

    The distillers' initial weights come from a stream of their own: the global generators are left
    as they were found, so the student's data order is that of the undistilled run of its seed.
    """
    distillers, pairings, positives = {}, {}, None
    probed: dict[tuple[int, str], tuple[Level, ...]] = {}
    with isolated(seed_of("distillers", seed)):
        for spec in methods:
            settings = settings_of(spec)
            needs = settings.requirements()
            for need, given in (
                ("features", teacher),
                ("classifier", classifier),
            ):
                if need in needs and given is None:
                    raise DistillationError(f"method `{spec.method}` needs {_WHAT[need]}")
            if "positives" in needs:
                try:
                    positives = recorder_of(student)
                except PositivesError as error:
                    raise DistillationError(f"method `{spec.method}`: {error}") from error
            if "cells" in needs and isinstance(positives, RoIRecorder):
                raise DistillationError(
                    f"method `{spec.method}` needs positives that lie in cells of the pyramid; "
                    f"those of this {type(student).__name__} are proposals, which do not"
                )
            pairing = None
            if isinstance(settings, FeatureSettings) and teacher is not None:
                levels = []
                for detector in (student, teacher):
                    key = (id(detector), settings.tap)
                    if key not in probed:
                        probed[key] = probe(detector, settings.tap, image_size)
                    levels.append(probed[key])
                pairing = pairings[spec.method] = pair_levels(settings, *levels)
                if settings.tap == "cls-logits":
                    check_logits(student, teacher)
                # What a method holds per level follows the levels that there really are.
                settings = settings.model_copy(update={"levels": pairing.student})
            distillers[spec.method] = build(
                settings, _context(family, pairing, classes, classifier, student)
            )
        return Distillation(student, teacher, distillers, pairings, seed, positives, classifier)


_WHAT = {
    "features": "a detector as teacher, and this pair has none",
    "classifier": "a classifier as teacher, and this pair has none",
}


def _context(
    family: Family,
    pairing: Pairing | None,
    classes: int,
    classifier: nn.Module | None,
    student: BaseModel,
) -> Context:
    preprocessor = student.data_preprocessor
    # Images are read as BGR; mmengine keeps one flag for both directions of the conversion.
    pixels: dict[str, Any] = {"pixel_rgb": bool(preprocessor._channel_conversion)}
    if preprocessor._enable_normalize:
        pixels |= {
            "pixel_mean": tuple(preprocessor.mean.flatten().tolist()),
            "pixel_std": tuple(preprocessor.std.flatten().tolist()),
        }
    return Context(
        family=family,
        student_channels=pairing.student_channels if pairing else (),
        teacher_channels=pairing.teacher_channels if pairing else (),
        strides=pairing.strides if pairing else (),
        classes=classes,
        classifier=classifier,
        **pixels,
    )

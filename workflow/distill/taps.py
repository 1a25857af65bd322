"""Where a detector's maps are read, and which map of the student meets which of the teacher."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from mmdet.models.dense_heads import FCOSHead, GFLHead, RepPointsHead, RetinaHead
from mmdet.models.detectors.base import BaseDetector
from torch import Tensor, nn

from methods.contract import Pyramid
from methods.settings.base import FeatureSettings, Tap

FPN_CONVOLUTIONS = ("fpn_convs", "out_convs")
"""Names that the necks give the list of their output convolutions."""
LOGIT_HEADS = (RetinaHead, GFLHead, FCOSHead, RepPointsHead)
"""They return the class logits of all levels before anything else."""


class TapError(ValueError):
    """A tap or a level that the detector does not have."""


@dataclass(frozen=True)
class Level:
    """One map of a tap."""

    channels: int
    stride: int


@dataclass(frozen=True)
class Pairing:
    """The maps of a tap that a method works on, as indices on both sides, fine to coarse."""

    tap: Tap
    student: tuple[int, ...]
    teacher: tuple[int, ...]
    student_channels: tuple[int, ...]
    teacher_channels: tuple[int, ...]
    strides: tuple[int, ...]


def tap_paths(detector: nn.Module, tap: Tap) -> tuple[str, ...]:
    """The modules whose outputs are the tap's maps; neck and head return all of them at once.

    `fpn-conv` is the bare convolution inside mmcv's ConvModule: before its norm, if it has one.
    """
    if tap == "neck-out":
        return ("neck",)
    if tap == "cls-logits":
        head = getattr(detector, "bbox_head", None)
        if not isinstance(head, LOGIT_HEADS):
            known = ", ".join(sorted(kind.__name__ for kind in LOGIT_HEADS))
            found = type(head if head is not None else detector).__name__
            raise TapError(f"tap `cls-logits` reads these heads: {known}; found {found}")
        return ("bbox_head",)
    for name in FPN_CONVOLUTIONS:
        convolutions = getattr(detector.neck, name, None)
        if convolutions is not None:
            return tuple(f"neck.{name}.{index}.conv" for index in range(len(convolutions)))
    raise TapError(
        f"tap `fpn-conv`: the neck {type(detector.neck).__name__} has no output convolutions; "
        "use tap `neck-out`"
    )


def joined(tap: Tap, outputs: Sequence[Any]) -> Pyramid:
    """What the modules of a tap returned, as one pyramid."""
    if tap == "cls-logits":
        (predictions,) = outputs
        outputs = predictions[0]
    maps: list[Tensor] = []
    for output in outputs:
        maps.extend([output] if isinstance(output, Tensor) else output)
    return tuple(maps)


def run_to(detector: Any, taps: Collection[Tap], images: Tensor) -> None:
    """No further than the taps: backbone and neck, and the head where its logits are asked for."""
    features = detector.extract_feat(images)
    if "cls-logits" in taps:
        detector.bbox_head(features)


def check_logits(student: Any, teacher: Any) -> None:
    """Two heads' logits mean the same only for the same classes and anchors of a cell."""
    for what, count in (
        ("class channels", lambda head: head.cls_out_channels),
        ("anchors per cell", lambda head: head.prior_generator.num_base_priors[0]),
    ):
        found = [count(detector.bbox_head) for detector in (student, teacher)]
        if found[0] != found[1]:
            raise TapError(
                f"tap `cls-logits`: student and teacher must agree in {what}; "
                f"student {found[0]}, teacher {found[1]}"
            )


@torch.no_grad()
def probe(detector: BaseDetector, tap: Tap, size: tuple[int, int]) -> tuple[Level, ...]:
    """The tap's levels, found by passing one blank image of `size` as far as the tap."""
    paths = tap_paths(detector, tap)
    outputs: dict[str, Any] = {}
    handles = [
        detector.get_submodule(path).register_forward_hook(
            lambda _module, _inputs, output, path=path: outputs.__setitem__(path, output)
        )
        for path in paths
    ]
    was_training = detector.training
    detector.eval()
    try:
        device = next(detector.parameters()).device
        run_to(detector, (tap,), torch.zeros(1, 3, *size, device=device))
    finally:
        detector.train(was_training)
        for handle in handles:
            handle.remove()
    return tuple(
        Level(channels=found.shape[1], stride=round(size[0] / found.shape[2]))
        for found in joined(tap, [outputs[path] for path in paths])
    )


def pair_levels(
    settings: FeatureSettings, student: Sequence[Level], teacher: Sequence[Level]
) -> Pairing:
    """By stride, or by index where the method's own `pairing` says so; then `levels` chooses.

    The two differ only where the pyramids start at different strides (a Mask R-CNN teaching a
    RetinaNet); maps that have no partner are left out.
    """
    if getattr(settings, "pairing", "stride") == "index":
        partners = {index: index for index in range(min(len(student), len(teacher)))}
    else:
        by_stride = {level.stride: index for index, level in enumerate(teacher)}
        partners = {
            index: by_stride[level.stride]
            for index, level in enumerate(student)
            if level.stride in by_stride
        }
    if not partners:
        raise TapError(
            f"tap `{settings.tap}`: no stride in common; student {[x.stride for x in student]}, "
            f"teacher {[x.stride for x in teacher]}"
        )
    asked = range(len(student)) if settings.levels is None else settings.levels
    strange = [index for index in asked if index >= len(student)]
    wanted = tuple(index for index in asked if index in partners)
    if strange or not wanted:
        raise TapError(
            f"levels {strange or list(asked)} of tap `{settings.tap}` do not exist on both sides; "
            f"allowed: {list(partners)}"
        )
    chosen = tuple(partners[index] for index in wanted)
    return Pairing(
        tap=settings.tap,
        student=wanted,
        teacher=chosen,
        student_channels=tuple(student[index].channels for index in wanted),
        teacher_channels=tuple(teacher[index].channels for index in chosen),
        strides=tuple(student[index].stride for index in wanted),
    )

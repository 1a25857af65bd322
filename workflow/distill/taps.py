"""Where a detector's maps are read, and which map of the student meets which of the teacher."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from mmdet.models.detectors.base import BaseDetector
from torch import Tensor, nn

from methods.contract import Pyramid
from methods.settings.base import FeatureSettings, Tap

FPN_CONVOLUTIONS = ("fpn_convs", "out_convs")
"""Names that the necks give the list of their output convolutions."""


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
    """The modules whose outputs are the tap's maps; the neck itself returns all of them at once.

    `fpn-conv` is the bare convolution inside mmcv's ConvModule: before its norm, if it has one.
    """
    if tap == "neck-out":
        return ("neck",)
    for name in FPN_CONVOLUTIONS:
        convolutions = getattr(detector.neck, name, None)
        if convolutions is not None:
            return tuple(f"neck.{name}.{index}.conv" for index in range(len(convolutions)))
    raise TapError(
        f"tap `fpn-conv`: the neck {type(detector.neck).__name__} has no output convolutions; "
        "use tap `neck-out`"
    )


def joined(outputs: Sequence[Tensor | Sequence[Tensor]]) -> Pyramid:
    """What the modules of a tap returned, as one pyramid."""
    maps: list[Tensor] = []
    for output in outputs:
        maps.extend([output] if isinstance(output, Tensor) else output)
    return tuple(maps)


@torch.no_grad()
def probe(detector: BaseDetector, tap: Tap, size: tuple[int, int]) -> tuple[Level, ...]:
    """The tap's levels, found by passing one blank image of `size` through backbone and neck."""
    paths = tap_paths(detector, tap)
    outputs: dict[str, Tensor | Sequence[Tensor]] = {}
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
        detector.extract_feat(torch.zeros(1, 3, *size, device=device))
    finally:
        detector.train(was_training)
        for handle in handles:
            handle.remove()
    return tuple(
        Level(channels=found.shape[1], stride=round(size[0] / found.shape[2]))
        for found in joined([outputs[path] for path in paths])
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

"""How the student's map gets the teacher's shape.

A 1x1 convolution with bias where the channels differ, nothing otherwise. Never an activation: a
rectified map cannot equal a teacher's map that has negative values.
"""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn import functional

from methods.contract import Context


def align(student_channels: int, teacher_channels: int, always: bool = False) -> nn.Module:
    """1x1 convolution with bias; the identity for equal channels unless `always`."""
    if student_channels == teacher_channels and not always:
        return nn.Identity()
    return nn.Conv2d(student_channels, teacher_channels, kernel_size=1)


def align_levels(context: Context, always: bool = False) -> nn.ModuleList:
    """One aligner per level."""
    channels = zip(context.student_channels, context.teacher_channels, strict=True)
    return nn.ModuleList(align(student, teacher, always) for student, teacher in channels)


def resize_to(features: Tensor, target: Tensor) -> Tensor:
    """Bilinear, corners not aligned; untouched where height and width agree already."""
    size = target.shape[-2:]
    if features.shape[-2:] == size:
        return features
    return functional.interpolate(features, size=size, mode="bilinear", align_corners=False)

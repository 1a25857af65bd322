"""The student's input as the teacher was trained to see it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn


class TeacherPixels(nn.Module):
    """Student and teacher see one augmented batch. Where their detectors normalise pixels
    differently (an RGB teacher with unit variance, a caffe student in BGR), the student's
    normalisation is undone and the teacher's applied; the padding stays zero, as both pad after
    normalising. Where they agree, the very same tensor is handed on.
    """

    scale: Tensor
    shift: Tensor

    def __init__(self, student: nn.Module, teacher: nn.Module) -> None:
        """Takes the two detectors' data preprocessors."""
        super().__init__()
        student_mean, student_std, student_rgb = _normalisation(student)
        teacher_mean, teacher_std, teacher_rgb = _normalisation(teacher)
        self.swap = student_rgb != teacher_rgb
        if self.swap:
            student_mean, student_std = student_mean.flip(0), student_std.flip(0)
        self.register_buffer("scale", student_std / teacher_std, persistent=False)
        self.register_buffer("shift", (student_mean - teacher_mean) / teacher_std, persistent=False)
        self.same = (
            not self.swap
            and bool(torch.equal(student_mean, teacher_mean))
            and bool(torch.equal(student_std, teacher_std))
        )

    def forward(self, inputs: Tensor, image_sizes: Sequence[tuple[int, int]]) -> Tensor:
        if self.same:
            return inputs
        pixels = inputs.flip(1) if self.swap else inputs
        pixels = pixels * self.scale + self.shift  # (N, 3, H, W)
        for image, (height, width) in zip(pixels, image_sizes, strict=True):
            image[:, height:] = 0
            image[:, :, width:] = 0
        return pixels


def _normalisation(preprocessor: Any) -> tuple[Tensor, Tensor, bool]:
    """Mean and deviation in the order of the network's channels, and whether that is RGB.

    Images are read as BGR; mmengine keeps one flag for both directions of the conversion.
    """
    if not preprocessor._enable_normalize:
        zeros = torch.zeros(3, 1, 1)
        return zeros, zeros + 1, bool(preprocessor._channel_conversion)
    return (
        preprocessor.mean.detach().clone().float(),  # (3, 1, 1)
        preprocessor.std.detach().clone().float(),
        bool(preprocessor._channel_conversion),
    )

"""How far is the student's map from the teacher's? The distances of the papers, element by element.

Every distance takes maps (N, C, H, W) of one shape and returns a scalar. Half-precision maps are
compared in float32. The structural distance has a file of its own, `compare_structure`.
"""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from typing import Literal

import torch
import torch.nn.functional as functional
from torch import Tensor

Reduction = Literal["mean", "sum"]
"""`mean`: over images, channels and cells; `sum`: over channels and cells, mean over the images."""
Extent = Literal["tensor", "image", "channel"]
"""What shares one minimum and maximum: the whole batch, an image, or a channel of an image."""


def without_autocast(maps: Tensor) -> AbstractContextManager[object]:
    """Products inside keep their types. (Of a `meta` tensor there is nothing to round.)"""
    kind = maps.device.type
    if not torch.amp.is_autocast_available(kind):
        return nullcontext()
    return torch.autocast(kind, enabled=False)


def full_precision(maps: Tensor) -> Tensor:
    """Half precision to float32; float32 and float64 stay as they are."""
    return maps.float() if maps.dtype in (torch.float16, torch.bfloat16) else maps


def absolute(student: Tensor, teacher: Tensor, reduction: Reduction = "mean") -> Tensor:
    """L1: |S - T|, averaged or summed."""
    return _reduce((full_precision(student) - full_precision(teacher)).abs(), reduction)


def squared(student: Tensor, teacher: Tensor, reduction: Reduction = "mean") -> Tensor:
    """L2: (S - T)^2, averaged or summed."""
    student, teacher = full_precision(student), full_precision(teacher)
    error = functional.mse_loss(student, teacher, reduction=reduction)
    return error if reduction == "mean" else error / student.shape[0]


def root_sum_squares(
    difference: Tensor, together: int | None = None, epsilon: float = 1e-12
) -> Tensor:
    """Euclidean norm over all elements, batch included; with `together`, the mean of the norms of
    so many images each, so that it does not grow with the batch that a device holds. (Of fewer
    images, the last ones, the norm is brought to that size.)

    The root has no derivative at 0; `epsilon` inside it keeps the gradient finite where student
    and teacher are equal, and changes the value by less than its square root.
    """
    squares = full_precision(difference).square()
    if together is None:
        return (squares.sum() + epsilon).sqrt()
    norms = [
        (part.sum() * (together / len(part)) + epsilon).sqrt() for part in squares.split(together)
    ]
    return torch.stack(norms).mean()


def correlation(
    student: Tensor,
    teacher: Tensor,
    *,
    per_image: bool = False,
    detach_statistics: bool = False,
    epsilon: float = 1e-6,
) -> Tensor:
    """PKD: half the mean squared difference of standardised maps, which is 1 - Pearson's r.

    Each channel is standardised with its mean and unbiased deviation over all images and cells,
    or over the cells of one image. `detach_statistics` cuts the gradient through both.
    """
    student = _standardise(full_precision(student), per_image, detach_statistics, epsilon)
    teacher = _standardise(full_precision(teacher), per_image, detach_statistics, epsilon)
    return (student - teacher).square().mean() / 2


def channel_divergence(
    student: Tensor,
    teacher: Tensor,
    temperature: float = 1.0,
    kind: Literal["kl", "cross-entropy"] = "kl",
) -> Tensor:
    """CWD: each channel as a distribution over its cells; mean over images and channels.

    The two kinds differ by the teacher's entropy, so they have the same gradient in the student.
    """
    # (N, C, H W)
    log_student = functional.log_softmax(full_precision(student).flatten(2) / temperature, dim=2)
    log_teacher = functional.log_softmax(full_precision(teacher).flatten(2) / temperature, dim=2)
    surprise = -log_student if kind == "cross-entropy" else log_teacher - log_student
    channels = student.shape[0] * student.shape[1]
    return (log_teacher.exp() * surprise).sum() * temperature**2 / channels


def min_max(
    maps: Tensor, extent: Extent = "channel", *, detach: bool = False, epsilon: float = 1e-6
) -> Tensor:
    """Rescales to [0, 1] by the smallest and largest value; `detach` holds both constant.

    A constant channel becomes 0, and its gradient is as large as 1 / epsilon. Where several cells
    share the smallest or largest value, one of them gets the gradient, as from `torch.min`.
    """
    flat = full_precision(maps).flatten({"tensor": 0, "image": 1, "channel": 2}[extent])
    return _MinMax.apply(flat, detach, epsilon).view(maps.shape)


class _MinMax(torch.autograd.Function):
    """Over the last dimension; the backward is worked out, as it decides what the rows cost."""

    @staticmethod
    def forward(ctx, flat: Tensor, detach: bool, epsilon: float) -> Tensor:
        lowest, first = flat.min(dim=-1, keepdim=True)
        highest, last = flat.max(dim=-1, keepdim=True)
        factor = (highest - lowest + epsilon).reciprocal()
        rescaled = (flat - lowest).mul_(factor)
        ctx.detach = detach
        ctx.save_for_backward(rescaled, factor, first, last)
        return rescaled

    @staticmethod
    def backward(ctx, upstream: Tensor):
        rescaled, factor, first, last = ctx.saved_tensors
        gradient = upstream * factor
        if not ctx.detach:
            # y = (x - low) f, f = 1 / (high - low + epsilon): dy/dlow = f (y - 1), dy/dhigh = -f y
            plain = gradient.sum(dim=-1, keepdim=True)
            weighted = torch.linalg.vecdot(gradient, rescaled).unsqueeze(-1)
            gradient.scatter_add_(-1, first, weighted - plain)
            gradient.scatter_add_(-1, last, -weighted)
        return gradient, None, None


def _reduce(difference: Tensor, reduction: Reduction) -> Tensor:
    return difference.mean() if reduction == "mean" else difference.sum() / difference.shape[0]


def _standardise(maps: Tensor, per_image: bool, detach: bool, epsilon: float) -> Tensor:
    dims = (2, 3) if per_image else (0, 2, 3)
    source = maps.detach() if detach else maps
    # One sample has no deviation: it is its own mean, and its standardised value is 0.
    samples = source.numel() // source.shape[1] // (source.shape[0] if per_image else 1)
    deviation, mean = torch.std_mean(source, dims, correction=min(1, samples - 1), keepdim=True)
    return (maps - mean) / (deviation + epsilon)

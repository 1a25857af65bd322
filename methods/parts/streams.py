"""Sums over maps that make no second map on the way: a few channels at a time.

On a CPU most of a loss's time goes into fresh temporary maps (each page is new to the process), so
a sum over |F| or (S - T)^2 written with whole maps costs two to three times these. Values and
gradients are the same. On other devices a map is taken whole, in few and large kernels.
"""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from methods.parts.compare import without_autocast

CELLS_AT_A_TIME = 1 << 18  # 1 MB in float32: what a core's cache holds


def _parts(maps: Tensor) -> Iterator[tuple[slice, slice]]:
    """Images and channels to take together, of maps (N, C, P)."""
    images, channels, cells = maps.shape
    if maps.device.type != "cpu":
        yield slice(0, images), slice(0, channels)
        return
    step = max(1, CELLS_AT_A_TIME // max(1, cells))
    for image in range(images):
        for start in range(0, channels, step):
            yield slice(image, image + 1), slice(start, start + step)


class _AbsoluteSums(torch.autograd.Function):
    @staticmethod
    def forward(ctx, maps: Tensor) -> tuple[Tensor, Tensor]:
        ctx.save_for_backward(maps)
        images, channels, cells = maps.shape
        over_channels, over_cells = (
            maps.new_zeros(images, 1, cells),
            maps.new_empty(images, channels, 1),
        )
        for image, channel in _parts(maps):
            size = maps[image, channel].abs()
            over_channels[image] += size.sum(dim=1, keepdim=True)
            over_cells[image, channel] = size.sum(dim=2, keepdim=True)
        return over_channels, over_cells

    @staticmethod
    @once_differentiable
    def backward(ctx, by_cell: Tensor, by_channel: Tensor) -> Tensor:
        (maps,) = ctx.saved_tensors
        gradient = torch.empty_like(maps)
        for image, channel in _parts(maps):
            part = torch.sign(maps[image, channel], out=gradient[image, channel])
            part.mul_(by_cell[image] + by_channel[image, channel])
        return gradient


class _WeightedSquares(torch.autograd.Function):
    @staticmethod
    def forward(ctx, student: Tensor, teacher: Tensor, weights: Tensor) -> Tensor:
        ctx.save_for_backward(student, teacher, weights)
        sums = student.new_empty(*student.shape[:2], weights.shape[1])
        for image, channel in _parts(student):
            error = (student[image, channel] - teacher[image, channel]).square_()
            sums[image, channel] = error @ weights[image].transpose(1, 2)
        return sums

    @staticmethod
    @once_differentiable
    def backward(ctx, upstream: Tensor):
        student, teacher, weights = ctx.saved_tensors
        gradient = torch.empty_like(student)
        twice = 2 * upstream
        for image, channel in _parts(student):
            part = torch.bmm(twice[image, channel], weights[image], out=gradient[image, channel])
            part.mul_(student[image, channel] - teacher[image, channel])
        return gradient, None, None


class _WeightedSums(torch.autograd.Function):
    @staticmethod
    def forward(ctx, maps: Tensor, weights: Tensor) -> Tensor:
        ctx.save_for_backward(maps, weights)
        sums = maps.new_empty(*maps.shape[:2], weights.shape[1])
        for image, channel in _parts(maps):
            sums[image, channel] = maps[image, channel] @ weights[image].transpose(1, 2)
        return sums

    @staticmethod
    @once_differentiable
    def backward(ctx, upstream: Tensor) -> tuple[Tensor | None, Tensor]:
        maps, weights = ctx.saved_tensors
        by_weight = torch.zeros_like(weights)
        gradient = torch.empty_like(maps) if ctx.needs_input_grad[0] else None
        for image, channel in _parts(maps):
            part = upstream[image, channel]
            by_weight[image] += part.transpose(1, 2) @ maps[image, channel]
            if gradient is not None:
                torch.bmm(part, weights[image], out=gradient[image, channel])
        return gradient, by_weight


def absolute_sums(maps: Tensor) -> tuple[Tensor, Tensor]:
    """Sums of |F| over the channels (N, 1, H, W), and over the cells (N, C, 1, 1)."""
    over_channels, over_cells = _AbsoluteSums.apply(maps.flatten(2).contiguous())
    return over_channels.unflatten(2, maps.shape[2:]), over_cells[..., None]


def weighted_sums(maps: Tensor, weights: Tensor) -> Tensor:
    """(N, C, K): sums over cells of w_k F, for K weights of every cell (N, K, P). The gradient is
    that of both, in the precision of the maps whatever autocast says.
    """
    with without_autocast(maps):
        return _WeightedSums.apply(maps.flatten(2).contiguous(), weights.to(maps.dtype))


def weighted_squares(student: Tensor, teacher: Tensor, weights: Tensor) -> Tensor:
    """(N, C, K): sums over cells of w_k (S - T)^2, for K weights of every cell (N, K, H, W).

    All in one precision, whatever autocast says. The gradient is the student's only.
    """
    with without_autocast(student):
        return _WeightedSquares.apply(
            student.flatten(2).contiguous(),
            teacher.detach().to(student.dtype).flatten(2).contiguous(),
            weights.detach().to(student.dtype).flatten(2),
        )

"""How similar is the structure of two maps? SSIM per channel, with its three factors.

An 11x11 depthwise convolution costs tens of times an L2 loss. Here the separable window is a banded
matrix for each side of the map, with the padding folded into it, and filtering is two products with
its blocks: `rows @ map @ columns^T`. The value and its gradient are computed together, a few
channels at a time, so that everything between the two maps stays in the cache. Inside, maps lie as
(H, M, W), M channels of some images side by side: then each product is one large one.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

import torch
from torch import Tensor

from methods.parts.compare import full_precision, without_autocast

Factors = Literal["lcs", "cs", "l", "c", "s"]
"""l: luminance, c: contrast, s: structure, and their products."""
Padding = Literal["reflect", "replicate", "zero", "valid"]

_LUMINANCE = 0.01**2  # C1 = (K1 L)^2 with L = 1: maps are rescaled to [0, 1]
_CONTRAST = 0.03**2  # C2
_STRUCTURE = _CONTRAST / 2  # C3
_TINY = 1e-12  # added to the denominator
_LEAST_VARIANCE = 1e-8  # E[x^2] - E[x]^2 can turn slightly negative
_CHUNK = {"cpu": 1 << 17, "cuda": 1 << 25}  # cells at a time: what the caches or the memory hold
_BLOCK = {"cpu": 24, "cuda": 64}  # rows of a band in one product


@dataclass(frozen=True)
class Window:
    """The Gaussian window of the local moments, and what lies beyond the map's border."""

    size: int = 11
    sigma: float = 1.5
    padding: Padding = "reflect"

    def padding_for(self, height: int, width: int) -> Padding:
        """The padding where a map has room for it: reflecting needs more than half a window,
        `valid` a whole one. Other maps are replicated."""
        least = {"reflect": self.size // 2 + 1, "valid": self.size}.get(self.padding, 1)
        return self.padding if min(height, width) >= least else "replicate"


def dissimilarity(
    student: Tensor, teacher: Tensor, window: Window, factors: Factors = "lcs"
) -> Tensor:
    """Mean over images, channels, cells of (1 - SSIM) / 2; its gradient is the student's only."""
    student, teacher = full_precision(student), full_precision(teacher.detach())
    return _Dissimilarity.apply(student, teacher.to(student.dtype), window, factors)


@torch.no_grad()
def dissimilarity_map(
    student: Tensor, teacher: Tensor, window: Window, factors: Factors = "lcs"
) -> Tensor:
    """What `dissimilarity` averages, cell by cell: (N, C, h, w), smaller than the maps if valid."""
    student, teacher = full_precision(student), full_precision(teacher)
    with without_autocast(student):
        sides = (maps.flatten(0, 1).transpose(0, 1) for maps in (student, teacher))
        error = _error(*_moments(*sides, _Bands(student, window), factors), factors)
        return error.transpose(0, 1).unflatten(0, student.shape[:2])


class _Dissimilarity(torch.autograd.Function):
    @staticmethod
    def forward(ctx, student: Tensor, teacher: Tensor, window: Window, factors: Factors) -> Tensor:
        bands = _Bands(student, window)
        height, width = student.shape[2:]
        chunk = max(1, _CHUNK.get(student.device.type, 1 << 25) // (height * width))
        students, teachers = student.flatten(0, 1), teacher.flatten(0, 1)  # (N C, H, W)
        gradient = torch.empty_like(students) if ctx.needs_input_grad[0] else None
        total = student.new_zeros(())
        with without_autocast(student):
            for start in range(0, len(students), chunk):
                part = slice(start, start + chunk)
                one = students[part].transpose(0, 1).contiguous()  # (H, M, W)
                other = teachers[part].transpose(0, 1).contiguous()
                error, slope = _chunk(one, other, bands, factors, wanted=gradient is not None)
                total += error
                if gradient is not None:
                    gradient[part] = slope.transpose(0, 1)
        cells = students.shape[0] * bands.rows.shape[0] * bands.columns.shape[0]
        if gradient is not None:
            ctx.save_for_backward(gradient.view(student.shape))
            ctx.cells = cells
        return total / cells

    @staticmethod
    def backward(ctx, upstream: Tensor):
        (gradient,) = ctx.saved_tensors
        return gradient * (upstream / ctx.cells), None, None, None


def _chunk(
    student: Tensor, teacher: Tensor, bands: _Bands, factors: Factors, *, wanted: bool
) -> tuple[Tensor, Tensor]:
    """Sum of the error over some maps (H, M, W), and its gradient where wanted."""
    known, free = _moments(student, teacher, bands, factors)
    if not wanted:
        return _error(known, free, factors).sum(), student
    with torch.enable_grad():
        total = _error(known, [moment.requires_grad_() for moment in free], factors).sum()
        slopes = torch.autograd.grad(total, free, allow_unused=True, materialize_grads=True)
    mean, energy, product = bands.adjoint(torch.stack(slopes, dim=1)).unbind(1)
    slope = torch.addcmul(mean, student, energy, value=2)
    return total.detach(), slope.addcmul_(teacher, product)


def _moments(
    student: Tensor, teacher: Tensor, bands: _Bands, factors: Factors
) -> tuple[list[Tensor], list[Tensor]]:
    """Windowed moments of maps (H, M, W), each (h, M, w), filtered as one stack.

    Known: E[T], and E[T^2] where contrast and structure need it apart. Free, as they follow the
    student: E[S], E[S^2 + T^2], E[S T].
    """
    apart = factors in ("c", "s")
    stack = student.new_empty(student.shape[0], 5 if apart else 4, *student.shape[1:])
    stack[:, 0], stack[:, 1] = teacher, student
    torch.mul(student, student, out=stack[:, 2]).addcmul_(teacher, teacher)
    torch.mul(student, teacher, out=stack[:, 3])
    if apart:
        torch.mul(teacher, teacher, out=stack[:, 4])
    mean_t, *free = bands.filter(stack).unbind(1)
    return [mean_t, *free[3:]], free[:3]


def _error(known: list[Tensor], free: list[Tensor], factors: Factors) -> Tensor:
    """(1 - SSIM) / 2 per cell, from the windowed moments."""
    mean_t, (mean, energy, product) = known[0], free
    means, squares = mean * mean_t, mean.square() + mean_t.square()
    variances, covariance = energy - squares, product - means
    if factors == "l":
        above, below = 2 * means + _LUMINANCE, squares + _LUMINANCE
    elif "cs" in factors:  # the product of both, where the deviations cancel
        above, below = 2 * covariance + _CONTRAST, variances + _CONTRAST
    else:
        variance_t = (known[1] - mean_t.square()).clamp(min=_LEAST_VARIANCE)
        variance = (energy - known[1] - mean.square()).clamp(min=_LEAST_VARIANCE)
        deviations = (variance * variance_t).sqrt()
        if factors == "c":
            above, below = 2 * deviations + _CONTRAST, variance + variance_t + _CONTRAST
        else:
            above, below = covariance + _STRUCTURE, deviations + _STRUCTURE
    if factors == "lcs":
        above, below = above * (2 * means + _LUMINANCE), below * (squares + _LUMINANCE)
    return ((1 - above / (below + _TINY)) / 2).clamp(0, 1)


class _Bands:
    """The window along both sides of maps of one size: `filter`, and its transpose `adjoint`."""

    def __init__(self, maps: Tensor, window: Window) -> None:
        height, width = maps.shape[-2:]
        padding = window.padding_for(height, width)
        kind = (window.size, window.sigma, padding, maps.dtype, maps.device)
        self.rows, self.columns = _band(height, *kind), _band(width, *kind)  # (out, in) each
        self.half, self.valid = window.size // 2, padding == "valid"
        self.block = _BLOCK.get(maps.device.type, 64)

    def filter(self, maps: Tensor) -> Tensor:
        before, after = (0, 2 * self.half) if self.valid else (self.half, self.half)
        return self._apply(self.rows, self.columns, maps, before, after)

    def adjoint(self, maps: Tensor) -> Tensor:
        before, after = (2 * self.half, 0) if self.valid else (self.half, self.half)
        return self._apply(self.rows.t(), self.columns.t(), maps, before, after)

    def _apply(
        self, rows: Tensor, columns: Tensor, maps: Tensor, before: int, after: int
    ) -> Tensor:
        """(H, ..., W) -> (h, ..., w): `rows @ maps @ columns^T`, skipping the bands' zeros."""
        middle = maps.shape[1:-1]
        flat = maps.reshape(-1, maps.shape[-1])
        wide = flat.new_empty(len(flat), columns.shape[0])
        for out, into in self._blocks(*columns.shape, before, after):
            torch.mm(flat[:, into], columns[out, into].t(), out=wide[:, out])
        wide = wide.view(maps.shape[0], -1)  # (H, M w)
        result = wide.new_empty(rows.shape[0], wide.shape[1])
        for out, into in self._blocks(*rows.shape, before, after):
            torch.mm(rows[out, into], wide[into], out=result[out])
        return result.view(rows.shape[0], *middle, columns.shape[0])

    def _blocks(self, outputs: int, inputs: int, before: int, after: int):
        """Slices of outputs, each with the slice of inputs that its window reaches."""
        for start in range(0, outputs, self.block):
            stop = min(start + self.block, outputs)
            yield slice(start, stop), slice(max(0, start - before), min(inputs, stop + after))


@lru_cache(maxsize=256)
def _band(
    length: int,
    size: int,
    sigma: float,
    padding: Padding,
    dtype: torch.dtype,
    device: torch.device,
) -> Tensor:
    """(outputs, length): row i holds the window's weights on the cells that output i sees."""
    with torch.inference_mode(False):
        offsets = torch.arange(size, device=device) - size // 2
        weights = torch.exp(-offsets.double().square() / (2 * sigma**2))
        weights = weights / weights.sum()
        cells = torch.arange(length, device=device)
        source = cells[:, None] + offsets  # (outputs, size)
        if padding == "reflect":
            source = source.abs()
            source = (length - 1) - ((length - 1) - source).abs()
        elif padding == "replicate":
            source = source.clamp(0, length - 1)
        elif padding == "valid":
            source = source[size // 2 : length - size // 2]
        hits = (source[:, :, None] == cells).double()  # cells beyond a zero padding hit nothing
        return (hits * weights[:, None]).sum(1).to(dtype)

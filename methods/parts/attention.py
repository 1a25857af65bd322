"""Where a map is strong: attention over its cells and over its channels.

The strength of a cell or a channel is the mean of the absolute values there; attention is a
softmax of the strengths, multiplied by their number so that it has mean 1 in every image. A low
temperature sharpens it. All is float32 at least. Gradients flow where the caller lets them.
"""

from __future__ import annotations

from torch import Tensor

from methods.parts.compare import full_precision


def strengths(maps: Tensor) -> tuple[Tensor, Tensor]:
    """Mean |F| of every cell (N, 1, H, W) and of every channel (N, C, 1, 1), |F| computed once."""
    size = full_precision(maps).abs()
    return _cells(size), _channels(size)


def cell_strength(maps: Tensor) -> Tensor:
    """Mean |F| over the channels, (N, C, H, W) -> (N, 1, H, W)."""
    return _cells(full_precision(maps).abs())


def channel_strength(maps: Tensor) -> Tensor:
    """Mean |F| over the cells, (N, C, H, W) -> (N, C, 1, 1)."""
    return _channels(full_precision(maps).abs())


# Sums divided afterwards are means whose gradient is a view, not one more map.


def _cells(size: Tensor) -> Tensor:
    return size.sum(dim=1, keepdim=True) / size.shape[1]


def _channels(size: Tensor) -> Tensor:
    return size.sum(dim=(2, 3), keepdim=True) / (size.shape[2] * size.shape[3])


def attend(strength: Tensor, temperature: float) -> Tensor:
    """Softmax over all cells, or all channels, of an image; same shape, mean 1."""
    flat = strength.flatten(1)
    return ((flat / temperature).softmax(dim=1) * flat.shape[1]).reshape(strength.shape)


def cell_attention(maps: Tensor, temperature: float) -> Tensor:
    """(N, C, H, W) -> (N, 1, H, W)."""
    return attend(cell_strength(maps), temperature)


def channel_attention(maps: Tensor, temperature: float) -> Tensor:
    """(N, C, H, W) -> (N, C, 1, 1)."""
    return attend(channel_strength(maps), temperature)

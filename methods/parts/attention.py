"""Where a map is strong: attention over its cells and over its channels.

The strength of a cell or a channel is the mean of the absolute values there; attention is a
softmax of the strengths, multiplied by their number so that it has mean 1 in every image. A low
temperature sharpens it. All is float32 at least. Gradients flow where the caller lets them.
"""

from __future__ import annotations

from torch import Tensor

from methods.parts.compare import full_precision
from methods.parts.streams import absolute_sums


def strengths(maps: Tensor) -> tuple[Tensor, Tensor]:
    """Mean |F| of every cell (N, 1, H, W) and of every channel (N, C, 1, 1), in one pass."""
    cells, channels = absolute_sums(full_precision(maps))
    return cells / maps.shape[1], channels / (maps.shape[2] * maps.shape[3])


def cell_strength(maps: Tensor) -> Tensor:
    """Mean |F| over the channels, (N, C, H, W) -> (N, 1, H, W)."""
    return strengths(maps)[0]


def channel_strength(maps: Tensor) -> Tensor:
    """Mean |F| over the cells, (N, C, H, W) -> (N, C, 1, 1)."""
    return strengths(maps)[1]


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

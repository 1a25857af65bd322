"""What a sum over a map would be at the size at which the papers' weights were chosen.

Methods that sum over channels and cells have weights that mean something only at one image size.
With `normalise="reference"` a sum is divided by its own number of terms and multiplied by the
number that the same map has in a padded 800x1344 batch with 256 channels.
"""

from __future__ import annotations

from torch import Tensor

REFERENCE_CHANNELS = 256
REFERENCE_INPUT = (800, 1344)


def reference_cells(stride: int) -> int:
    """Cells of a map of this stride in the reference batch."""
    height, width = (-(-side // stride) for side in REFERENCE_INPUT)
    return height * width


def cells_scale(features: Tensor, stride: int) -> float:
    """Factor for a sum over cells (H, W)."""
    return reference_cells(stride) / (features.shape[-2] * features.shape[-1])


def channels_scale(features: Tensor) -> float:
    """Factor for a sum over channels."""
    return REFERENCE_CHANNELS / features.shape[1]


def map_scale(features: Tensor, stride: int) -> float:
    """Factor for a sum over a whole map (C, H, W)."""
    return channels_scale(features) * cells_scale(features, stride)

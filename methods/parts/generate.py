"""What rebuilds a teacher's map from a masked student's map: a few convolutions, nothing more.

A stronger generator would leave less to learn for the student, so there is no normalisation and
the initial weights are torch's own. Used in training only.
"""

from __future__ import annotations

from itertools import repeat
from typing import Literal

from torch import nn

Design = Literal["2conv", "1conv", "3conv", "1x1"]
"""`2conv`: 3x3, ReLU, 3x3 (MGD's); `1x1`: the same with 1x1 kernels; the others vary the depth."""
SHAPES: dict[Design, tuple[int, int]] = {  # number of convolutions, kernel
    "2conv": (2, 3),
    "1conv": (1, 3),
    "3conv": (3, 3),
    "1x1": (2, 1),
}


def generator(channels: int, design: Design = "2conv") -> nn.Sequential:
    """(N, C, H, W) -> (N, C, H, W), ReLU between the convolutions and none at the end."""
    depth, kernel = SHAPES[design]
    layers: list[nn.Module] = []
    for index in range(depth):
        if index:
            layers.append(nn.ReLU(inplace=True))
        layers.append(nn.Conv2d(channels, channels, kernel, padding=kernel // 2))
    return nn.Sequential(*layers)


def generators(
    channels: tuple[int, ...], design: Design = "2conv", shared: bool = False
) -> nn.ModuleList:
    """One generator per level, or the same one for all."""
    if not shared:
        return nn.ModuleList(generator(width, design) for width in channels)
    if len(set(channels)) > 1:
        raise ValueError(f"levels share a generator only if their widths agree, found {channels}")
    return nn.ModuleList(repeat(generator(channels[0], design), len(channels)))

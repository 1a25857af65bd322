"""Which cells are hidden from the generator. A mask is 1 where kept and 0 where hidden.

Random draws are hashes of (seed, stream, cell): the same numbers on every device, with neither a
generator's state to save nor a copy from host to device.
"""

from __future__ import annotations

import torch
from torch import Tensor

_WORD = 0xFFFFFFFF


def _mix(words: Tensor) -> Tensor:
    """A 32-bit integer hash in int64 arithmetic (its products stay below 2**63)."""
    for _ in range(3):
        words = ((words >> 16) ^ words) * 0x45D9F3B & _WORD
    return (words >> 16) ^ words


def _key(seed: int, stream: int) -> int:
    """64 well mixed bits of two counters, by SplitMix64's finaliser."""
    key = (seed * 0x9E3779B97F4A7C15 + stream * 0xD1B54A32D192ED03 + 1) % 2**64
    for shift, factor in ((30, 0xBF58476D1CE4E5B9), (27, 0x94D049BB133111EB)):
        key = (key ^ (key >> shift)) * factor % 2**64
    return key ^ (key >> 31)


def uniform(
    shape: tuple[int, ...], seed: int, stream: int = 0, device: torch.device | str = "cpu"
) -> Tensor:
    """Uniform numbers in [0, 1), float32, 24 random bits each."""
    count = 1
    for side in shape:
        count *= side
    key = _key(seed, stream)
    cells = torch.arange(count, device=device)  # int64
    words = _mix(_mix(cells + (key & _WORD) & _WORD) ^ (key >> 32))
    return ((words >> 8).float() / 2**24).reshape(shape)


def random_mask(features: Tensor, hidden: float, seed: int, stream: int = 0) -> Tensor:
    """(N, C, H, W) -> (N, 1, H, W): every cell is hidden with probability `hidden`."""
    count, _, height, width = features.shape
    draws = uniform((count, 1, height, width), seed, stream, features.device)
    return (draws <= 1 - hidden).to(features.dtype)


def count_reaching(attention: Tensor, threshold: float) -> Tensor:
    """How many cells (or channels) of each image reach the threshold, (N, 1).

    A flat map's attention is 1 everywhere but for rounding, which must not decide: values within
    one millionth below the threshold count as reaching it.
    """
    return (attention.flatten(1) >= threshold * (1 - 1e-6)).sum(dim=1, keepdim=True)


def count_share(attention: Tensor, share: float) -> Tensor:
    """The share of an image's cells (or channels), as a whole number, (N, 1)."""
    flat = attention.flatten(1)
    return flat.new_full((len(flat), 1), round(share * flat.shape[1]), dtype=torch.int64)


def hide_first(order: Tensor, count: Tensor) -> Tensor:
    """Hides the `count` cells of each image that come first in ascending `order`; same shape.

    Of equal cells the one that is stored first comes first, on every device.
    """
    flat = order.detach().flatten(1)
    rank = flat.argsort(dim=1, stable=True).argsort(dim=1)
    return (rank >= count).to(order.dtype).reshape(order.shape)

"""SSIM in float64 with scipy's filters and the three factors one by one."""

from __future__ import annotations

import numpy as np
from scipy.ndimage import correlate1d

from tests.methods.numpy_layers import Array

SCIPY_MODES = {"reflect": "mirror", "replicate": "nearest", "zero": "constant"}


def structure(
    student: Array,
    teacher: Array,
    factors: str,
    size: int = 11,
    sigma: float = 1.5,
    padding: str = "reflect",
) -> Array:
    """(1 - SSIM) / 2 per cell."""
    offsets = np.arange(size) - size // 2
    weights = np.exp(-(offsets**2) / (2 * sigma**2))
    weights /= weights.sum()

    def local(maps: Array) -> Array:
        mode = SCIPY_MODES.get(padding, "nearest")
        for axis in (2, 3):
            maps = correlate1d(maps, weights, axis=axis, mode=mode, cval=0.0)
        edge = size // 2
        return maps[:, :, edge:-edge, edge:-edge] if padding == "valid" else maps

    mean_s, mean_t = local(student), local(teacher)
    floor = 0 if "cs" in factors else 1e-8  # only a factor alone needs more than none
    deviation_s = np.sqrt(np.maximum(local(student**2) - mean_s**2, floor))
    deviation_t = np.sqrt(np.maximum(local(teacher**2) - mean_t**2, floor))
    covariance = local(student * teacher) - mean_s * mean_t
    c1, c2, c3 = 1e-4, 9e-4, 4.5e-4
    value = np.ones_like(mean_s)
    if "l" in factors:
        value *= (2 * mean_s * mean_t + c1) / (mean_s**2 + mean_t**2 + c1)
    if "c" in factors:
        value *= (2 * deviation_s * deviation_t + c2) / (deviation_s**2 + deviation_t**2 + c2)
    if "s" in factors:
        value *= (covariance + c3) / (deviation_s * deviation_t + c3)
    return np.clip((1 - value) / 2, 0, 1)

"""Layers in float64 numpy, written from their definitions, for workings that use no torch."""

from __future__ import annotations

from typing import Any

import numpy as np
from torch import Tensor, nn

Array = np.ndarray[Any, Any]


def array(values: Tensor) -> Array:
    return values.detach().double().cpu().numpy()


def convolve(x: Array, layer: nn.Module) -> Array:
    """(N, C, H, W) through a convolution with odd kernel and same-size zero padding."""
    if isinstance(layer, nn.Identity):
        return x
    weight, bias = array(layer.weight), array(layer.bias)
    size = weight.shape[-1]
    height, width = x.shape[2:]
    padded = np.pad(x, ((0, 0), (0, 0), (size // 2,) * 2, (size // 2,) * 2))
    out = np.zeros((len(x), len(weight), height, width)) + bias[None, :, None, None]
    for row in range(size):
        for column in range(size):
            window = padded[:, :, row : row + height, column : column + width]
            out += np.einsum("nchw,oc->nohw", window, weight[:, :, row, column])
    return out


def relu(x: Array) -> Array:
    return np.maximum(x, 0)


def sigmoid(x: Array) -> Array:
    return 1 / (1 + np.exp(-x))


def softmax(x: Array, axis: int = -1) -> Array:
    raised = np.exp(x - x.max(axis=axis, keepdims=True))
    return raised / raised.sum(axis=axis, keepdims=True)


def spatial_attention(x: Array, temperature: float) -> Array:
    """(N, C, H, W) -> (N, H, W), mean 1 over the cells of an image."""
    count, _, height, width = x.shape
    strength = np.abs(x).mean(axis=1).reshape(count, -1)
    return (height * width * softmax(strength / temperature)).reshape(count, height, width)


def channel_attention(x: Array, temperature: float) -> Array:
    """(N, C, H, W) -> (N, C), mean 1 over the channels of an image."""
    return x.shape[1] * softmax(np.abs(x).mean(axis=(2, 3)) / temperature)

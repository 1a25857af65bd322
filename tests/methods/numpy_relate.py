"""Non-local block in float64 numpy, with every pair of query and key, one by one."""

from __future__ import annotations

import numpy as np
from torch.nn import Module

from methods.parts.relate import NonLocal
from tests.methods.numpy_layers import Array


def conv(maps: Array, layer: Module) -> Array:
    """1x1 convolution of (C, P)."""
    weight, bias = layer.weight.detach().numpy(), layer.bias.detach().numpy()
    return weight[:, :, 0, 0] @ maps + bias[:, None]


def non_local(features: Array, block: NonLocal, pool: int) -> Array:
    """Cell by cell, with every pair of query and key."""
    _, channels, height, width = features.shape
    rows, columns = min(pool, height), min(pool, width)
    answers = []
    for image in features:
        cells = image.reshape(channels, -1)
        queries = conv(cells, block.query)

        def pooled(layer: Module, cells: Array = cells) -> Array:
            full = conv(cells, layer).reshape(-1, height, width)
            windows = [
                full[:, y * rows : (y + 1) * rows, x * columns : (x + 1) * columns].max((1, 2))
                for y in range(height // rows)
                for x in range(width // columns)
            ]
            return np.stack(windows, axis=1)

        keys, values = pooled(block.key), pooled(block.value)
        answer = np.zeros((values.shape[0], cells.shape[1]))
        for p in range(cells.shape[1]):
            for q in range(keys.shape[1]):
                answer[:, p] += queries[:, p] @ keys[:, q] * values[:, q] / keys.shape[1]
        answers.append(conv(answer, block.output))
    answers = np.stack(answers)
    mean, variance = answers.mean((0, 2), keepdims=True), answers.var((0, 2), keepdims=True)
    normalised = (answers - mean) / np.sqrt(variance + 1e-5)
    gain, shift = (p.detach().numpy()[:, None] for p in (block.norm.weight, block.norm.bias))
    return features + (normalised * gain + shift).reshape(features.shape)

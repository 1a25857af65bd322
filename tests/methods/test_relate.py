"""The two relation blocks against numpy workings, with weights that are not their initial ones."""

import numpy as np
import pytest
import torch
from torch.autograd import gradcheck

from methods.parts.relate import GlobalContext, NonLocal


def maps(*shape, seed=0):
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def disturbed(block):
    """The block in float64, every weight redrawn: zeros hide mistakes."""
    generator = torch.Generator().manual_seed(1)
    block = block.double()
    with torch.no_grad():
        for weight in block.parameters():
            weight.copy_(torch.randn(weight.shape, generator=generator, dtype=torch.float64) / 2)
    return block


def conv(maps, layer):
    """1x1 convolution of (C, P)."""
    weight, bias = layer.weight.detach().numpy(), layer.bias.detach().numpy()
    return weight[:, :, 0, 0] @ maps + bias[:, None]


def test_global_context_formula():
    block, features = disturbed(GlobalContext(6)), maps(2, 6, 3, 4)
    first, norm, _, last = block.transform
    for image, output in zip(features.numpy(), block(features).detach().numpy(), strict=True):
        cells = image.reshape(6, 12)
        scores = np.exp(conv(cells, block.key)[0])
        context = (cells * (scores / scores.sum())).sum(axis=1, keepdims=True)
        hidden = conv(context, first)
        hidden = (hidden - hidden.mean()) / np.sqrt(hidden.var() + 1e-5)
        gain, shift = (p.detach().numpy().reshape(3, 1) for p in (norm.weight, norm.bias))
        added = conv(np.maximum(hidden * gain + shift, 0), last)
        np.testing.assert_allclose(output, image + added[:, :, None], rtol=1e-9)


def test_global_context_starts_as_the_identity_with_the_papers_size():
    block = GlobalContext(256)
    assert sum(weight.numel() for weight in block.parameters()) == 66_433
    features = torch.randn(1, 256, 3, 3)
    assert torch.equal(block(features), features)
    assert block.key.bias.abs().max() == 0
    assert block.key.weight.std().item() == pytest.approx((2 / 256) ** 0.5, rel=0.2)


def non_local(block, features, pool):
    """Cell by cell, with every pair of query and key."""
    _, channels, height, width = features.shape
    rows, columns = min(pool, height), min(pool, width)
    answers = []
    for image in features.numpy():
        cells = image.reshape(channels, -1)
        queries = conv(cells, block.query)

        def pooled(layer, cells=cells):
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
    return features.numpy() + (normalised * gain + shift).reshape(features.shape)


@pytest.mark.parametrize(("size", "pool"), [((6, 7), 2), ((5, 4), 1), ((3, 9), 8), ((1, 5), 2)])
def test_non_local_formula(size, pool):
    block, features = disturbed(NonLocal(4, 3, pool)), maps(2, 4, *size)
    expected = non_local(block, features, pool)
    np.testing.assert_allclose(block(features).detach().numpy(), expected, rtol=1e-8)


def test_non_local_starts_as_the_identity():
    features = torch.randn(2, 8, 5, 5)
    assert torch.equal(NonLocal(8, 4, 2)(features), features)


def test_non_local_takes_a_single_cell():
    block = disturbed(NonLocal(4, 2, 2))
    assert block(maps(1, 4, 1, 1)).isfinite().all()
    block(maps(2, 4, 3, 3))
    assert block.norm.num_batches_tracked.item() == 1


@pytest.mark.parametrize("block", [GlobalContext(4), NonLocal(4, 2, 2)])
def test_gradients(block):
    block, features = disturbed(block), maps(2, 4, 3, 4).requires_grad_()
    assert gradcheck(block, (features,))

"""The two relation blocks against numpy workings, with weights that are not their initial ones."""

import numpy as np
import pytest
import torch
from torch.autograd import gradcheck

from methods.parts.relate import GlobalContext, NonLocal
from tests.methods.numpy_relate import conv, non_local


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


@pytest.mark.parametrize(("size", "pool"), [((6, 7), 2), ((5, 4), 1), ((3, 9), 8), ((1, 5), 2)])
def test_non_local_formula(size, pool):
    block, features = disturbed(NonLocal(4, 3, pool)), maps(2, 4, *size)
    expected = non_local(features.numpy(), block, pool)
    np.testing.assert_allclose(block(features).detach().numpy(), expected, rtol=1e-8)


def test_non_local_sums_over_a_large_map_in_half_precision():
    """4096 products of about 17 are more than float16 can hold; their mean is not."""
    block = NonLocal(1, 1, 1)
    for layer in (block.query, block.key, block.value, block.output):
        torch.nn.init.constant_(layer.weight, 1.0)
        torch.nn.init.zeros_(layer.bias)
    torch.nn.init.ones_(block.norm.weight)
    features = 4 + maps(1, 1, 64, 64).float()
    expected = block(features)
    with torch.autocast("cpu", torch.float16):
        found = block(features)
    torch.testing.assert_close(found, expected, atol=0.02, rtol=0)


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


@pytest.mark.parametrize("pool", [1, 2])
def test_queries_times_keys_weigh_the_values_in_the_blocks_own_sum(pool: int) -> None:
    torch.manual_seed(0)
    block = NonLocal(4, 3, pool).double().eval()
    torch.nn.init.ones_(block.norm.weight)
    maps = torch.randn(2, 4, 5, 7, dtype=torch.float64)
    query, key = block.queries_and_keys(maps)
    assert query.shape == key.shape == (2, 3, 5, 7)
    pooled = torch.nn.functional.max_pool2d(key, pool).flatten(2)  # (N, Ci, Q)
    values = torch.nn.functional.max_pool2d(block.value(maps), pool).flatten(2)
    weights = torch.einsum("nchw,ncq->nqhw", query, pooled)
    answer = torch.einsum("nqhw,ncq->nchw", weights, values) / pooled.shape[2]
    torch.testing.assert_close(block(maps), maps + block.norm(block.output(answer)))
    assert not query.requires_grad
    assert not key.requires_grad

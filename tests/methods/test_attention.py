"""Attention maps against their definition, and what makes them attention."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from methods.parts.attention import (
    cell_attention,
    cell_strength,
    channel_attention,
    channel_strength,
    strengths,
)
from tests.methods.given import maps
from tests.methods.numpy_layers import array
from tests.methods.numpy_layers import channel_attention as channel_working
from tests.methods.numpy_layers import spatial_attention as cell_working

TEMPERATURES = (0.1, 0.5, 1.2)


@pytest.mark.parametrize("tau", TEMPERATURES)
def test_is_the_definition(tau: float) -> None:
    (features, *_) = maps(5, seed=3)
    assert array(cell_attention(features, tau)[:, 0]) == pytest.approx(
        cell_working(array(features), tau)
    )
    found = array(channel_attention(features, tau)[:, :, 0, 0])
    assert found == pytest.approx(channel_working(array(features), tau))


@pytest.mark.parametrize("size", [(1, 1), (1, 7), (5, 5)])
def test_mean_is_one_on_any_map(size: tuple[int, int]) -> None:
    (features,) = maps(6, seed=1, sizes=(size,))
    for found in (cell_attention(features, 0.5), channel_attention(features, 0.5)):
        assert found.mean(dim=(1, 2, 3)).tolist() == pytest.approx([1, 1])


def test_both_strengths_at_once_are_each_alone() -> None:
    (features, *_) = maps(5, seed=4)
    cells, channels = strengths(features)
    assert torch.equal(cells, cell_strength(features))
    assert torch.equal(channels, channel_strength(features))
    assert array(cells[:, 0]) == pytest.approx(np.abs(array(features)).mean(axis=1))
    assert array(channels[:, :, 0, 0]) == pytest.approx(np.abs(array(features)).mean(axis=(2, 3)))


def test_low_temperature_sharpens() -> None:
    (features, *_) = maps(5, seed=4)
    peaks = [cell_attention(features, tau).amax() for tau in TEMPERATURES]
    assert peaks[0] > peaks[1] > peaks[2] > 1


def test_large_values_do_not_overflow() -> None:
    features = torch.full((1, 3, 4, 4), 6e4, dtype=torch.float16)
    features[0, :, 0, 0] = 100
    for found in (cell_attention(features, 0.1), channel_attention(features, 0.1)):
        assert found.dtype == torch.float32
        assert torch.isfinite(found).all()


def test_images_do_not_see_each_other() -> None:
    (features, *_) = maps(5, seed=4)
    alone = cell_attention(features[:1], 0.5)
    assert torch.equal(cell_attention(features, 0.5)[:1], alone)


def test_gradient_is_the_values() -> None:
    (features, *_) = maps(3, seed=4, sizes=((3, 4),))
    features.requires_grad_()
    assert torch.autograd.gradcheck(lambda x: cell_attention(x, 0.5), features)
    assert torch.autograd.gradcheck(lambda x: channel_attention(x, 0.5), features)

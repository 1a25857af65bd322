"""Generators and aligners: shapes, sizes, and that nothing stops a map from being matched."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from methods.contract import Context
from methods.parts.align import align, align_levels, resize_to
from methods.parts.generate import SHAPES, generator, generators


@pytest.mark.parametrize("design", list(SHAPES))
@pytest.mark.parametrize("size", [(1, 1), (5, 3)])
def test_generator_keeps_the_shape(design: str, size: tuple[int, int]) -> None:
    maps = torch.randn(2, 6, *size)
    made = generator(6, design)(maps)
    assert made.shape == maps.shape
    assert made.min() < 0  # no activation at the end


def test_generator_is_deterministic_under_torchs_seed() -> None:
    made = []
    for _ in range(2):
        torch.manual_seed(4)
        made.append(generator(3).state_dict())
    assert all(torch.equal(made[0][key], made[1][key]) for key in made[0])


def test_levels_of_different_widths_cannot_share() -> None:
    with pytest.raises(ValueError, match="widths agree"):
        generators((4, 8), shared=True)
    assert len(generators((4, 8))) == 2


def test_align_is_a_convolution_only_where_needed() -> None:
    assert isinstance(align(8, 8), nn.Identity)
    for module in (align(4, 8), align(8, 8, always=True)):
        assert isinstance(module, nn.Conv2d)
        assert module.kernel_size == (1, 1)
        assert module.bias is not None
    assert align(4, 8)(torch.randn(1, 4, 2, 3)).shape == (1, 8, 2, 3)


def test_align_per_level() -> None:
    context = Context("one-stage", (4, 8), (8, 8), (8, 16))
    kinds = [type(each) for each in align_levels(context)]
    assert kinds == [nn.Conv2d, nn.Identity]


def test_resizing_touches_only_other_sizes() -> None:
    maps, target = torch.randn(1, 2, 4, 6), torch.randn(1, 2, 8, 12)
    assert resize_to(maps, maps) is maps
    assert resize_to(maps, target).shape == target.shape
    assert resize_to(torch.ones(1, 2, 4, 6), target).unique().tolist() == [1.0]

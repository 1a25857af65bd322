"""Sums in pieces against the same sums over whole maps, in value and gradient."""

from __future__ import annotations

import pytest
import torch

from methods.parts import streams
from methods.parts.streams import absolute_sums, weighted_squares, weighted_sums
from tests.methods.given import maps


@pytest.fixture(params=[1, 40, 1 << 18], ids=["a channel", "a few channels", "whole maps"])
def _pieces(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(streams, "CELLS_AT_A_TIME", request.param)


def pair(channels_last: bool = False) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Student, teacher (2, 7, 4, 5), and two weights of every cell."""
    student, teacher = (maps(7, seed, ((4, 5),))[0] for seed in (1, 2))
    if channels_last:
        student = student.contiguous(memory_format=torch.channels_last)
    weights = torch.rand(2, 2, 4, 5, generator=torch.Generator().manual_seed(0)).double()
    return student.requires_grad_(), teacher, weights


@pytest.mark.usefixtures("_pieces")
@pytest.mark.parametrize("channels_last", [False, True])
def test_values_are_those_of_whole_maps(channels_last: bool) -> None:
    student, teacher, weights = pair(channels_last)
    over_channels, over_cells = absolute_sums(student)
    torch.testing.assert_close(over_channels, student.abs().sum(dim=1, keepdim=True))
    torch.testing.assert_close(over_cells, student.abs().sum(dim=(2, 3), keepdim=True))
    squares = torch.einsum("nchw,nkhw->nck", (student - teacher) ** 2, weights)
    torch.testing.assert_close(weighted_squares(student, teacher, weights), squares)
    sums = torch.einsum("nchw,nkhw->nck", student, weights)
    torch.testing.assert_close(weighted_sums(student, weights.flatten(2)), sums)


@pytest.mark.usefixtures("_pieces")
def test_gradients_are_the_values() -> None:
    student, teacher, weights = pair()
    weights.requires_grad_()
    assert torch.autograd.gradcheck(absolute_sums, student)
    assert torch.autograd.gradcheck(
        lambda x: weighted_squares(x, teacher, weights.detach()), student
    )
    assert torch.autograd.gradcheck(lambda x, w: weighted_sums(x, w.flatten(2)), (student, weights))


def test_half_precision_around_it_changes_nothing() -> None:
    student, teacher, weights = (each.detach().float() for each in pair())
    outside = (
        weighted_squares(student, teacher, weights),
        weighted_sums(student, weights.flatten(2)),
    )
    with torch.autocast("cpu", dtype=torch.bfloat16):
        inside = (
            weighted_squares(student, teacher, weights),
            weighted_sums(student, weights.flatten(2)),
        )
    for one, other in zip(outside, inside, strict=True):
        assert torch.equal(one, other)

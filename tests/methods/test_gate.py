"""The channel gate against its definition."""

from __future__ import annotations

import pytest
import torch

from methods.parts.gate import ChannelGate
from tests.methods.numpy_layers import array, relu, sigmoid


def test_is_the_definition() -> None:
    gate, maps = ChannelGate(8, reduction=2).double(), torch.randn(3, 8, 4, 5).double()
    means = array(maps).mean(axis=(2, 3))
    inner = relu(means @ array(gate.squeeze.weight).T + array(gate.squeeze.bias))
    expected = sigmoid(inner @ array(gate.excite.weight).T + array(gate.excite.bias))
    assert array(gate(maps))[:, :, 0, 0] == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize(("reduction", "parameters"), [(16, 8_464), (4, 33_088)])
def test_size(reduction: int, parameters: int) -> None:
    assert sum(each.numel() for each in ChannelGate(256, reduction).parameters()) == parameters


def test_few_channels_keep_one_unit() -> None:
    assert ChannelGate(8, reduction=16)(torch.randn(1, 8, 1, 1)).shape == (1, 8, 1, 1)


def test_starts() -> None:
    torch.manual_seed(0)
    maps = torch.randn(2, 256, 5, 5)
    assert ChannelGate(256)(maps).mean().item() == pytest.approx(0.5, abs=0.05)
    assert ChannelGate(256, start="identity")(maps).min() > 0.95


def test_gradient_is_the_values() -> None:
    gate, maps = ChannelGate(4, reduction=1).double(), torch.randn(2, 4, 2, 3).double()
    assert torch.autograd.gradcheck(
        lambda x, *_: gate(x), (maps.requires_grad_(), *gate.parameters())
    )

"""Random streams that do not touch each other."""

from __future__ import annotations

import random

import numpy as np
import pytest
import torch

from workflow.distill.streams import isolated, seed_of


def _draw() -> tuple[float, float, float]:
    return random.random(), float(np.random.rand()), float(torch.rand(()))


def test_inside_the_seed_decides_and_outside_nothing_changed() -> None:
    random.seed(1), np.random.seed(1), torch.manual_seed(1)
    plain = [_draw(), _draw()]
    random.seed(1), np.random.seed(1), torch.manual_seed(1)
    first = _draw()
    with isolated(9):
        inside = _draw()
    assert [first, _draw()] == plain
    with isolated(9):
        assert _draw() == inside


def test_an_error_inside_puts_them_back_too() -> None:
    torch.manual_seed(3)
    before = torch.get_rng_state()
    with pytest.raises(RuntimeError, match="size"), isolated(4):
        torch.rand(5) + torch.rand(6)
    assert torch.equal(torch.get_rng_state(), before)


def test_seeds_differ_in_every_part() -> None:
    seeds = {seed_of("batch", seed, step, rank) for seed in range(3) for step in range(3)
             for rank in range(2)}  # fmt: skip
    assert len(seeds) == 18
    assert all(0 <= seed < 2**63 for seed in seeds)
    assert seed_of("batch", 0, 1, 0) == seed_of("batch", 0, 1, 0)

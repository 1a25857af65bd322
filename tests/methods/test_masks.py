"""Masks: how much they hide, where, and that chance is fair and the same everywhere."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy import stats

from methods.parts.masks import count_reaching, count_share, hide_first, random_mask, uniform


def test_draws_are_uniform() -> None:
    draws = uniform((400, 500), seed=11).double().numpy().ravel()
    assert draws.min() >= 0
    assert draws.max() < 1
    assert stats.kstest(draws, "uniform").pvalue > 1e-3
    bits = np.histogram(draws, bins=256, range=(0, 1))[0]
    assert stats.chisquare(bits).pvalue > 1e-3


@pytest.mark.parametrize("lag", [1, 2, 7, 84, 168])
def test_neighbours_are_independent(lag: int) -> None:
    draws = uniform((200_000,), seed=5).numpy()
    assert abs(np.corrcoef(draws[:-lag], draws[lag:])[0, 1]) < 0.01


def test_seeds_and_streams_differ_and_repeat() -> None:
    drawn = [uniform((5000,), seed, stream) for seed in (0, 1, 2**40) for stream in (0, 1)]
    for index, one in enumerate(drawn):
        for other in drawn[index + 1 :]:
            assert abs(np.corrcoef(one, other)[0, 1]) < 0.06
    assert torch.equal(uniform((5000,), 2**40, 1), drawn[-1])


def test_known_draws_never_change() -> None:
    """Runs are repeatable only as long as these stay what they are."""
    assert uniform((4,), seed=0).tolist() == pytest.approx(
        [0.73458588, 0.7800501, 0.15290284, 0.64294398], abs=1e-7
    )


@pytest.mark.parametrize("hidden", [0.0, 0.15, 0.65, 1.0])
def test_random_mask_hides_its_share(hidden: float) -> None:
    mask = random_mask(torch.zeros(4, 3, 100, 100), hidden, seed=3)
    assert mask.shape == (4, 1, 100, 100)
    assert set(mask.unique().tolist()) <= {0.0, 1.0}
    deviation = (hidden * (1 - hidden) / 10_000) ** 0.5
    for image in mask:
        assert 1 - image.mean().item() == pytest.approx(hidden, abs=4 * deviation)


def test_hides_the_first_cells_of_each_image() -> None:
    order = torch.tensor([[3.0, 1.0, 2.0, 0.0], [0.0, 0.0, 0.0, -1.0]]).reshape(2, 1, 2, 2)
    mask = hide_first(order, torch.tensor([[2], [3]]))
    assert mask.flatten(1).tolist() == [[1, 0, 1, 0], [0, 0, 1, 0]]
    assert hide_first(order, torch.tensor([[0], [4]])).flatten(1).sum(dim=1).tolist() == [4, 0]


def test_counts() -> None:
    attention = torch.tensor([[0.5, 1.0, 1.5, 1.0], [4.0, 0.0, 0.0, 0.0]]).reshape(2, 1, 2, 2)
    assert count_reaching(attention, 1.0).tolist() == [[3], [1]]
    assert count_reaching(attention, 1.2).tolist() == [[1], [1]]
    assert count_share(attention, 0.65).tolist() == [[3], [3]]
    assert count_share(attention[:, :, :1, :1], 0.45).tolist() == [[0], [0]]

"""The order of the data: the seed's, whoever shares it, wherever it starts."""

from __future__ import annotations

import random
from itertools import chain
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as some

from workflow.running.order import SeededOrder, SeededSamples

GROUPS = [0] * 13 + [1] * 6


def batches(seed: int = 0, start: int = 0, **changes: Any) -> list[list[tuple[int, int]]]:
    values = {"groups": GROUPS, "batch_size": 4, "iterations": 12, **changes}
    order = SeededOrder(seed=seed, **values)
    order.start = start
    found = list(order)
    assert len(found) == len(order)
    return found


@given(processes=some.sampled_from([1, 2, 4]), seed=some.integers(0, 2**40))
def test_processes_share_the_same_global_batches(processes: int, seed: int) -> None:
    alone = batches(seed)
    shares = [batches(seed, rank=rank, processes=processes) for rank in range(processes)]
    assert [[*chain(*parts)] for parts in zip(*shares, strict=True)] == alone


@given(start=some.integers(0, 12), seed=some.integers(0, 2**40))
def test_a_later_start_goes_on_as_if_nothing_had_happened(start: int, seed: int) -> None:
    assert batches(seed, start=start) == batches(seed)[start:]


def test_every_image_comes_once_before_any_comes_twice_in_its_group() -> None:
    drawn = [index for batch in batches(iterations=60) for index, _ in batch]
    landscape = [index for index in drawn if index < 13]
    assert sorted(landscape[:13]) == list(range(13))
    assert sorted(landscape[13:26]) == list(range(13))
    assert landscape[:13] != landscape[13:26]


def test_a_batch_holds_images_of_one_group_and_positions_never_repeat() -> None:
    found = batches(iterations=30)
    assert all(len({GROUPS[index] for index, _ in batch}) == 1 for batch in found)
    positions = [position for batch in found for _, position in batch]
    assert positions == list(range(30 * 4))


def test_seeds_differ() -> None:
    assert batches(0) != batches(1)


def test_a_batch_that_cannot_be_shared_is_refused() -> None:
    with pytest.raises(ValueError, match="a batch of 4 cannot be shared by 3"):
        batches(processes=3)


class Drawing:
    """A data set whose every sample is drawn from all global generators."""

    def __len__(self) -> int:
        return 5

    def __getitem__(self, index: int) -> tuple[float, float, float]:
        return random.random(), float(np.random.random()), float(torch.rand(()))


def test_augmentation_is_the_position_s_and_leaves_no_trace() -> None:
    samples = SeededSamples(Drawing(), seed=3)
    states = random.getstate(), torch.get_rng_state()
    first = samples[0, 17]
    assert samples[4, 18] != first
    assert samples[0, 17] == first
    assert SeededSamples(Drawing(), seed=4)[0, 17] != first
    assert random.getstate() == states[0]
    assert torch.equal(torch.get_rng_state(), states[1])

"""Boxes on maps against loops over boxes and cells, with the odd boxes that data sets contain."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from methods.contract import Batch
from methods.parts.boxes import background, relative_boxes, smallest_box


def batch_of(
    boxes: list[list[list[float]]],
    padded: tuple[int, int] = (64, 96),
    sizes: tuple[tuple[int, int], ...] | None = None,
) -> Batch:
    tensors = tuple(torch.tensor(each, dtype=torch.float64).reshape(-1, 4) for each in boxes)
    return Batch(
        padded_size=padded,
        image_sizes=sizes or (padded,) * len(boxes),
        boxes=tensors,
        labels=tuple(torch.zeros(len(each), dtype=torch.int64) for each in tensors),
    )


def looped(batch: Batch, size: tuple[int, int], stretch: bool, inclusive: bool) -> np.ndarray:
    """Box by box and cell by cell."""
    height, width = size
    result = np.zeros((len(batch.boxes), height, width))
    for image, boxes in enumerate(batch.boxes):
        over = batch.image_sizes[image] if stretch else batch.padded_size
        for x1, y1, x2, y2 in boxes.double().tolist():
            left, right = math.floor(x1 / over[1] * width), math.ceil(x2 / over[1] * width)
            top, bottom = math.floor(y1 / over[0] * height), math.ceil(y2 / over[0] * height)
            if inclusive:
                right, bottom = right + 1, bottom + 1
            else:
                right, bottom = max(right, left + 1), max(bottom, top + 1)
            value = 1 / ((right - left) * (bottom - top))
            for row in range(height):
                for column in range(width):
                    if top <= row < bottom and left <= column < right:
                        result[image, row, column] = max(result[image, row, column], value)
    return result


def ours(batch: Batch, size: tuple[int, int], stretch: bool, inclusive: bool) -> np.ndarray:
    return smallest_box(relative_boxes(batch, stretch), size, inclusive)[:, 0].numpy()


COORDINATE = st.floats(-20, 120, allow_nan=False) | st.integers(0, 96).map(float)


@settings(max_examples=60, deadline=None)
@given(
    boxes=st.lists(
        st.lists(st.tuples(COORDINATE, COORDINATE, COORDINATE, COORDINATE), max_size=4),
        min_size=1,
        max_size=3,
    ),
    size=st.tuples(st.integers(1, 12), st.integers(1, 12)),
    stretch=st.booleans(),
    inclusive=st.booleans(),
)
def test_is_the_loops_result(
    boxes: list[list[tuple[float, ...]]], size: tuple[int, int], stretch: bool, inclusive: bool
) -> None:
    ordered = [
        [[min(x, u), min(y, v), max(x, u), max(y, v)] for x, y, u, v in each] for each in boxes
    ]
    batch = batch_of(ordered, sizes=((64, 96), (48, 96), (64, 50))[: len(boxes)])
    expected = looped(batch, size, stretch, inclusive)
    assert ours(batch, size, stretch, inclusive) == pytest.approx(expected, rel=1e-12)


def test_smallest_box_wins_in_either_order() -> None:
    large, small = [0, 0, 96, 64], [16, 16, 32, 32]
    for boxes in ([large, small], [small, large]):
        found = ours(batch_of([boxes]), (8, 12), False, inclusive=False)[0]
        assert found[3, 3] == pytest.approx(1 / 4)
        assert found[0, 0] == pytest.approx(1 / 96)


def test_inclusive_ends_count_one_more_row_and_column_even_beyond_the_border() -> None:
    batch = batch_of([[[0, 0, 96, 64]]])
    assert ours(batch, (8, 12), False, inclusive=True)[0, 0, 0] == pytest.approx(1 / (9 * 13))
    assert ours(batch, (8, 12), False, inclusive=False)[0, 0, 0] == pytest.approx(1 / (8 * 12))


def test_stretching_moves_the_boxes_of_padded_images_only() -> None:
    box = [[8.0, 8.0, 24.0, 24.0]]
    batch = batch_of([box, box], sizes=((64, 96), (32, 48)))
    stretched = ours(batch, (8, 12), True, inclusive=False)
    true = ours(batch, (8, 12), False, inclusive=False)
    assert (stretched[0] == true[0]).all()
    assert np.argwhere(true[1] > 0).max(axis=0).tolist() == [2, 2]
    assert np.argwhere(stretched[1] > 0).max(axis=0).tolist() == [5, 5]


def test_images_without_boxes_and_boxes_outside_cover_nothing() -> None:
    batch = batch_of([[], [[200, 200, 300, 300], [-90, -90, -50, -50]], [[0, 0, 8, 8]]])
    found = ours(batch, (8, 12), False, inclusive=False)
    assert found.sum(axis=(1, 2)).tolist() == [0, 0, 1]
    assert ours(batch_of([[], []]), (8, 12), False, True).sum() == 0


def test_degenerate_box_covers_the_cell_it_lies_in() -> None:
    found = ours(batch_of([[[16, 16, 16, 16]]]), (8, 12), False, inclusive=False)[0]
    assert np.argwhere(found > 0).tolist() == [[2, 2]]
    assert found[2, 2] == 1


def test_background_shares_one_among_the_cells_outside() -> None:
    batch = batch_of([[], [[0, 0, 48, 64]], [[-10, -10, 200, 200]]])
    foreground = smallest_box(relative_boxes(batch, False), (8, 12), False)
    found = background(foreground)
    assert found.sum(dim=(1, 2, 3)).tolist() == pytest.approx([1, 1, 0])
    assert found[0].unique().tolist() == pytest.approx([1 / 96])
    assert (found[1, 0, :, :6] == 0).all()
    assert torch.isfinite(found).all()


def test_precision_of_the_boxes_does_not_move_cells() -> None:
    """x / width * cells lands on whole numbers for whole fractions in float32 as well."""
    batch = batch_of([[[12.0, 8.0, 36.0, 40.0]]])
    single = Batch(**{**vars(batch), "boxes": tuple(each.float() for each in batch.boxes)})
    for size in ((8, 12), (4, 6), (16, 24)):
        double = ours(batch, size, False, False) > 0
        assert (double == (ours(single, size, False, False) > 0)).all()

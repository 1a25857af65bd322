"""FitNet hint against its formula, worked out in numpy, for every row."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from methods.settings.fitnet import FitNetSettings
from methods.settings.resolve import RowError, resolve
from tests.methods.given import Case, batch, case
from tests.methods.numpy_layers import Array, array, convolve
from tests.methods.test_fgfi import masks as anchor_masks

ROWS = ["fitnet", *FitNetSettings.named_variants()]


def box_masks(given: Case) -> list[Array]:
    """Per level (N, H, W): cells from floor(x1 / stride) to below ceil(x2 / stride)."""
    found = []
    for maps in given.teacher:
        height, width = maps.shape[2:]
        mask = np.zeros((2, height, width), dtype=bool)
        for image, boxes in enumerate(given.batch.boxes):
            down, across = height / given.batch.padded_size[0], width / given.batch.padded_size[1]
            for x1, y1, x2, y2 in boxes.double().numpy():
                rows = slice(int(np.floor(y1 * down)), int(np.ceil(y2 * down)))
                columns = slice(int(np.floor(x1 * across)), int(np.ceil(x2 * across)))
                mask[image, rows, columns] = True
        found.append(mask)
    return found


def main_masks(given: Case) -> list[Array]:
    """Per level (N, H, W): cells with a positive."""
    found = given.batch.positives
    masks = [np.zeros((2, *maps.shape[2:]), dtype=bool) for maps in given.teacher]
    for image, level, cell in zip(found.image, found.level, found.cell.numpy(), strict=True):
        if level < len(masks):
            masks[level][image, cell[0], cell[1]] = True
    return masks


def working(given: Case, row: str) -> float:
    weight = float(row.removeprefix("fitnet-w-")) if "-w-" in row else 2.0
    sizes = [tuple(maps.shape[2:]) for maps in given.teacher]
    if row == "fitnet-gtbox":
        masks = box_masks(given)
    elif row == "fitnet-main":
        masks = main_masks(given)
        assert [mask.sum() for mask in masks] == [2, 2]  # two of the five share a cell
    elif row == "fitnet-fgfi-mask":
        masks = anchor_masks(given.batch, sizes, "one-stage", 0.5, per_level=False)
    else:
        masks = [np.ones((2, *size), dtype=bool) for size in sizes]
    total = 0.0
    for level, (student, teacher) in enumerate(zip(given.student, given.teacher, strict=True)):
        x = convolve(array(student), given.distiller.align[level])
        error = (x - array(teacher)).transpose(0, 2, 3, 1)[masks[level]] ** 2
        total += weight * (error.mean() if error.size else 0.0)
    return total


@pytest.mark.parametrize("student_channels", [4, 3])
@pytest.mark.parametrize("row", ROWS)
def test_value_is_the_formulas(row: str, student_channels: int) -> None:
    given = case(row, student_channels=student_channels)
    expected = working(given, row)
    assert given.losses()["features"].item() == pytest.approx(expected, rel=1e-6)
    single = given.cast(torch.float32).losses()["features"]
    assert single.item() == pytest.approx(expected, rel=1e-4)


@pytest.mark.parametrize("row", ["fitnet-gtbox", "fitnet-main", "fitnet-fgfi-mask"])
def test_images_without_boxes_give_zero(row: str) -> None:
    given = case(row)
    empty = (torch.zeros(0, 4), torch.zeros(0, 4))
    loss = given.distiller(given.student, given.teacher, batch(empty))["features"]
    loss.backward()
    assert loss.item() == 0
    assert all((level.grad == 0).all() for level in given.student)


def test_positives_of_one_image_count_for_that_one_alone() -> None:
    given = case("fitnet-main")
    given.batch = batch((torch.zeros(0, 4), batch().boxes[1]))
    given.losses()["features"].backward()
    fine, coarse = (level.grad for level in given.student)
    assert (fine == 0).all()
    assert (coarse[0] == 0).all()
    assert (coarse[1] != 0).any(0).nonzero().tolist() == [[0, 3]]


def test_positives_are_found_under_the_levels_that_were_chosen() -> None:
    """Only the second level is handed over: its index here is 0, and 1 for the head."""
    given = case("fitnet-main", settings={"levels": (1,)}, sizes=((3, 5),))
    (mask,) = given.distiller.explain(given.student, given.teacher, given.batch)["mask"]
    assert mask.nonzero().tolist() == [[0, 0, 2, 4], [1, 0, 0, 3]]


def test_only_the_main_region_needs_positives_in_cells() -> None:
    for row in ROWS:
        asked = {"positives", "cells"} if row == "fitnet-main" else set()
        assert resolve(row, "one-stage").needs == {"features"} | asked
    with pytest.raises(RowError, match="`fitnet-main` is not for two-stage detectors"):
        resolve("fitnet-main", "two-stage")
    given = case("fitnet-main")
    unknown = replace(given.batch, positives=None)
    assert given.distiller.explain(given.student, given.teacher, unknown) == {}
    with pytest.raises(ValueError, match="in which cells"):
        given.distiller(given.student, given.teacher, unknown)


def test_boxes_follow_the_padded_input() -> None:
    """The second image is smaller than the batch; its boxes must not be stretched over it."""
    given = case("fitnet-gtbox")
    box = torch.tensor([[0.0, 0.0, 24.0, 16.0]])
    small = replace(batch((torch.zeros(0, 4), box)), image_sizes=((48, 72), (16, 24)))
    mask = given.distiller.explain(given.student, given.teacher, small)["mask"][0]
    assert mask[0].sum() == 0
    assert mask[1, 0, :2, :3].all()
    assert mask[1].sum() == 6


@pytest.mark.parametrize("row", ["fitnet", "fitnet-gtbox", "fitnet-main", "fitnet-adapter"])
def test_gradient_is_the_losss(row: str) -> None:
    given = case(row, student_channels=3, sizes=((6, 9),))

    def loss(student: torch.Tensor, *_: torch.Tensor) -> torch.Tensor:
        return given.distiller((student,), given.teacher, given.batch)["features"]

    assert torch.autograd.gradcheck(loss, (given.student[0], *given.distiller.parameters()))


def test_adapter() -> None:
    assert not list(case("fitnet").distiller.parameters())
    assert len(list(case("fitnet-adapter").distiller.parameters())) == 4

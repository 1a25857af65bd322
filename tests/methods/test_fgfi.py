"""FGFI against brute force over all anchors and boxes, in numpy."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from methods.contract import Batch
from methods.settings.fgfi import FGFISettings
from tests.methods.given import Case, batch, case
from tests.methods.numpy_layers import Array, array, convolve, relu

DESIGNS = {
    "one-stage": ([4 * 2 ** (i / 3) for i in range(3)], [0.5, 1, 2]),
    "two-stage": ([8], [0.5, 1, 2]),
    "anchor-free": ([4], [1]),
}
ROWS = ["fgfi", *FGFISettings.named_variants()]


def overlaps(given: Batch, image: int, size: tuple[int, int], stride: int, family: str) -> Array:
    """(H, W, anchors, boxes) intersection over union; -1 for anchors of the padding."""
    scales, ratios = DESIGNS[family]
    boxes = given.boxes[image].double().numpy()
    found = np.full((*size, len(scales) * len(ratios), len(boxes)), -1.0)
    for row in range(size[0]):
        for column in range(size[1]):
            if row * stride >= given.image_sizes[image][0]:
                continue
            if column * stride >= given.image_sizes[image][1]:
                continue
            shapes = [(s * stride * r**0.5, s * stride / r**0.5) for s in scales for r in ratios]
            for index, (height, width) in enumerate(shapes):
                x, y = column * stride, row * stride
                for number, (x1, y1, x2, y2) in enumerate(boxes):
                    wide = max(0, min(x + width / 2, x2) - max(x - width / 2, x1))
                    high = max(0, min(y + height / 2, y2) - max(y - height / 2, y1))
                    union = height * width + (x2 - x1) * (y2 - y1) - wide * high
                    found[row, column, index, number] = wide * high / union
    return found


def masks(
    given: Batch, sizes: list[tuple[int, int]], family: str, psi: float, per_level: bool
) -> list[Array]:
    """Per level (N, H, W)."""
    found = [np.zeros((len(given.boxes), *size), dtype=bool) for size in sizes]
    for image in range(len(given.boxes)):
        every = [
            overlaps(given, image, size, 8 * 2**level, family) for level, size in enumerate(sizes)
        ]
        for number in range(len(given.boxes[image])):
            best = [each[..., number].max() for each in every]
            for level, each in enumerate(every):
                most = best[level] if per_level else max(best)
                found[level][image] |= (each[..., number] > psi * most).any(axis=2)
    return found


def working(given: Case, row: str, family: str) -> float:
    psi = float(row.removeprefix("fgfi-psi-")) if "psi" in row else 0.5
    weight = float(row.removeprefix("fgfi-lambda-")) if "lambda" in row else 0.01
    per_level = row == "fgfi-perlevel"
    sizes = [tuple(level.shape[2:]) for level in given.teacher]
    selected = masks(given.batch, sizes, family, psi, per_level)
    sums = []
    for level, (student, teacher) in enumerate(zip(given.student, given.teacher, strict=True)):
        layer = given.distiller.align[level]
        if row == "fgfi-relu":
            x = relu(convolve(array(student), layer[0]))
        else:
            x = convolve(array(student), layer)
        sums.append(((array(teacher) - x) ** 2 * selected[level][:, None]).sum())
    counts = [mask.sum() for mask in selected]
    if per_level:
        return weight * sum(s / (2 * max(n, 1)) for s, n in zip(sums, counts, strict=True))
    return weight * sum(sums) / (2 * max(sum(counts), 1))


@pytest.mark.parametrize("family", DESIGNS)
@pytest.mark.parametrize("row", ROWS)
def test_value_is_the_formulas(row: str, family: str) -> None:
    given = case(row, family)
    expected = working(given, row, family)
    assert given.losses()["features"].item() == pytest.approx(expected, rel=1e-6)
    single = given.cast(torch.float32).losses()["features"]
    assert single.item() == pytest.approx(expected, rel=1e-4)


@pytest.mark.parametrize("per_level", [False, True])
def test_masks_on_many_boxes(per_level: bool) -> None:
    random = torch.Generator().manual_seed(3)
    corners = torch.rand(12, 2, generator=random) * torch.tensor([60.0, 40.0])
    boxes = torch.cat([corners, corners + 3 + 40 * torch.rand(12, 2, generator=random)], dim=1)
    given = case(
        "fgfi",
        sizes=((6, 9), (3, 5), (2, 3)),
        settings={"anchor_extent": "per-level" if per_level else "all-levels"},
    )
    crowded = batch((boxes[:9], boxes[9:]))
    sizes = [(6, 9), (3, 5), (2, 3)]
    expected = masks(crowded, sizes, "one-stage", 0.5, per_level)
    found = given.distiller.explain(given.student, given.teacher, crowded)["mask"]
    for mask, reference in zip(found, expected, strict=True):
        assert (array(mask[:, 0]) == reference).all()
    assert any(0 < reference.mean() < 1 for reference in expected)


@pytest.mark.parametrize("row", ["fgfi", "fgfi-perlevel"])
@pytest.mark.parametrize("boxes", [torch.zeros(0, 4), torch.tensor([[-90.0, -90.0, -80.0, -80.0]])])
def test_nothing_selected_gives_zero(row: str, boxes: torch.Tensor) -> None:
    given = case(row)
    loss = given.distiller(given.student, given.teacher, batch((boxes, boxes)))["features"]
    loss.backward()
    assert loss.item() == 0
    assert all((level.grad == 0).all() for level in given.student)


def test_padding_is_never_selected() -> None:
    given = case("fgfi")
    wide = replace(batch(), image_sizes=((48, 72), (16, 24)))
    mask = given.distiller.explain(given.student, given.teacher, wide)["mask"][0][1, 0]
    assert mask[:2, :3].any()
    assert not mask[2:].any()
    assert not mask[:, 3:].any()


@pytest.mark.parametrize("row", ["fgfi", "fgfi-relu"])
def test_gradient_is_the_losss(row: str) -> None:
    given = case(row, student_channels=3, sizes=((6, 9),))

    def loss(student: torch.Tensor, *_: torch.Tensor) -> torch.Tensor:
        return 100 * given.distiller((student,), given.teacher, given.batch)["features"]

    assert torch.autograd.gradcheck(loss, (given.student[0], *given.distiller.parameters()))


def test_channels_are_summed_unless_normalised() -> None:
    values = [
        case("fgfi-noadapter", settings=settings).losses()["features"].item()
        for settings in ({}, {"normalise": "reference"})
    ]
    assert values[1] == pytest.approx(64 * values[0], rel=1e-9)  # 4 channels instead of 256

"""L1 and L2 against their formula, worked out in numpy, for every row."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from methods.settings.lp import L1Settings, L2Settings
from methods.settings.resolve import resolve
from tests.methods.given import Case, case
from tests.methods.numpy_layers import Array, array, convolve

LAMBDAS = ("0.5", "1", "2", "4", "8")
ROWS = {  # lambda, exponent, rescaled
    **{name: (2.0, 1, "raw" not in name) for name in ("l1", "l1-raw", "l1-noadapter")},
    **{name: (2.0, 2, "raw" not in name) for name in ("l2", "l2-raw", "l2-noadapter")},
    **{f"l1-lambda-{text}": (float(text), 1, True) for text in LAMBDAS},
    **{f"l2-lambda-{text}": (float(text), 2, True) for text in LAMBDAS},
    "l2-sum": (2e-5, 2, False),
}


def rescaled(x: Array) -> Array:
    low, high = x.min(axis=(2, 3), keepdims=True), x.max(axis=(2, 3), keepdims=True)
    return (x - low) / (high - low + 1e-6)


def working(given: Case, row: str) -> float:
    weight, exponent, rescale = ROWS[row]
    total = 0.0
    for level, (student, teacher) in enumerate(zip(given.student, given.teacher, strict=True)):
        x, y = convolve(array(student), given.distiller.align[level]), array(teacher)
        if rescale:
            x, y = rescaled(x), rescaled(y)
        error = np.abs(x - y) ** exponent
        total += weight * (error.sum() / len(x) if row == "l2-sum" else error.mean())
    return total


def test_every_row_has_a_working() -> None:
    named = {"l1", "l2", *L1Settings.named_variants(), *L2Settings.named_variants()}
    assert named == set(ROWS)


@pytest.mark.parametrize("student_channels", [4, 3])
@pytest.mark.parametrize("row", ROWS)
def test_value_is_the_formulas(row: str, student_channels: int) -> None:
    given = case(row, student_channels=student_channels)
    expected = working(given, row)
    assert given.losses()["features"].item() == pytest.approx(expected, rel=1e-6)
    single = given.cast(torch.float32).losses()["features"]
    assert single.item() == pytest.approx(expected, rel=1e-4)


@pytest.mark.parametrize("extent", ["tensor", "image"])
def test_other_extents_of_the_rescaling(extent: str) -> None:
    axes = (0, 1, 2, 3) if extent == "tensor" else (1, 2, 3)
    given = case("l1-noadapter", settings={"rescale": extent})
    total = 0.0
    for student, teacher in zip(map(array, given.student), map(array, given.teacher), strict=True):
        x, y = (
            (x - x.min(axes, keepdims=True)) / np.ptp(x, axes, keepdims=True)
            for x in (student, teacher)
        )
        total += 2 * np.abs(x - y).mean()
    assert given.losses()["features"].item() == pytest.approx(total, rel=1e-5)


@pytest.mark.parametrize("row", ["l1", "l2", "l2-sum"])
def test_gradient_is_the_losss(row: str) -> None:
    given = case(row, student_channels=3, sizes=((3, 4),))
    scale = 1e4 if row == "l2-sum" else 1.0

    def loss(student: torch.Tensor, *_: torch.Tensor) -> torch.Tensor:
        return scale * given.distiller((student,), given.teacher, given.batch)["features"]

    assert torch.autograd.gradcheck(loss, (given.student[0], *given.distiller.parameters()))


def test_adapters() -> None:
    assert len(list(case("l1").distiller.parameters())) == 4  # weight and bias on two levels
    assert not list(case("l1-noadapter").distiller.parameters())
    assert not list(case("l2-sum").distiller.parameters())


def test_sum_is_mgd_without_mask_and_generator() -> None:
    for family, alpha in {"one-stage": 2e-5, "two-stage": 5e-7, "anchor-free": 2e-5}.items():
        plain, masked = resolve("l2-sum", family), resolve("mgd", family)
        assert plain.methods[0].settings["loss_weight"] == alpha
        assert plain.methods[0].settings["tap"] == masked.methods[0].settings["tap"]
        assert plain.options == masked.options


def test_reference_normalisation_of_the_sum() -> None:
    sizes = ((100, 168), (50, 84))  # 800x1344
    values = [
        case("l2-sum", sizes=sizes, settings=settings).losses()["features"].item()
        for settings in ({}, {"normalise": "reference"})
    ]
    assert values[1] == pytest.approx(64 * values[0], rel=1e-9)  # 4 channels instead of 256


def test_error_is_what_the_loss_averages() -> None:
    given = case("l1")
    errors = given.distiller.explain(given.student, given.teacher, given.batch)["error"]
    total = 2 * sum(error.mean() for error in errors)
    assert given.losses()["features"].item() == pytest.approx(total.item(), rel=1e-9)

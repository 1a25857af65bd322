"""SSIM distillation against scipy's filters, for every row."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from methods.settings.resolve import resolve
from methods.settings.ssim import SSIMSettings
from tests.methods.given import Case, case
from tests.methods.numpy_layers import Array, array, convolve
from tests.methods.numpy_structure import structure

LARGE = ((14, 13), (11, 12))
ROWS = ["ssim", *SSIMSettings.named_variants()]


def rescaled(x: Array, row: str) -> Array:
    if row == "ssim-nopsi":
        return x
    axes = {"ssim-psi-tensor": (0, 1, 2, 3), "ssim-psi-image": (1, 2, 3)}.get(row, (2, 3))
    low, high = x.min(axis=axes, keepdims=True), x.max(axis=axes, keepdims=True)
    return (x - low) / (high - low + 1e-6)


def expectations(row: str) -> dict[str, object]:
    """What the row's name says: lambda, and arguments of the working."""
    last = row.removeprefix("ssim-")
    size = int(row.split("-")[2]) if "-win-" in row else 11
    return {
        "weight": float(last.removeprefix("lambda-")) if "lambda" in row else 2.0,
        "factors": last if last in ("s", "cs", "l", "c") else "lcs",
        "size": size,
        "sigma": 1.5 * size / 11 if row.endswith("-sc") else 1.5,
        "padding": last if last in ("valid", "zero", "replicate") else "reflect",
    }


def working(given: Case, row: str) -> float:
    named = expectations(row)
    weight = named.pop("weight")
    total = 0.0
    for level, (student, teacher) in enumerate(zip(given.student, given.teacher, strict=True)):
        x = rescaled(convolve(array(student), given.distiller.align[level]), row)
        small = min(x.shape[2:])
        fits = small >= {"valid": named["size"], "reflect": named["size"] // 2 + 1}.get(
            named["padding"], 1
        )
        padding = {} if fits else {"padding": "replicate"}
        total += weight * structure(x, rescaled(array(teacher), row), **{**named, **padding}).mean()
    return total


@pytest.mark.parametrize("row", ROWS)
def test_value_is_the_formulas(row: str) -> None:
    given = case(row, student_channels=3, sizes=LARGE)
    expected = working(given, row)
    assert given.losses()["structure"].item() == pytest.approx(expected, rel=1e-6)
    single = given.cast(torch.float32).losses()["structure"]
    assert single.item() == pytest.approx(expected, rel=1e-4)


@pytest.mark.parametrize("row", ["ssim", "ssim-valid", "ssim-win-3"])
def test_small_maps_are_replicated_and_said_to_be(row: str) -> None:
    given = case(row, sizes=((12, 9), (4, 7)))
    expected = working(given, row)
    assert given.losses()["structure"].item() == pytest.approx(expected, rel=1e-6)
    replicated = [given.distiller.measures[f"replicated.{level}"].item() for level in (0, 1)]
    assert replicated == {"ssim": [0, 1], "ssim-valid": [1, 1], "ssim-win-3": [0, 0]}[row]


@pytest.mark.parametrize("row", ["ssim", "ssim-s", "ssim-c", "ssim-nopsi", "ssim-valid"])
def test_gradient_is_the_losss(row: str) -> None:
    given = case(row, student_channels=3, sizes=((5, 6),), settings={"window": 3})

    def loss(student: torch.Tensor, *_: torch.Tensor) -> torch.Tensor:
        return given.distiller((student,), given.teacher, given.batch)["structure"]

    assert torch.autograd.gradcheck(loss, (given.student[0], *given.distiller.parameters()))


def test_detached_rescaling_changes_the_gradient_only() -> None:
    gradients, values = [], []
    for row in ("ssim", "ssim-psi-detach"):
        given = case(row)
        loss = given.losses()["structure"]
        loss.backward()
        gradients.append(given.student[0].grad)
        values.append(loss.item())
    assert values[0] == values[1]
    assert not torch.allclose(*gradients)


def test_adapter() -> None:
    assert len(list(case("ssim").distiller.parameters())) == 4
    assert not list(case("ssim-noadapter").distiller.parameters())


def test_values_lie_between_zero_and_lambda_for_each_level() -> None:
    given = case("ssim")
    opposite = tuple(-level for level in given.teacher)
    losses = {
        "equal": case("ssim-noadapter").distiller(given.teacher, given.teacher, given.batch),
        "opposite": case("ssim-noadapter").distiller(opposite, given.teacher, given.batch),
    }
    assert losses["equal"]["structure"].item() < 1e-8  # the tiny number in the denominator
    assert 2 < losses["opposite"]["structure"].item() <= 4


def test_even_windows_are_refused() -> None:
    with pytest.raises(ValueError, match="odd number"):
        resolve("ssim", "one-stage", {"window": 4})


def test_error_is_what_the_loss_averages() -> None:
    given = case("ssim", sizes=LARGE)
    errors = given.distiller.explain(given.student, given.teacher, given.batch)["error"]
    assert [tuple(error.shape) for error in errors] == [(2, 1, *size) for size in LARGE]
    total = 2 * sum(np.mean(array(error)) for error in errors)
    assert given.losses()["structure"].item() == pytest.approx(total, rel=1e-9)

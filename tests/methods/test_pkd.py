"""PKD against its formula, and against mmrazor's own."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy.stats import pearsonr

from methods.contract import Context
from methods.pkd import PKD
from methods.settings.pkd import PKDSettings
from methods.settings.resolve import resolve
from tests.methods.given import Case, batch, case, maps
from tests.methods.numpy_layers import array, convolve

WEIGHTS = {"pkd-w-3": 3.0, "pkd-w-6": 6.0, "pkd-w-10": 10.0, "pkd-w-15": 15.0}
ROWS = ["pkd", *PKDSettings.named_variants()]


def working(given: Case, row: str) -> float:
    total = 0.0
    for level, (student, teacher) in enumerate(zip(given.student, given.teacher, strict=True)):
        x, y = convolve(array(student), given.distiller.align[level]), array(teacher)
        axes = (2, 3) if row == "pkd-perimage" else (0, 2, 3)
        standard = [
            (z - z.mean(axes, keepdims=True)) / (z.std(axes, ddof=1, keepdims=True) + 1e-6)
            for z in (x, y)
        ]
        total += WEIGHTS.get(row, 10.0) / 2 * ((standard[0] - standard[1]) ** 2).mean()
    return total


@pytest.mark.parametrize("student_channels", [4, 3])
@pytest.mark.parametrize("row", ROWS)
def test_value_is_the_formulas(row: str, student_channels: int) -> None:
    given = case(row, student_channels=student_channels)
    expected = working(given, row)
    assert given.losses()["correlation"].item() == pytest.approx(expected, rel=1e-6)
    single = given.cast(torch.float32).losses()["correlation"]
    assert single.item() == pytest.approx(expected, rel=1e-4)


def test_value_is_one_minus_pearsons_r() -> None:
    given = case("pkd", sizes=((30, 40),))
    student, teacher = array(given.student[0]), array(given.teacher[0])
    correlations = [
        pearsonr(student[:, channel].ravel(), teacher[:, channel].ravel()).statistic
        for channel in range(4)
    ]
    expected = 10 * (1 - np.mean(correlations)) * (2 * 1200 - 1) / (2 * 1200)
    assert given.losses()["correlation"].item() == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize("row", ["pkd", "pkd-perimage"])
def test_gradient_is_the_losss(row: str) -> None:
    given = case(row, student_channels=3, sizes=((3, 4),))

    def loss(student: torch.Tensor, *_: torch.Tensor) -> torch.Tensor:
        return given.distiller((student,), given.teacher, given.batch)["correlation"]

    assert torch.autograd.gradcheck(loss, (given.student[0], *given.distiller.parameters()))


def test_defaults_by_family() -> None:
    weights = {"one-stage": 10, "anchor-free": 10, "two-stage": 6}
    for family, weight in weights.items():
        recipe = resolve("pkd", family)
        assert recipe.methods[0].settings["loss_weight"] == weight
        assert recipe.methods[0].settings["levels"] == [0, 1, 2, 3]
        assert recipe.methods[0].settings["tap"] == "neck-out"
        assert not recipe.options.inherit
    assert resolve("pkd-levels-all", "two-stage").methods[0].settings["levels"] is None


def heterogeneous(pairing: str) -> tuple[PKD, tuple, tuple]:
    """A student whose finest level has twice the stride of the teacher's."""
    context = Context("one-stage", (4, 4, 4), (4, 4, 4), strides=(8, 16, 32))
    distiller = PKD(PKDSettings(pairing=pairing, levels=None), context)
    return distiller, maps(4, 1, ((6, 8), (3, 4), (2, 2))), maps(4, 2, ((12, 16), (6, 8), (3, 4)))


def test_index_pairing_resizes_the_student() -> None:
    distiller, student, teacher = heterogeneous("index")
    resized = [
        torch.nn.functional.interpolate(one, other.shape[2:], mode="bilinear")
        for one, other in zip(student, teacher, strict=True)
    ]
    direct = distiller(tuple(resized), teacher, batch())["correlation"]
    assert distiller(student, teacher, batch())["correlation"].item() == pytest.approx(
        direct.item(), rel=1e-12
    )


def test_stride_pairing_compares_maps_of_one_size() -> None:
    distiller, student, teacher = heterogeneous("stride")
    direct = distiller(student[:2], teacher[1:], batch())["correlation"]
    assert distiller(student, teacher, batch())["correlation"].item() == direct.item()
    with pytest.raises(ValueError, match="no two maps"):
        distiller(student[2:], teacher[:1], batch())


def test_equal_heights_with_other_widths_are_resized() -> None:
    context = Context("one-stage", (4,), (4,), strides=(8,))
    distiller = PKD(PKDSettings(levels=None), context)
    loss = distiller(maps(4, 1, ((6, 8),)), maps(4, 2, ((6, 9),)), batch())["correlation"]
    assert loss.isfinite()


def test_a_constant_channel_is_harmless() -> None:
    given = case("pkd")
    flat = tuple(torch.zeros_like(level) for level in given.student)
    assert given.distiller(flat, given.teacher, given.batch)["correlation"].isfinite()

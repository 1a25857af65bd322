"""CWD against its formula, worked out in numpy, for every row."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from methods.settings.base import Family
from methods.settings.cwd import CWDSettings
from methods.settings.resolve import RowError, resolve
from tests.methods.given import Case, case
from tests.methods.numpy_layers import Array, array, convolve, softmax

ROWS = {  # weight, temperature
    **dict.fromkeys(["cwd", "cwd-logits", "cwd-levels-all", "cwd-kl", "cwd-ce"], (5.0, 1.0)),
    "cwd-mmrazor": (10.0, 1.0),
    **{f"cwd-tau-{text}": (5.0, float(text)) for text in ("1", "2", "4")},
    **{f"cwd-w-{text}": (float(text), 1.0) for text in ("1", "5", "10", "50")},
}


def distribution(x: Array, temperature: float) -> Array:
    """(N C, H W), each row adds up to 1."""
    return softmax(x.reshape(x.shape[0] * x.shape[1], -1) / temperature)


def working(given: Case, row: str) -> float:
    weight, temperature = ROWS[row]
    total = 0.0
    for level, (student, teacher) in enumerate(zip(given.student, given.teacher, strict=True)):
        q = distribution(convolve(array(student), given.distiller.align[level]), temperature)
        p = distribution(array(teacher), temperature)
        divergence = -p * np.log(q) if row == "cwd-ce" else p * np.log(p / q)
        total += weight * temperature**2 * divergence.sum() / len(p)
    return total


def test_every_row_has_a_working() -> None:
    assert {"cwd", *CWDSettings.named_variants()} == set(ROWS)


@pytest.mark.parametrize("student_channels", [4, 3])
@pytest.mark.parametrize("row", ROWS)
def test_value_is_the_formulas(row: str, student_channels: int) -> None:
    given = case(row, student_channels=student_channels)
    expected = working(given, row)
    assert given.losses()["divergence"].item() == pytest.approx(expected, rel=1e-6)
    single = given.cast(torch.float32).losses()["divergence"]
    assert single.item() == pytest.approx(expected, rel=1e-4)


def test_both_distances_have_one_gradient() -> None:
    gradients = []
    for row in ("cwd-kl", "cwd-ce"):
        given = case(row)
        given.losses()["divergence"].backward()
        gradients.append(given.student[0].grad)
    torch.testing.assert_close(*gradients)
    assert gradients[0].abs().max() > 0


def test_gradient_is_the_losss() -> None:
    given = case("cwd", student_channels=3, sizes=((3, 4),))

    def loss(student: torch.Tensor, *_: torch.Tensor) -> torch.Tensor:
        return given.distiller((student,), given.teacher, given.batch)["divergence"]

    assert torch.autograd.gradcheck(loss, (given.student[0], *given.distiller.parameters()))


def test_taps_and_levels() -> None:
    settings = resolve("cwd", "one-stage").methods[0].settings
    assert (settings["tap"], settings["levels"]) == ("fpn-conv", [0, 1, 2, 3])
    settings = resolve("cwd-mmrazor", "two-stage").methods[0].settings
    assert (settings["tap"], settings["levels"]) == ("neck-out", None)
    settings = resolve("cwd-logits", "one-stage").methods[0].settings
    assert (settings["tap"], settings["levels"]) == ("cls-logits", None)


@pytest.mark.parametrize("family", ["two-stage", "ssd"])
def test_logits_are_for_dense_heads_with_a_score_per_class(family: Family) -> None:
    with pytest.raises(RowError, match=f"`cwd-logits` is not for {family} detectors"):
        resolve("cwd-logits", family)


def test_shifting_a_channel_changes_nothing() -> None:
    given = case("cwd")
    shifted = tuple(level + 3 for level in given.teacher)
    loss = given.distiller(shifted, given.teacher, given.batch)["divergence"]
    assert loss.item() == pytest.approx(0, abs=1e-12)

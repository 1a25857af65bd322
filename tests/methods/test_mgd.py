"""MGD against its formula, worked out in numpy, for every row."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from methods.settings.mgd import MGDSettings
from methods.settings.resolve import resolve
from tests.methods.given import Case, case
from tests.methods.numpy_layers import array, convolve, relu

# 800x1344 at strides 8 and 16, 256 channels
REFERENCE_TERMS = (256 * 100 * 168, 256 * 50 * 84)
RESULTS = {  # weight and hidden share as the sheets of the method state them, one-stage
    **dict.fromkeys(["mgd", *MGDSettings.named_variants()], (2e-05, 0.65)),
    "mgd-nomask": (2e-5, 0.0),
    **{
        f"mgd-lambda-{text}": (2e-5, float(text))
        for text in MGDSettings.sweeps["mgd-lambda"].values
    },
    "mgd-alpha-x0.25": (5e-6, 0.65),
    "mgd-alpha-x0.5": (1e-5, 0.65),
    "mgd-alpha-x2": (4e-5, 0.65),
    "mgd-alpha-x4": (8e-5, 0.65),
}


def working(given: Case, row: str, alpha: float) -> float:
    """sum over levels of alpha / N * sum (G(M * align(S)) - T)^2."""
    masks = given.distiller.explain(given.student, given.teacher, given.batch)["mask"]
    total = 0.0
    for level, (student, teacher) in enumerate(zip(given.student, given.teacher, strict=True)):
        x = convolve(array(student), given.distiller.align[level]) * array(masks[level])
        convolutions = [
            layer for layer in given.distiller.generate[level] if isinstance(layer, torch.nn.Conv2d)
        ]
        for index, layer in enumerate(convolutions):
            x = convolve(relu(x) if index else x, layer)
        error = ((x - array(teacher)) ** 2).sum() / 2
        if row == "mgd-mean":
            error *= REFERENCE_TERMS[level] / teacher[0].numel()
        total += alpha * error
    return total


@pytest.mark.parametrize("student_channels", [4, 3])
@pytest.mark.parametrize("row", RESULTS)
def test_value_is_the_formulas(row: str, student_channels: int) -> None:
    given = case(row, student_channels=student_channels)
    expected = working(given, row, RESULTS[row][0])
    assert given.losses()["rebuild"].item() == pytest.approx(expected, rel=1e-6)
    single = given.cast(torch.float32).losses()["rebuild"]
    assert single.dtype == torch.float32
    assert single.item() == pytest.approx(expected, rel=1e-4)


@pytest.mark.parametrize("row", RESULTS)
def test_hidden_share_is_lambda(row: str) -> None:
    given = case(row, sizes=((60, 90), (30, 45)))
    given.losses()
    for level, cells in enumerate((2 * 60 * 90, 2 * 30 * 45)):
        share = RESULTS[row][1]
        deviation = (share * (1 - share) / cells) ** 0.5
        assert given.distiller.measures[f"hidden.{level}"] == pytest.approx(
            share, abs=4 * deviation
        )


def test_defaults_by_family() -> None:
    (two_stage,) = resolve("mgd", "two-stage").methods
    assert two_stage.settings["alpha"] == 5e-7
    assert two_stage.settings["masked"] == 0.45
    for family in ("one-stage", "anchor-free"):
        (spec,) = resolve("mgd", family).methods
        assert (spec.settings["alpha"], spec.settings["masked"]) == (2e-5, 0.65)
    assert resolve("mgd", "one-stage").options.inherit
    assert resolve("mgd", "one-stage").options.clip == 35
    assert not resolve("mgd-noinherit", "one-stage").options.inherit


@pytest.mark.parametrize(
    ("row", "convolutions", "kernel"),
    [("mgd", 2, 3), ("mgd-gen-1conv", 1, 3), ("mgd-gen-3conv", 3, 3), ("mgd-gen-1x1", 2, 1)],
)
def test_generator_is_as_deep_as_named(row: str, convolutions: int, kernel: int) -> None:
    layers = [m for m in case(row).distiller.modules() if isinstance(m, torch.nn.Conv2d)]
    assert len(layers) == convolutions * 2  # two levels
    assert {layer.kernel_size for layer in layers} == {(kernel, kernel)}


def test_generator_has_the_published_size() -> None:
    given = case("mgd", student_channels=256, teacher_channels=256, sizes=((2, 3),))
    assert sum(p.numel() for p in given.distiller.parameters()) == 1_180_160


def test_shared_generator_is_one() -> None:
    shared, own = case("mgd-shared-gen").distiller, case("mgd").distiller
    assert 2 * len(list(shared.parameters())) == len(list(own.parameters()))
    assert shared.generate[0] is shared.generate[1]


def test_reference_normalisation_is_the_papers_at_the_reference_size() -> None:
    sizes = ((100, 168), (50, 84), (25, 42), (13, 21), (7, 11))
    values = []
    for row in ("mgd", "mgd-mean"):
        given = case(row, student_channels=1, teacher_channels=1, sizes=sizes)
        values.append(given.losses()["rebuild"].item())
    assert values[1] == pytest.approx(256 * values[0], rel=1e-9)  # one channel instead of 256


def test_mask_is_drawn_anew_for_every_image_level_and_seed() -> None:
    given = case("mgd", sizes=((30, 30), (30, 30)))

    def drawn(seed: int) -> list[np.ndarray]:
        batch = type(given.batch)(**{**vars(given.batch), "seed": seed})
        masks = given.distiller.explain(given.student, given.teacher, batch)["mask"]
        return [array(level)[image] for level in masks for image in range(2)]

    every = drawn(1) + drawn(2)
    for index, one in enumerate(every):
        for other in every[index + 1 :]:
            assert abs(np.corrcoef(one.ravel(), other.ravel())[0, 1]) < 0.15
    assert all((a == b).all() for a, b in zip(drawn(1), drawn(1), strict=True))


def test_gradient_is_the_losss() -> None:
    given = case("mgd", student_channels=3, sizes=((3, 4),))

    def loss(student: torch.Tensor, *_: torch.Tensor) -> torch.Tensor:
        return 1e5 * given.distiller((student,), given.teacher, given.batch)["rebuild"]

    parameters = tuple(given.distiller.parameters())
    assert torch.autograd.gradcheck(loss, (given.student[0], *parameters))


def test_mask_hides_the_student_and_nothing_else() -> None:
    given = case("mgd-lambda-1.0")
    given.losses()["rebuild"].backward()
    assert all((level.grad == 0).all() for level in given.student)
    assert given.losses()["rebuild"] > 0

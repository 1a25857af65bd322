"""FKD against its formula, worked out in numpy, for every row."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from methods.settings.fkd import FKDSettings
from methods.settings.resolve import resolve
from tests.methods.given import Case, case
from tests.methods.numpy_layers import (
    Array,
    array,
    channel_attention,
    convolve,
    softmax,
    spatial_attention,
)
from tests.methods.numpy_relate import non_local

TERMS = ("features", "channel_transfer", "spatial_transfer", "relation")
ONE_STAGE = (4.2e-4, 2.4e-2, 2.4e-2, 4.2e-4)
TWO_STAGE = (7e-5, 4e-3, 4e-3, 7e-5)
WEIGHTS = {  # of the four terms, one-stage and two-stage
    **dict.fromkeys(["fkd", *FKDSettings.named_variants()], (ONE_STAGE, TWO_STAGE)),
    "fkd-paper": ((2e-2, 4e-4, 4e-4, 4e-4), (4e-3, 7e-5, 7e-5, 7e-5)),
    "fkd-x0.5": tuple(tuple(0.5 * w for w in weights) for weights in (ONE_STAGE, TWO_STAGE)),
    "fkd-x2": tuple(tuple(2 * w for w in weights) for weights in (ONE_STAGE, TWO_STAGE)),
}
ABSENT = {
    "fkd-at": {"features", "relation"},
    "fkd-am": {"channel_transfer", "spatial_transfer", "relation"},
    "fkd-attention": {"relation"},
    "fkd-nonlocal": {"features", "channel_transfer", "spatial_transfer"},
    "fkd-spatial-only": {"channel_transfer"},
    "fkd-channel-only": {"spatial_transfer"},
}
POOLS = {"fkd-paper": (1, 1), "fkd-mmrazor": (16, 8)}
ROWS = [
    (row, family)
    for row in WEIGHTS
    for family in ("one-stage", "two-stage")
    if not (row == "fkd-two-stage-both-masks" and family == "one-stage")
]


def given_case(row: str, family: str, **options: object) -> Case:
    settings = {"levels": (0, 1)} if row == "fkd-mmrazor" else {}
    return case(row, family, settings=settings, **options)


def joined(x: Array, y: Array, kind: str, tau: float, paper: bool) -> Array:
    attention = spatial_attention if kind == "cells" else channel_attention
    if not paper:
        return (attention(x, tau) + attention(y, tau)) / 2
    axes = 1 if kind == "cells" else (2, 3)
    strength = np.abs(x).mean(axis=axes) + np.abs(y).mean(axis=axes)
    flat = strength.reshape(len(x), -1)
    return (flat.shape[1] * softmax(flat / tau)).reshape(strength.shape)


def linear(x: Array, layer: torch.nn.Module) -> Array:
    return x @ array(layer.weight).T + array(layer.bias)


def working(given: Case, row: str, family: str) -> dict[str, float]:
    two_stage = family == "two-stage"
    tau = float(row.removeprefix("fkd-tau-")) if "tau" in row else (0.5 if two_stage else 0.1)
    if row == "fkd-paper":
        tau = 0.1 if two_stage else 0.5
    cells = row != "fkd-channel-only"
    channels = row in ("fkd-channel-only", "fkd-two-stage-both-masks", "fkd-paper") or (
        not two_stage and row not in ("fkd-spatial-only", "fkd-mmrazor")
    )
    absolute = row in ("fkd-paper", "fkd-abs-transfer")
    differences: dict[str, list[Array]] = {term: [] for term in TERMS}
    for level, (student, teacher) in enumerate(zip(given.student, given.teacher, strict=True)):
        stage = given.distiller.stages[level]
        x, y = convolve(array(student), stage.align), array(teacher)
        absent = ABSENT.get(row, set())
        if "features" not in absent:
            difference = y - convolve(x, stage.features)
            paper_mask = row in ("fkd-paper", "fkd-paper-unswapped")
            if cells:
                mask = joined(x, y, "cells", tau, paper_mask)
                difference = difference * np.sqrt(mask)[:, None]
            if channels:
                mask = joined(x, y, "channels", tau, paper_mask)
                difference = difference * np.sqrt(mask)[:, :, None, None]
            differences["features"].append(difference)
        if "channel_transfer" not in absent:
            differences["channel_transfer"].append(
                np.abs(y).mean((2, 3)) - np.abs(x).mean((2, 3))
                if absolute
                else y.mean((2, 3)) - linear(x.mean((2, 3)), stage.channels)
            )
        if "spatial_transfer" not in absent:
            differences["spatial_transfer"].append(
                np.abs(y).mean(1) - np.abs(x).mean(1)
                if absolute
                else y.mean(1, keepdims=True) - convolve(x.mean(1, keepdims=True), stage.cells)
            )
        if "relation" not in absent:
            pool = POOLS.get(row, (8, 4))[level]
            answer = convolve(non_local(x, stage.relation_s, pool), stage.relation)
            differences["relation"].append(answer - non_local(y, stage.relation_t, pool))
    weights = dict(zip(TERMS, WEIGHTS[row][two_stage], strict=True))
    return {
        term: weights[term] * sum(np.sqrt((each**2).sum()) for each in levels)
        for term, levels in differences.items()
        if levels
    }


@pytest.mark.parametrize("student_channels", [4, 3])
@pytest.mark.parametrize(("row", "family"), ROWS)
def test_value_is_the_formulas(row: str, family: str, student_channels: int) -> None:
    given = given_case(row, family, student_channels=student_channels)
    expected = working(given, row, family)
    losses = {name: loss.item() for name, loss in given.losses().items()}
    assert losses == pytest.approx(expected, rel=1e-6)
    single = {name: loss.item() for name, loss in given.cast(torch.float32).losses().items()}
    assert single == pytest.approx(expected, rel=1e-4)


@pytest.mark.parametrize("row", ["fkd", "fkd-paper"])
def test_gradient_is_the_losss(row: str) -> None:
    given = case(row, student_channels=3, sizes=((3, 4),))

    def loss(student: torch.Tensor, *_: torch.Tensor) -> torch.Tensor:
        losses = given.distiller((student,), given.teacher, given.batch)
        return 100 * torch.stack(list(losses.values())).sum()

    # The mask is held constant, so the numerical derivative must hold it too.
    stage = given.distiller.stages[0]
    masks = stage.masks(stage.align(given.student[0]), given.teacher[0])
    stage.masks = lambda *_: masks
    parameters = [weight for weight in given.distiller.parameters() if weight.requires_grad]
    assert torch.autograd.gradcheck(loss, (given.student[0], *parameters))


def test_teachers_block_is_trained_unless_detached() -> None:
    for row, trained in {"fkd": True, "fkd-detach-nlt": False}.items():
        given = case(row)
        given.losses()["relation"].backward()
        for weight in given.distiller.stages[0].relation_t.parameters():
            assert weight.requires_grad == trained
            assert (weight.grad is not None) == trained


def test_gradient_is_finite_where_student_equals_teacher() -> None:
    given = case("fkd-paper")
    for stage in given.distiller.stages:  # adapters that change nothing
        for layer in (stage.features, stage.relation):
            torch.nn.init.dirac_(layer.weight)
            torch.nn.init.zeros_(layer.bias)
        for block in (stage.relation_s, stage.relation_t):
            torch.nn.init.zeros_(block.norm.weight)
            torch.nn.init.zeros_(block.norm.bias)
    student = tuple(level.clone().requires_grad_() for level in given.teacher)
    losses = given.distiller(student, given.teacher, given.batch)
    torch.stack(list(losses.values())).sum().backward()
    assert all(loss.item() < 1e-6 for loss in losses.values())
    assert all(level.grad.isfinite().all() for level in student)


def test_masks_have_mean_one_and_no_gradient() -> None:
    given = case("fkd")
    masks = given.distiller.explain(given.student, given.teacher, given.batch)
    assert [tuple(mask.shape) for mask in masks["weight"]] == [(2, 1, 6, 9), (2, 1, 3, 5)]
    assert [tuple(mask.shape) for mask in masks["channel_weight"]] == [(2, 4, 1, 1)] * 2
    for mask in (*masks["weight"], *masks["channel_weight"]):
        torch.testing.assert_close(mask.mean((1, 2, 3)), torch.ones(2, dtype=mask.dtype))
        assert not mask.requires_grad


def test_sizes_of_the_blocks_are_those_of_their_level() -> None:
    given = case(
        "fkd",
        student_channels=8,
        teacher_channels=8,
        sizes=((2, 2),) * 3,
        settings={"levels": (0, 2, 4)},
    )
    blocks = [stage.relation_s for stage in given.distiller.stages]
    assert [block.pool for block in blocks] == [8, 2, 2]
    assert [block.query.out_channels for block in blocks] == [2, 4, 4]


def test_reference_normalisation_is_the_papers_at_the_reference_size() -> None:
    sizes = ((100, 168), (50, 84))  # 800x1344, two images
    one, other = (
        case("fkd", sizes=sizes, settings=settings).losses()
        for settings in ({}, {"normalise": "reference"})
    )
    for term in ("features", "channel_transfer", "relation"):  # 4 channels instead of 256
        assert other[term].item() == pytest.approx(8 * one[term].item(), rel=1e-9)
    assert other["spatial_transfer"].item() == pytest.approx(one["spatial_transfer"].item())


def test_a_device_with_four_images_is_two_devices_with_two() -> None:
    """Without the relation, whose normalisation sees the images of its device."""
    given = case("fkd-attention")
    here = (given.student, given.teacher)
    there = (tuple(1.7 * level.cos() for level in maps) for maps in here)
    there = tuple(tuple(level.detach() for level in maps) for maps in there)
    together = (
        tuple(torch.cat(levels) for levels in zip(one, other, strict=True))
        for one, other in zip(here, there, strict=True)
    )
    alone = [given.distiller(*maps, given.batch) for maps in (here, there)]
    for name, loss in given.distiller(*together, given.batch).items():
        mean = (alone[0][name] + alone[1][name]) / 2
        assert loss.item() == pytest.approx(mean.item(), rel=1e-12)


def test_rows_without_relation_have_no_block() -> None:
    assert not any(
        "relation" in name for name, _ in case("fkd-attention").distiller.named_modules()
    )
    assert resolve("fkd", "one-stage").methods[0].settings["tap"] == "neck-out"
    assert not resolve("fkd", "one-stage").options.inherit


def test_both_networks_cells_keep_what_relates_them() -> None:
    given = case("fkd")
    looks = given.distiller.explain(given.student, given.teacher, given.batch)
    for level, stage in enumerate(given.distiller.stages):
        map_s, map_t = given.student[level], given.teacher[level]
        for network, block, maps in (
            ("student", stage.relation_s, stage.align(map_s)),
            ("teacher", stage.relation_t, map_t),
        ):
            query, key = block.queries_and_keys(maps)
            torch.testing.assert_close(looks[f"{network}_query"][level], query)
            torch.testing.assert_close(looks[f"{network}_key"][level], key)
            assert not looks[f"{network}_key"][level].requires_grad
    without = case("fkd-attention")
    names = without.distiller.explain(without.student, without.teacher, without.batch)
    assert set(names) == {"weight", "channel_weight"}

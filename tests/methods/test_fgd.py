"""FGD against its formulas, worked out in numpy with loops over boxes, for every row."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from methods.contract import Batch
from methods.settings.fgd import FGDSettings
from methods.settings.resolve import resolve
from tests.methods.given import Case, batch, case
from tests.methods.numpy_layers import (
    Array,
    array,
    channel_attention,
    convolve,
    relu,
    softmax,
    spatial_attention,
)
from tests.methods.test_boxes import looped

CODE = {"foreground": 1e-3, "background": 5e-4, "attention": 5e-4, "context": 5e-6}
FOCAL = {"context": 0}
GLOBAL = {"foreground": 0, "background": 0, "attention": 0}
AREA = {"context": 0, "attention": 0}
ROWS: dict[str, dict] = {
    "fgd": {},
    "fgd-code": {},
    "fgd-paper": {"attention": 1e-3},
    "fgd-noinherit": {},
    "fgd-focal": FOCAL,
    "fgd-global": GLOBAL,
    "fgd-focal-spatial": {**FOCAL, "channels": False},
    "fgd-focal-channel": {**FOCAL, "cells": False},
    "fgd-area-fg": {**AREA, "background": 0},
    "fgd-area-bg": {**AREA, "foreground": 0},
    "fgd-area-unsplit": {**AREA, "unsplit": 7.5e-4},
    "fgd-area-split": AREA,
    "fgd-relation-nonlocal": {**GLOBAL, "nonlocal": True},
    "fgd-relation-gc": GLOBAL,
    "fgd-strict-boxes": {"stretch": False, "inclusive": False},
    "fgd-true-boxes": {"stretch": False},
    "fgd-mean": {"reference": True},
    **{f"fgd-tau-{text}": {"tau": float(text)} for text in ("0.3", "0.5", "0.8", "1.0", "1.2")},
}
OTHER_FAMILIES = [  # row, family, the weights that the sheets give
    ("fgd", "two-stage", (5e-5, 2.5e-5, 5e-5, 5e-7, 0.5)),
    ("fgd-paper", "two-stage", (5e-5, 2.5e-5, 5e-5, 5e-7, 0.5)),
    ("fgd", "anchor-free", (1.6e-3, 8e-4, 8e-4, 8e-6, 0.5)),
    ("fgd-fcos", "anchor-free", (1.6e-3, 8e-4, 8e-4, 8e-6, 0.8)),
    ("fgd-paper", "anchor-free", (1.6e-3, 8e-4, 8e-3, 8e-6, 0.5)),
]
REFERENCE_CELLS = (100 * 168, 50 * 84)


def global_context(x: Array, block: torch.nn.Module) -> Array:
    """x + W2 ReLU(LN(W1 sum_j softmax_j(W_k x)_j x_j))."""
    first, norm, _, second = block.transform
    weights = softmax(convolve(x, block.key).reshape(len(x), -1))
    pooled = np.einsum("ncj,nj->nc", x.reshape(*x.shape[:2], -1), weights)
    inner = pooled @ array(first.weight)[:, :, 0, 0].T + array(first.bias)
    centred = inner - inner.mean(axis=1, keepdims=True)
    inner = centred / np.sqrt(centred.var(axis=1, keepdims=True) + norm.eps)
    inner = inner * array(norm.weight).ravel() + array(norm.bias).ravel()
    added = relu(inner) @ array(second.weight)[:, :, 0, 0].T + array(second.bias)
    return x + added[:, :, None, None]


def non_local(x: Array, block: torch.nn.Module) -> Array:
    """Dot products of all pairs of cells, no softmax, batch-normalised with batch statistics."""
    query, key, value = (
        convolve(x, layer).reshape(len(x), -1, x.shape[2] * x.shape[3])
        for layer in (block.query, block.key, block.value)
    )
    answer = np.einsum("nip,niq,njq->njp", query, key, value) / key.shape[2]
    answer = convolve(answer.reshape(len(x), -1, *x.shape[2:]), block.output)
    mean = answer.mean(axis=(0, 2, 3), keepdims=True)
    deviation = np.sqrt(answer.var(axis=(0, 2, 3), keepdims=True) + block.norm.eps)
    scale, bias = (array(each)[None, :, None, None] for each in block.norm.parameters())
    return x + (answer - mean) / deviation * scale + bias


def working(given: Case, switches: dict, given_batch: Batch) -> dict[str, float]:
    terms: dict[str, float] = {}
    for level, (map_s, map_t) in enumerate(zip(given.student, given.teacher, strict=True)):
        student, teacher = convolve(array(map_s), given.distiller.align[level]), array(map_t)
        count, channels, *size = teacher.shape
        cells_scale = channels_scale = 1.0
        if switches.get("reference"):
            cells_scale = REFERENCE_CELLS[level] / (size[0] * size[1])
            channels_scale = 256 / channels
        tau = switches.get("tau", 0.5)

        def attention(x: Array, tau: float = tau) -> tuple[Array, Array]:
            cells, by_channel = spatial_attention(x, tau), channel_attention(x, tau)
            if not switches.get("cells", True):
                cells = np.ones_like(cells)
            if not switches.get("channels", True):
                by_channel = np.ones_like(by_channel)
            return cells, by_channel

        cells_t, channels_t = attention(teacher)
        cells_s, channels_s = attention(student)
        fg = looped(
            given_batch, tuple(size), switches.get("stretch", True), switches.get("inclusive", True)
        )
        bg = np.zeros_like(fg)
        for image in range(count):
            empty = fg[image] == 0
            if empty.any():
                bg[image][empty] = 1 / empty.sum()
        weighted = (
            np.einsum("nhw,nc,nchw->nhw", cells_t, channels_t, (teacher - student) ** 2) / count
        )
        if switches.get("unsplit"):
            found = {"whole": switches["unsplit"] * weighted.sum() / fg[0].size}
        else:
            found = {
                "foreground": switches["foreground"] * (fg * weighted).sum(),
                "background": switches["background"] * (bg * weighted).sum(),
            }
        found = {name: value * channels_scale for name, value in found.items()}
        found["attention"] = switches["attention"] * (
            channels_scale * np.abs(channels_s - channels_t).sum() / count
            + cells_scale * np.abs(cells_s - cells_t).sum() / count
        )
        if switches["context"]:
            relate = non_local if switches.get("nonlocal") else global_context
            related = relate(student, given.distiller.student_context[level]) - relate(
                teacher, given.distiller.teacher_context[level]
            )
            found["context"] = switches["context"] * (related**2).sum() / count
            found["context"] *= cells_scale * channels_scale
        for name, value in found.items():
            terms[name] = terms.get(name, 0.0) + value
    return {name: value for name, value in terms.items() if value}


def check(given: Case, switches: dict) -> None:
    expected = working(given, switches, given.batch)
    for dtype, tolerance in ((torch.float64, 1e-6), (torch.float32, 1e-4)):
        found = {name: loss.item() for name, loss in given.cast(dtype).losses().items()}
        assert found == pytest.approx(expected, rel=tolerance)


def test_every_row_has_a_working() -> None:
    assert {*ROWS, "fgd-fcos"} == {"fgd", *FGDSettings.named_variants()}


@pytest.mark.parametrize("student_channels", [4, 3])
@pytest.mark.parametrize("row", ROWS)
def test_value_is_the_formulas(row: str, student_channels: int) -> None:
    check(case(row, student_channels=student_channels), {**CODE, **ROWS[row]})


@pytest.mark.parametrize("row", list(ROWS))
def test_the_papers_ablations_do_not_inherit(row: str) -> None:
    ablation = row.startswith(
        ("fgd-noinherit", "fgd-focal", "fgd-global", "fgd-tau", "fgd-area", "fgd-relation")
    )
    assert resolve(row, "one-stage").options.inherit != ablation


@pytest.mark.parametrize(("row", "family", "weights"), OTHER_FAMILIES)
def test_weights_by_family(row: str, family: str, weights: tuple[float, ...]) -> None:
    names = ("foreground", "background", "attention", "context", "tau")
    check(case(row, family), dict(zip(names, weights, strict=True)))


@pytest.mark.parametrize(
    "boxes",
    [
        (torch.zeros(0, 4), torch.zeros(0, 4)),
        (torch.tensor([[-10.0, -10.0, 100.0, 90.0]]), torch.zeros(0, 4)),
        (torch.tensor([[200.0, 200.0, 300.0, 300.0], [8.0, 8.0, 8.0, 8.0]]), torch.ones(1, 4)),
    ],
    ids=["no boxes at all", "one image covered, one empty", "outside and degenerate"],
)
@pytest.mark.parametrize("row", ["fgd", "fgd-strict-boxes"])
def test_odd_boxes(boxes: tuple[torch.Tensor, ...], row: str) -> None:
    given = case(row)
    given.batch = batch(boxes)
    expected = working(given, {**CODE, **ROWS[row]}, given.batch)
    found = {name: loss.item() for name, loss in given.losses().items()}
    assert {name: value for name, value in found.items() if value} == pytest.approx(expected)
    sum(given.losses().values()).backward()
    assert all(torch.isfinite(level.grad).all() for level in given.student)


def test_context_starts_as_plain_squared_error() -> None:
    from methods.build import build

    given = case("fgd")
    (spec,) = resolve("fgd", "one-stage").methods
    fresh = build(spec, given.context).double()
    plain = sum(
        ((array(s) - array(t)) ** 2).sum() / 2
        for s, t in zip(given.student, given.teacher, strict=True)
    )
    found = fresh(given.student, given.teacher, given.batch)["context"].item()
    assert found == pytest.approx(5e-6 * plain, rel=1e-9)


def test_context_blocks_of_both_sides_are_trained_and_have_the_published_size() -> None:
    given = case("fgd", student_channels=256, teacher_channels=256, sizes=((2, 3),))
    for blocks in (given.distiller.student_context, given.distiller.teacher_context):
        assert sum(p.numel() for p in blocks.parameters()) == 66_433
    sum(given.losses().values()).backward()
    for name, parameter in given.distiller.named_parameters():
        if name.endswith("key.bias"):  # a softmax does not see it
            assert parameter.grad.abs().max() < 1e-12
        else:
            assert parameter.grad.abs().max() > 0, name


def test_learned_offset_costs_no_precision() -> None:
    """Student and teacher ten apart, and a block that has learned it: float32 keeps the rest."""
    given = case("fgd-global", sizes=((40, 60),))
    with torch.no_grad():
        for name, parameter in given.distiller.named_parameters():
            learned = name == "student_context.0.transform.3.bias"
            parameter.fill_(-10.0 if learned else 0.0)
    noise = torch.randn(given.student[0].shape, generator=torch.Generator().manual_seed(0))
    given.student = (given.teacher[0] + 10 + 0.3 * noise.double(),)
    expected = working(given, {**CODE, **GLOBAL}, given.batch)
    found = given.cast(torch.float32).losses()["context"].item()
    assert found == pytest.approx(expected["context"], rel=1e-3)


def test_without_the_global_term_there_is_nothing_to_train() -> None:
    assert list(case("fgd-focal").distiller.parameters()) == []


@pytest.mark.parametrize("row", ["fgd", "fgd-relation-nonlocal", "fgd-area-unsplit"])
def test_gradient_is_the_losss(row: str) -> None:
    given = case(row, student_channels=3, sizes=((3, 4),))

    def loss(student: torch.Tensor, *_: torch.Tensor) -> torch.Tensor:
        return 1e3 * sum(given.distiller((student,), given.teacher, given.batch).values())

    assert torch.autograd.gradcheck(loss, (given.student[0], *given.distiller.parameters()))


def test_weight_map_is_what_the_imitation_uses() -> None:
    given = case("fgd-area-split", settings={"weigh": "cells"})
    looks = given.distiller.explain(given.student, given.teacher, given.batch)
    sum(given.losses().values()).backward()
    for weight, student, teacher in zip(looks["weight"], given.student, given.teacher, strict=True):
        assert weight.mean(dim=(1, 2, 3)).tolist() == pytest.approx([1, 1])
        slope = (student.grad / (student - teacher)).mean(dim=1, keepdim=True)
        slope = slope / slope.mean(dim=(2, 3), keepdim=True)
        assert array(slope) == pytest.approx(array(weight), rel=1e-6)


def test_sums_grow_with_the_map_unless_normalised() -> None:
    """Twice the cells on each side: the context term is four times larger, or the same."""
    for row, factor in (("fgd", 4), ("fgd-mean", 1)):
        values = []
        for times in (1, 2):
            given = case(row, sizes=((6, 8),))
            maps = [
                tuple(each.repeat_interleave(times, 2).repeat_interleave(times, 3) for each in side)
                for side in (given.student, given.teacher)
            ]
            values.append(given.distiller(*maps, given.batch)["context"].item())
        assert values[1] == pytest.approx(factor * values[0])

"""The dual-mask stand-in against its formula, worked out in numpy, for every row."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from methods.settings.dual_mask import DualMaskSettings
from methods.settings.resolve import resolve
from tests.methods.given import Case, case
from tests.methods.numpy_layers import (
    Array,
    array,
    channel_attention,
    convolve,
    relu,
    spatial_attention,
)

REFERENCE_TERMS = (256 * 100 * 168, 256 * 50 * 84)
ROWS: dict[str, dict] = {
    "dual-mask": {},
    "dual-mask-quantile": {"quantile": 0.65},
    "dual-mask-fixed": {"fixed": True},
    "dual-mask-cells": {"branches": ("cells",)},
    "dual-mask-channels": {"branches": ("channels",)},
    "dual-mask-random-matched": {"given": True},
    "dual-mask-noinherit": {},
    "dual-mask-mean": {"reference": True},
    **{f"dual-mask-tau-{t}": {"tau": float(t)} for t in ("0.3", "0.5", "0.8", "1.0", "1.2")},
}


def kept(attention: Array, switches: dict) -> Array:
    """(N, K) of 0 and 1."""
    if "quantile" not in switches:
        return (attention < 1.0).astype(float)
    count = round(switches["quantile"] * attention.shape[1])
    threshold = np.sort(attention, axis=1)[:, attention.shape[1] - count]
    return (attention < threshold[:, None]).astype(float)


def working(given: Case, switches: dict) -> float:
    looks = given.distiller.explain(given.student, given.teacher, given.batch)
    tau, total = switches.get("tau", 0.5), 0.0
    branches = switches.get("branches", ("cells", "channels"))
    for level, (map_s, map_t) in enumerate(zip(given.student, given.teacher, strict=True)):
        student, teacher = convolve(array(map_s), given.distiller.align[level]), array(map_t)
        cells = spatial_attention(teacher, tau)
        masks = {
            "cells": kept(cells.reshape(2, -1), switches).reshape(2, 1, *cells.shape[1:]),
            "channels": kept(channel_attention(teacher, tau), switches)[:, :, None, None],
        }
        if switches.get("given"):
            drawn = {"cells": looks["mask"], "channels": looks["channel_mask"]}
            for name, mask in masks.items():
                chosen = array(drawn[name][level])
                axes = (1, 2, 3)
                assert chosen.sum(axis=axes).tolist() == mask.sum(axis=axes).tolist()
                masks[name] = chosen
        rebuilt = np.zeros_like(teacher)
        for index, name in enumerate(branches):
            first, _, second = given.distiller.generate[name][level]
            made = convolve(relu(convolve(student * masks[name], first)), second)
            weight = array(given.distiller.fusion)[index]
            if switches.get("fixed"):
                assert weight == 0.5
            rebuilt += weight * made if len(branches) == 2 else made
        error = ((rebuilt - teacher) ** 2).sum() / 2
        if switches.get("reference"):
            error *= REFERENCE_TERMS[level] / teacher[0].size
        total += 2e-5 * error
    return total


def test_every_row_has_a_working() -> None:
    assert set(ROWS) == {"dual-mask", *DualMaskSettings.named_variants()}


@pytest.mark.parametrize("student_channels", [6, 3])
@pytest.mark.parametrize("row", ROWS)
def test_value_is_the_formulas(row: str, student_channels: int) -> None:
    given = case(row, student_channels=student_channels, teacher_channels=6)
    expected = working(given, ROWS[row])
    assert given.losses()["rebuild"].item() == pytest.approx(expected, rel=1e-6)
    assert given.cast(torch.float32).losses()["rebuild"].item() == pytest.approx(expected, rel=1e-4)


def test_every_parameter_is_trained() -> None:
    for row in ROWS:
        given = case(row)
        given.losses()["rebuild"].backward()
        for name, parameter in given.distiller.named_parameters():
            assert parameter.grad is not None, (row, name)


def test_branches_start_equal() -> None:
    from methods.build import build

    (spec,) = resolve("dual-mask", "one-stage").methods
    fresh = build(spec, case("dual-mask").context)
    assert fresh.fusion.tolist() == [0.5, 0.5]
    assert fresh.fusion.requires_grad


def test_hidden_shares_are_measured() -> None:
    given = case("dual-mask-quantile", sizes=((10, 10),), student_channels=20, teacher_channels=20)
    given.losses()
    assert {name: round(value.item(), 6) for name, value in given.distiller.measures.items()} == {
        "hidden.cells.0": 0.65,
        "hidden.channels.0": 0.65,
    }


def test_gradient_is_the_losss() -> None:
    given = case("dual-mask", sizes=((3, 4),), student_channels=3)

    def loss(student: torch.Tensor, *_: torch.Tensor) -> torch.Tensor:
        return 1e5 * given.distiller((student,), given.teacher, given.batch)["rebuild"]

    assert torch.autograd.gradcheck(loss, (given.student[0], *given.distiller.parameters()))

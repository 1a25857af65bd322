"""AMD against its formulas, worked out in numpy, for every row; and against MGD."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from pydantic import ValidationError

from methods.settings.amd import AMDSettings
from methods.settings.resolve import resolve
from tests.methods.given import Case, case
from tests.methods.numpy_layers import (
    Array,
    array,
    convolve,
    relu,
    sigmoid,
    spatial_attention,
)

REFERENCE_TERMS = (256 * 100 * 168, 256 * 50 * 84)
# What each row switches, in the words of the method's specification.
PLAIN = {"mask": "high", "tau": 0.5, "theta": 1.0, "gate": "student"}
ROWS: dict[str, dict] = {
    "amd": {},
    "amd-mask-only": {"gate": None},
    "amd-gate-only": {"mask": "given"},
    "amd-neither": {"mask": "given", "gate": None},
    "amd-random-matched": {"mask": "given"},
    "amd-hide-low": {"mask": "low"},
    "amd-nomask": {"mask": None},
    "amd-nomask-nogate": {"mask": None, "gate": None},
    "amd-quantile": {"quantile": 0.65},
    "amd-student-attn": {"source": "student"},
    "amd-gate-teacher": {"gate": "teacher"},
    "amd-gate-masked": {"gate": "masked"},
    "amd-gate-x": {"gate": "generated"},
    "amd-gate-before": {"before": True},
    "amd-r4": {},
    "amd-gate-identity": {},
    "amd-teacher-3xms": {},
    "amd-noinherit": {},
    "amd-mean": {"reference": True},
    "amd-cap-0.75": {"cap": 0.75},
    **{f"amd-tau-{text}": {"tau": float(text)} for text in ("0.3", "0.5", "0.8", "1.0", "1.2")},
    **{f"amd-theta-{text}": {"theta": float(text)} for text in ("0.5", "0.8", "1.0", "1.2", "1.5")},
}


def hidden_cells(attention: Array, switches: dict) -> Array:
    """(N, H, W) of bool, image by image and with thresholds read off the sorted attention."""
    hidden = np.zeros(attention.shape, dtype=bool)
    for image, values in enumerate(attention):
        ordered = np.sort(values.ravel())
        if "quantile" in switches:
            count = round(switches["quantile"] * values.size)
        else:
            count = int((values >= switches["theta"]).sum())
        count = min(count, int(switches.get("cap", 1.0) * values.size))
        if count == 0:
            continue
        if switches["mask"] == "high":
            hidden[image] = values >= ordered[-count]
        else:
            hidden[image] = values <= ordered[count - 1]
    return hidden


def working(given: Case, row: str) -> float:
    switches = {**PLAIN, **ROWS[row]}
    alpha = 2e-5
    total = 0.0
    drawn = given.distiller.explain(given.student, given.teacher, given.batch)["mask"]
    for level, (map_s, map_t) in enumerate(zip(given.student, given.teacher, strict=True)):
        student, teacher = convolve(array(map_s), given.distiller.align[level]), array(map_t)
        if switches["mask"] is None:
            mask = np.ones((2, 1, *student.shape[2:]))
        elif switches["mask"] == "given":
            mask = array(drawn[level])
        else:
            source = student if switches.get("source") == "student" else teacher
            mask = ~hidden_cells(spatial_attention(source, switches["tau"]), switches)[:, None]
        masked = student * mask
        first, _, second = given.distiller.generate[level]

        def generate(x: Array, first=first, second=second) -> Array:
            return convolve(relu(convolve(x, first)), second)

        if switches["gate"] is None:
            rebuilt = generate(masked)
        else:
            seen = {"student": student, "masked": masked, "teacher": teacher}
            if switches["gate"] == "generated":
                seen["generated"] = generate(masked)
            gate = given.distiller.gates[level]
            squeezed = relu(
                seen[switches["gate"]].mean(axis=(2, 3)) @ array(gate.squeeze.weight).T
                + array(gate.squeeze.bias)
            )
            v = sigmoid(squeezed @ array(gate.excite.weight).T + array(gate.excite.bias))
            v = v[:, :, None, None]
            rebuilt = generate(v * masked) if switches.get("before") else v * generate(masked)
        error = ((rebuilt - teacher) ** 2).sum() / 2
        if switches.get("reference"):
            error *= REFERENCE_TERMS[level] / teacher[0].size
        total += alpha * error
    return total


def test_every_row_has_a_working() -> None:
    assert set(ROWS) == {"amd", *AMDSettings.named_variants()}


@pytest.mark.parametrize("student_channels", [8, 3])
@pytest.mark.parametrize("row", ROWS)
def test_value_is_the_formulas(row: str, student_channels: int) -> None:
    given = case(row, student_channels=student_channels, teacher_channels=8)
    expected = working(given, row)
    assert given.losses()["rebuild"].item() == pytest.approx(expected, rel=1e-6)
    assert given.cast(torch.float32).losses()["rebuild"].item() == pytest.approx(expected, rel=1e-4)


@pytest.mark.parametrize(
    ("amd", "mgd"), [("amd-neither", "mgd"), ("amd-nomask-nogate", "mgd-nomask")]
)
def test_without_its_two_changes_it_is_mgd(amd: str, mgd: str) -> None:
    ours, theirs = case(amd, student_channels=3), case(mgd, student_channels=3)
    assert torch.equal(ours.losses()["rebuild"], theirs.losses()["rebuild"])
    ours.losses()["rebuild"].backward()
    theirs.losses()["rebuild"].backward()
    for one, other in zip(ours.student, theirs.student, strict=True):
        assert torch.equal(one.grad, other.grad)


@pytest.mark.parametrize("row", ["amd-random-matched", "amd-hide-low"])
def test_controls_hide_as_many_cells_of_every_image_and_level(row: str) -> None:
    sizes = ((20, 31), (10, 16), (1, 1))
    adaptive, control = case("amd", sizes=sizes), case(row, sizes=sizes)
    masks = [
        each.distiller.explain(each.student, each.teacher, each.batch)["mask"]
        for each in (adaptive, control)
    ]
    for one, other in zip(*masks, strict=True):
        assert torch.equal(one.sum(dim=(1, 2, 3)), other.sum(dim=(1, 2, 3)))
    assert not torch.equal(masks[0][0], masks[1][0])
    control.losses()
    adaptive.losses()
    assert control.distiller.measures == adaptive.distiller.measures


@pytest.mark.parametrize(("family", "share"), [("one-stage", 0.65), ("two-stage", 0.45)])
def test_quantile_hides_mgds_share(family: str, share: float) -> None:
    given = case("amd-quantile", family, sizes=((20, 20),))
    given.losses()
    assert given.distiller.measures["hidden.0"] == pytest.approx(share)


def test_strong_cells_of_the_teacher_are_hidden() -> None:
    given = case("amd", sizes=((8, 8),))
    given.teacher[0].mul_(0.1)
    given.teacher[0][:, :, 2:4, 5:7] = 2.0
    (mask,) = given.distiller.explain(given.student, given.teacher, given.batch)["mask"]
    assert (mask[:, :, 2:4, 5:7] == 0).all()


@pytest.mark.parametrize("size", [(1, 1), (7, 7), (7, 11), (13, 21), (37, 53)])
def test_flat_map_hides_every_cell_whatever_the_rounding(size: tuple[int, int]) -> None:
    given = case("amd", sizes=(size,)).cast(torch.float32)
    flat = (torch.full_like(given.teacher[0], 0.37),)
    loss = given.distiller(given.student, flat, given.batch)["rebuild"]
    assert torch.isfinite(loss)
    assert given.distiller.measures["hidden.0"] == 1
    capped = case("amd-cap-0.75", sizes=(size,))
    capped.distiller(capped.student, tuple(each.double() for each in flat), capped.batch)
    assert capped.distiller.measures["hidden.0"] == pytest.approx(
        int(0.75 * size[0] * size[1]) / (size[0] * size[1])
    )


def test_attention_is_no_way_for_gradients_but_the_gate_is() -> None:
    for row, reaches in (("amd-theta-0.001", True), ("amd-gate-teacher", False)):
        # All cells are hidden: only the gate looks at the student.
        given = case(row, settings={"theta": 1e-9, "gate_reduction": 1})
        given.losses()["rebuild"].backward()
        assert all((level.grad.abs().sum() > 0) == reaches for level in given.student)


def test_reduction_of_the_gate() -> None:
    given = case("amd-r4", student_channels=16, teacher_channels=16)
    assert given.distiller.gates[0].squeeze.out_features == 4


@pytest.mark.parametrize("row", ["amd", "amd-gate-x", "amd-gate-before", "amd-student-attn"])
def test_gradient_is_the_losss(row: str) -> None:
    given = case(row, sizes=((3, 4),))

    def loss(student: torch.Tensor, *_: torch.Tensor) -> torch.Tensor:
        return 1e5 * given.distiller((student,), given.teacher, given.batch)["rebuild"]

    assert torch.autograd.gradcheck(loss, (given.student[0], *given.distiller.parameters()))


def test_explains_mask_attention_and_gate() -> None:
    given = case("amd")
    looks = given.distiller.explain(given.student, given.teacher, given.batch)
    assert set(looks) == {"mask", "attention", "gate"}
    for mask, attention, gate, teacher in zip(
        looks["mask"], looks["attention"], looks["gate"], given.teacher, strict=True
    ):
        assert mask.shape == attention.shape == teacher[:, :1].shape
        assert gate.shape == (2, 4, 1, 1)
        assert attention.mean(dim=(1, 2, 3)).tolist() == pytest.approx([1.0, 1.0])
        assert torch.equal(mask == 0, attention >= 1.0)


def test_defaults_by_family() -> None:
    expected = {"one-stage": (2e-5, 0.65), "anchor-free": (2e-5, 0.65), "two-stage": (5e-7, 0.45)}
    for family, (alpha, share) in expected.items():
        settings = resolve("amd", family).methods[0].settings
        assert (settings["alpha"], settings["quantile"], settings["masked"]) == (
            alpha,
            share,
            share,
        )
    assert resolve("amd-teacher-3xms", "one-stage").options.teacher == "3xms"


def test_gate_cannot_look_ahead() -> None:
    with pytest.raises(ValidationError, match="before the generator"):
        resolve("amd-gate-before", "one-stage", {"gate_input": "generated"})

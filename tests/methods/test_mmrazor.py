"""mmrazor's own modules as rows, and their agreement with ours to float precision."""

from __future__ import annotations

import pytest
import torch

import workflow.compat
from methods.build import build
from methods.contract import Context
from methods.parts.masks import random_mask
from methods.settings.resolve import resolve, settings_of
from tests.methods.given import Case, batch, case, maps
from workflow.distill.taps import Level, pair_levels

workflow.compat.install()
SIZES = ((32, 48), (16, 24))
SAME = {"rtol": 1e-12, "atol": 0}


def gradients(given: Case) -> tuple[torch.Tensor, list[torch.Tensor]]:
    total = torch.stack(list(given.losses().values())).sum()
    total.backward()
    return total.detach(), [level.grad for level in given.student]


@pytest.mark.parametrize("family", ["one-stage", "two-stage"])
@pytest.mark.parametrize(
    ("ours", "theirs"),
    [("pkd", "mmrazor-pkd"), ("cwd-mmrazor", "mmrazor-cwd")],
)
def test_pkd_and_cwd_agree(ours: str, theirs: str, family: str) -> None:
    for own, other in zip(
        _flat(gradients(case(ours, family))), _flat(gradients(case(theirs, family))), strict=True
    ):
        torch.testing.assert_close(own, other, rtol=1e-10, atol=1e-15)


@pytest.mark.parametrize("row", ["mmrazor-cwd", "mmrazor-pkd", "mmrazor-mgd", "mmrazor-fbkd"])
def test_maps_with_their_channels_last_give_the_same(row: str) -> None:
    """The layout in which networks run on a processor."""
    settings = {"levels": (0, 1)} if row == "mmrazor-fbkd" else {}
    plain, last = (case(row, "two-stage", sizes=SIZES, settings=settings) for _ in range(2))
    for pyramid in ("student", "teacher"):
        maps_last = (
            m.detach().to(memory_format=torch.channels_last) for m in getattr(last, pyramid)
        )
        setattr(last, pyramid, tuple(m.requires_grad_(pyramid == "student") for m in maps_last))
    for own, other in zip(_flat(gradients(plain)), _flat(gradients(last)), strict=True):
        torch.testing.assert_close(own, other, rtol=1e-10, atol=1e-15)


def test_pkd_pairs_its_levels_as_ours() -> None:
    ours, theirs = (
        settings_of(resolve(row, "one-stage").methods[0]) for row in ("pkd", "mmrazor-pkd")
    )
    student = [Level(channels=4, stride=8 * 2**level) for level in range(5)]
    teacher = [Level(channels=4, stride=4 * 2**level) for level in range(5)]
    assert pair_levels(theirs, student, teacher) == pair_levels(ours, student, teacher)
    assert pair_levels(theirs, student, teacher).teacher == (0, 1, 2, 3)


def test_pkd_agrees_where_the_student_is_resized() -> None:
    context = Context("one-stage", (4,), (4,), strides=(8,))
    losses = [
        build(resolve(row, "one-stage", {"levels": None}).methods[0], context)(
            maps(4, 1, ((6, 8),)), maps(4, 2, ((12, 16),)), batch()
        )["correlation"]
        for row in ("pkd", "mmrazor-pkd")
    ]
    torch.testing.assert_close(*losses, **SAME)


@pytest.mark.parametrize("student_channels", [4, 3])
@pytest.mark.parametrize("family", ["one-stage", "two-stage"])
def test_mgd_agrees_given_one_mask_and_one_generator(
    family: str, student_channels: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    ours = case("mgd", family, student_channels=student_channels)
    theirs = case("mmrazor-mgd", family, student_channels=student_channels)
    for level, connector in enumerate(theirs.distiller.student_connectors):
        connector.generation.load_state_dict(ours.distiller.generate[level].state_dict())
        if student_channels != 4:
            connector.align.load_state_dict(ours.distiller.align[level].state_dict())
    drawn = [torch.rand(2, 1, *level.shape[2:]) for level in theirs.student]
    hidden = ours.distiller.settings.masked
    monkeypatch.setattr(
        ours.distiller, "mask", lambda level, *_: (drawn[level] <= 1 - hidden).double()
    )
    given = iter(drawn)
    monkeypatch.setattr(torch, "rand", lambda *_: next(given))
    for own, other in zip(_flat(gradients(ours)), _flat(gradients(theirs)), strict=True):
        torch.testing.assert_close(own, other, rtol=1e-10, atol=1e-18)


def test_fbkd_agrees_with_fkd_in_its_setting() -> None:
    settings = {"levels": (0, 1)}
    ours = case("fkd-mmrazor", "two-stage", sizes=SIZES, settings=settings)
    theirs = case("mmrazor-fbkd", "two-stage", sizes=SIZES, settings=settings)
    for level, stage in enumerate(ours.distiller.stages):
        student = theirs.distiller.student_connectors[level]
        teacher = theirs.distiller.teacher_connectors[level]
        pairs = {
            stage.features: student.adaptation_layers,
            stage.channels: student.channel_wise_adaptation,
            stage.cells: student.spatial_wise_adaptation,
            stage.relation: student.non_local_adaptation,
        }
        for ours_block, block in (
            (stage.relation_s, student.student_non_local),
            (stage.relation_t, teacher.teacher_non_local),
        ):
            pairs |= {
                ours_block.query: _convolution(block.theta),
                ours_block.key: _convolution(block.phi),
                ours_block.value: _convolution(block.g),
                ours_block.norm: block.conv_out.norm,
            }
            ours_block.output.weight.data.copy_(block.conv_out.conv.weight)
        for own, other in pairs.items():
            own.load_state_dict(other.state_dict())
    for own, other in zip(_flat(gradients(ours)), _flat(gradients(theirs)), strict=True):
        torch.testing.assert_close(own, other, rtol=1e-8, atol=1e-15)


def test_mgds_draws_follow_the_batchs_seed_and_leave_torchs_stream_alone() -> None:
    given = case("mmrazor-mgd", sizes=SIZES)
    state = torch.get_rng_state()
    first, again = given.losses()["rebuild"], given.losses()["rebuild"]
    assert torch.equal(torch.get_rng_state(), state)
    assert first == again
    other = given.distiller(given.student, given.teacher, batch(seed=8))["rebuild"]
    assert other != first


def test_hidden_share_of_ours_and_theirs_means_the_same() -> None:
    ours = resolve("mgd", "two-stage").methods[0].settings
    theirs = resolve("mmrazor-mgd", "two-stage").methods[0].settings
    assert (ours["alpha"], ours["masked"]) == (theirs["alpha_mgd"], theirs["lambda_mgd"])
    assert random_mask(torch.zeros(1, 1, 200, 200), ours["masked"], seed=0).mean() == pytest.approx(
        1 - theirs["lambda_mgd"], abs=0.02
    )


def test_small_maps_are_refused_by_fbkd_with_a_reason() -> None:
    given = case("mmrazor-fbkd", "two-stage", sizes=((8, 12),), settings={"levels": (0,)})
    with pytest.raises(ValueError, match="at least 16x16 cells, found 8x12"):
        given.losses()


@pytest.mark.parametrize("row", ["mmrazor-cwd", "mmrazor-pkd", "mmrazor-fbkd"])
def test_unequal_widths_are_refused(row: str) -> None:
    with pytest.raises(ValueError, match="of one width"):
        case(row, student_channels=3, settings={"levels": (0, 1)})


def _flat(found: tuple[torch.Tensor, list[torch.Tensor]]) -> list[torch.Tensor]:
    return [found[0], *found[1]]


def _convolution(block: torch.nn.Module) -> torch.nn.Conv2d:
    """The only one; mmcv and mmrazor each wrap it in a pooling of their own."""
    (found,) = (layer for layer in block.modules() if isinstance(layer, torch.nn.Conv2d))
    return found

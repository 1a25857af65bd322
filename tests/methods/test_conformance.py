"""What every registered row must do. The rows are found by themselves: nothing is listed here."""

from __future__ import annotations

import random
from dataclasses import replace

import numpy as np
import pytest
import torch
from pydantic import ValidationError
from torch.utils._python_dispatch import TorchDispatchMode

from methods.settings.base import FAMILIES, FeatureSettings, Settings
from methods.settings.catalogue import catalogue, rows
from methods.settings.resolve import resolve, settings_of
from tests.methods import conform
from tests.methods.conform import (
    DISTILLERS,
    METHOD_OF,
    POOLED_BY_MMRAZOR,
    PYRAMIDS,
    ROWS,
    batch,
    distiller_of,
    leaves,
    maps,
    total,
)

every_row = pytest.mark.parametrize("row", DISTILLERS)
every_pyramid_row = pytest.mark.parametrize("row", [row for row in DISTILLERS if row in PYRAMIDS])


@every_row
def test_losses_are_named_finite_scalars_and_gradients_go_where_they_should(row: str) -> None:
    given = conform.subject(row)
    before = [level.clone() for level in (*given.student, *given.teacher)]
    losses = given.losses()
    assert losses
    for name, loss in losses.items():
        assert name.isidentifier(), name
        assert loss.shape == ()
        assert loss.dtype == torch.float32
        assert loss.isfinite()
    total(losses).backward()

    after = (*given.student, *given.teacher)
    assert all(torch.equal(one, other) for one, other in zip(before, after, strict=True))
    assert all(level.grad is None and not level.requires_grad for level in given.teacher)
    reached = [leaf.grad for leaf in leaves(given.student, given.batch) if leaf.grad is not None]
    assert all(gradient.isfinite().all() for gradient in reached)
    assert any((gradient != 0).any() for gradient in reached)
    for name, parameter in given.distiller.named_parameters():
        if parameter.requires_grad:
            assert parameter.grad is not None, name
            assert parameter.grad.isfinite().all(), name


@every_row
def test_measures_and_maps_to_look_at(row: str) -> None:
    given = conform.subject(row)
    given.losses()
    for measure in given.distiller.measures.values():
        assert measure.shape == ()
        assert not measure.requires_grad
    for name, pyramid in given.distiller.explain(given.student, given.teacher, given.batch).items():
        assert len(pyramid) == len(given.student)
        for each, level in zip(pyramid, given.student, strict=True):
            spatial = (level.shape[0], 1, *level.shape[2:])
            vectors = (level.shape[0], each.shape[1], *level.shape[2:])
            gate = (level.shape[0], each.shape[1], 1, 1)
            allowed = (vectors,) if name.endswith(("_query", "_key")) else (spatial, gate)
            assert each.shape in allowed, name
            assert each.isfinite().all(), name
            if name == "mask":
                assert ((each == 0) | (each == 1)).all()


def _learns(row: str) -> bool:
    return any(True for _ in distiller_of(row).parameters())


@pytest.mark.parametrize("row", [row for row in PYRAMIDS if row in DISTILLERS and not _learns(row)])
def test_equal_student_has_no_loss_where_nothing_is_learned(row: str) -> None:
    given = conform.subject(row)
    teacher = tuple(level.double() for level in given.teacher)
    loss = total(given.distiller.double()(teacher, teacher, given.batch)).abs().item()
    least = 1e-4  # SSIM's tiny number
    assert loss > least if row == "cwd-ce" else loss < least  # it has the teacher's entropy


@every_row
def test_finite_under_autocast_to_bfloat16(row: str) -> None:
    given = conform.subject(row)
    student = tuple(level.detach().bfloat16().requires_grad_() for level in given.student)
    teacher = tuple(level.bfloat16() for level in given.teacher)
    with torch.autocast("cpu", torch.bfloat16):
        losses = given.distiller(student, teacher, given.batch)
    total(losses).backward()
    assert all(loss.isfinite() for loss in losses.values())
    assert all(each.grad is None or each.grad.isfinite().all() for each in student)
    if not row.startswith("mmrazor-"):
        for name, plain in given.losses().items():
            assert losses[name].item() == pytest.approx(plain.item(), rel=0.1, abs=1e-7), name


@every_row
def test_small_maps(row: str) -> None:
    distiller, given = distiller_of(row), batch()
    for side in range(2 if row in POOLED_BY_MMRAZOR else 1, 6):
        student = tuple(level.requires_grad_() for level in maps(row, 1, size=(side, side)))
        loss = total(distiller(student, maps(row, 2, size=(side, side)), given))
        loss.backward()
        assert loss.isfinite(), side
        for leaf in leaves(student, given):
            assert leaf.grad is None or leaf.grad.isfinite().all(), side


NO_BOXES = torch.zeros(0, 4)
OUTSIDE = torch.tensor([[-90.0, -80.0, -70.0, -60.0], [900.0, 10.0, 990.0, 20.0]])
DEGENERATE = torch.tensor([[10.0, 10.0, 10.0, 10.0], [-5.0, -5.0, 500.0, 500.0]])


ODD = {
    "one image": (1, None),
    "no boxes": (2, NO_BOXES),
    "one image without boxes": (1, NO_BOXES),
    "boxes outside": (2, OUTSIDE),
    "boxes without area, and larger than the image": (2, DEGENERATE),
}


@every_row
def test_odd_batches(row: str) -> None:
    # mmrazor's statistics of a single value are not finite; ours are asked about it.
    size = (5, 5) if row.startswith("mmrazor-") else None
    distiller = distiller_of(row)
    for odd, (images, boxes) in ODD.items():
        student = tuple(each.requires_grad_() for each in maps(row, 1, images=images, size=size))
        given = batch(images, boxes)
        loss = total(distiller(student, maps(row, 2, images=images, size=size), given))
        assert loss.isfinite(), odd
        if loss.requires_grad:
            loss.backward()
        for leaf in leaves(student, given):
            assert leaf.grad is None or leaf.grad.isfinite().all(), odd
        # Processes wait for each other's gradients: whoever has none stops all of them.
        for name, parameter in distiller.named_parameters():
            assert not parameter.requires_grad or parameter.grad is not None, (odd, name)
        distiller.zero_grad(set_to_none=True)


@every_pyramid_row
def test_a_narrower_student_is_adapted_or_refused(row: str) -> None:
    narrower = conform.CHANNELS - 1
    if METHOD_OF[row] in ("mmrazor-cwd", "mmrazor-fbkd", "mmrazor-pkd"):
        with pytest.raises(ValueError, match="need maps of one width"):
            distiller_of(row, student_channels=narrower)
        return
    distiller = distiller_of(row, student_channels=narrower)
    size = (6, 6)  # of one cell a rectifier may hide all
    student = tuple(level[:, 1:].clone().requires_grad_() for level in maps(row, 1, size=size))
    loss = total(distiller(student, maps(row, 2, size=size), batch()))
    assert loss.isfinite()
    loss.backward()
    assert any(level.grad is not None and (level.grad != 0).any() for level in student)


@every_row
def test_only_one_of_two_images_has_boxes(row: str) -> None:
    given = conform.subject(row)
    full = given.batch
    mixed = replace(
        full,
        boxes=(full.boxes[0], NO_BOXES),
        labels=(full.labels[0], full.labels[1][:0]),
        positives=batch(1).positives,
    )
    assert total(given.distiller(given.student, given.teacher, mixed)).isfinite()


@every_row
def test_state_is_saved_and_restored(row: str) -> None:
    given = conform.subject(row)
    _disturb(given.distiller)
    state = {name: value.clone() for name, value in given.distiller.state_dict().items()}
    expected = given.total()
    restored = distiller_of(row, seed=5)
    restored.load_state_dict(state)
    assert torch.equal(given.asked(distiller=restored).total(), expected)


@every_row
def test_deterministic_and_leaves_random_streams_alone(row: str) -> None:
    given = conform.subject(row)
    streams = torch.get_rng_state(), random.getstate(), np.random.get_state()[1].copy()
    first, again = given.total(), given.total()
    assert torch.equal(first, again)
    assert torch.equal(torch.get_rng_state(), streams[0])
    assert random.getstate() == streams[1]
    assert (np.random.get_state()[1] == streams[2]).all()
    twin = conform.subject(row)
    assert torch.equal(twin.total(), first)


@every_row
def test_other_seeds_differ_just_where_something_is_drawn(row: str) -> None:
    given = conform.subject(row)
    masks = [
        given.distiller.explain(given.student, given.teacher, batch(seed=seed)).get("mask")
        for seed in (1, 2)
    ]
    drawn = row == "mmrazor-mgd" or (
        masks[0] is not None
        and any(not torch.equal(one, other) for one, other in zip(*masks, strict=True))
    )
    images = given.batch.images  # the same ones: only the seed differs
    values = [
        total(
            given.distiller(
                given.student, given.teacher, replace(given.batch, seed=seed, images=images)
            )
        )
        for seed in (1, 2)
    ]
    assert torch.equal(*values) == (not drawn)
    if row in ("mgd", "amd-neither", "amd-gate-only"):
        assert drawn


class NoHostSynchronisation(TorchDispatchMode):
    """Refuses every operation whose result the host must wait for on a GPU."""

    WAITING = ("_local_scalar_dense", "nonzero", "masked_select", "unique", "equal", "bincount")

    def __torch_dispatch__(self, function, types, args=(), kwargs=None):
        name = function.name().removeprefix("aten::").split(".")[0].lstrip("_")
        if any(name.startswith(waiting.lstrip("_")) for waiting in self.WAITING):
            raise AssertionError(f"{function.name()} waits for the device")
        if name in ("index", "index_put"):
            indices = [each for each in args[1] if each is not None]
            if any(each.dtype in (torch.bool, torch.uint8) for each in indices):
                raise AssertionError(f"{function.name()} with a mask waits for the device")
        return function(*args, **(kwargs or {}))


@every_pyramid_row
def test_nothing_waits_for_the_device(row: str) -> None:
    given = conform.subject(row)
    with NoHostSynchronisation():
        loss = given.total()
        loss.backward()
    assert loss.isfinite()


def test_waiting_is_noticed() -> None:
    value, flags = torch.ones(3), torch.tensor([True, False, True])
    for waits in (value.sum().item, flags.any().__bool__, flags.nonzero, lambda: value[flags]):
        with pytest.raises(AssertionError, match="waits for the device"), NoHostSynchronisation():
            waits()


@pytest.mark.gpu
@pytest.mark.skipif(
    not torch.cuda.is_available(), reason="needs a CUDA device, and `pytest -m gpu`"
)
@every_row
def test_same_value_on_the_gpu_without_waiting(row: str, monkeypatch: pytest.MonkeyPatch) -> None:
    # Convolutions there round their inputs to 10 bits unless they are told not to.
    monkeypatch.setattr(torch.backends.cudnn, "allow_tf32", False)
    given = conform.subject(row)
    expected = given.total().item()
    moved = given.asked(
        distiller=distiller_of(row).cuda(),
        student=tuple(level.detach().cuda().requires_grad_() for level in given.student),
        teacher=tuple(level.cuda() for level in given.teacher),
        batch=_to_cuda(given.batch),
    )
    try:
        moved.total().backward()  # first call: kernels and windows are made
        if row in PYRAMIDS and not row.startswith("mmrazor-"):
            torch.cuda.set_sync_debug_mode("error")
        loss = moved.total()
        loss.backward()
    finally:
        torch.cuda.set_sync_debug_mode("default")
        conform.classifier().cpu()  # one for all rows
    assert loss.item() == pytest.approx(expected, rel=1e-4, abs=1e-6)


def _to_cuda(given):
    positives = given.positives
    return replace(
        given,
        boxes=tuple(each.cuda() for each in given.boxes),
        labels=tuple(each.cuda() for each in given.labels),
        images=given.images.cuda(),
        positives=replace(
            positives,
            image=positives.image.cuda(),
            ground_truth=positives.ground_truth.cuda(),
            logits=positives.logits.detach().cuda().requires_grad_(),
            boxes=positives.boxes.detach().cuda().requires_grad_(),
            level=positives.level.cuda(),
            cell=positives.cell.cuda(),
        ),
    )


def _disturb(distiller: torch.nn.Module) -> None:
    with torch.no_grad():
        for parameter in distiller.parameters():
            parameter.add_(0.1)


@pytest.mark.parametrize("key", catalogue())
def test_settings_are_typed_named_and_closed(key: str) -> None:
    settings: type[Settings] = catalogue()[key]
    assert settings.title
    assert settings.citation or not settings.__module__.startswith("methods.settings.")
    for family in FAMILIES:
        (spec,) = resolve(key, family).methods
        assert settings_of(spec).model_dump(mode="json") == spec.settings
    with pytest.raises(ValidationError, match="no_such_switch"):
        resolve(key, "one-stage", {"no_such_switch": 1})


@pytest.mark.parametrize("row", ROWS)
def test_row_resolves_for_the_families_it_names(row: str) -> None:
    settings, variant = rows()[row]
    for family in variant.families:
        recipe = resolve(row, family)
        assert recipe.methods[0].method == settings.method
        assert settings_of(recipe.methods[0])


@pytest.mark.parametrize(
    "key", [key for key, s in catalogue().items() if issubclass(s, FeatureSettings)]
)
def test_weight_multiplies_the_loss(key: str) -> None:
    given = conform.subject(key)
    settings = settings_of(given.spec)
    doubled = settings.model_copy(update={"weight": 2.0})
    original = given.total().item()
    given.distiller.settings = doubled
    assert given.total().item() == pytest.approx(2 * original, rel=1e-5)

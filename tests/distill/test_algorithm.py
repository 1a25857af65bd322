"""What the algorithm owns, what it logs, and what it must leave alone."""

from __future__ import annotations

import copy
import random
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from tests.compat.detectors import batch
from tests.distill.pairs import SIDE, detector, distillation, optimiser, row
from workflow.distill.build import DistillationError, build_distillation
from workflow.models.classifier import ClassifierOptions, build_classifier

DATA = {"images": 2, "size": SIDE}


def test_a_step_logs_the_students_losses_the_methods_terms_and_their_sum() -> None:
    model = distillation("mgd")
    log = model.train_step(batch(**DATA), optimiser(model))
    terms = [name for name in log if name == "loss_cls" or name == "loss_bbox"]
    terms += [name for name in log if name.startswith("distill.")]
    assert {"loss_cls", "loss_bbox", "distill.mgd.rebuild"} == set(terms)
    assert log["loss"].item() == pytest.approx(sum(log[name].item() for name in terms), rel=1e-6)
    assert log["distill.mgd.rebuild"].item() > 0
    measures = [name for name in log if name.startswith("measure.mgd.")]
    assert len(measures) == 5  # the hidden share of each level
    assert not log["loss"].requires_grad


def test_several_methods_at_once() -> None:
    model = distillation("mgd+pkd")
    log = model.train_step(batch(**DATA), optimiser(model))
    assert {"distill.mgd.rebuild", "distill.pkd.correlation"} <= set(log)


def test_the_teacher_is_frozen_in_eval_and_in_no_list() -> None:
    teacher = detector(seed=2)
    before = copy.deepcopy(teacher.state_dict())
    model = distillation("mgd", teacher=teacher)
    wrapper = optimiser(model)
    for _ in range(2):
        model.train()
        assert not any(module.training for module in teacher.modules())
        model.train_step(batch(**DATA), wrapper)
    after = teacher.state_dict()
    assert all(torch.equal(before[name], after[name]) for name in before)
    ids = {id(value) for value in teacher.parameters()}
    assert not ids & {id(value) for value in model.parameters()}
    assert not any(value.requires_grad for value in teacher.parameters())
    assert not any(name.startswith("teacher") for name in model.state_dict())
    assert all(value.grad is None for value in teacher.parameters())


def test_the_teacher_runs_backbone_and_neck_only() -> None:
    teacher = detector(seed=2)
    model = distillation("mgd", teacher=teacher)
    teacher.bbox_head.forward = None  # calling it would raise
    assert "distill.mgd.rebuild" in model.train_step(batch(**DATA), optimiser(model))


def test_the_saved_student_is_the_plain_detector() -> None:
    student = detector(seed=1)
    names = set(student.state_dict())
    model = distillation("mgd", student=student)
    assert set(model.student.state_dict()) == names
    fresh = detector(seed=3)
    fresh.load_state_dict(model.student.state_dict())


def test_moves_and_casts_reach_the_teacher() -> None:
    model = distillation("mgd").double()
    assert next(model.teacher.parameters()).dtype == torch.float64
    assert next(model.student.parameters()).dtype == torch.float64


def _step(model: torch.nn.Module) -> dict[str, torch.Tensor]:
    torch.manual_seed(7)  # the detector's own draws
    model.train().train_step(batch(**DATA), optimiser(model))
    student = getattr(model, "student", model)
    return {name: value.clone() for name, value in student.state_dict().items()}


@pytest.mark.parametrize("name", ["RetinaNet", "Faster R-CNN", "RepPoints"])
def test_at_weight_zero_a_step_is_bit_identical_to_the_baseline(name: str) -> None:
    """The two-stage detector samples proposals at random: its stream must not be touched."""
    family = "two-stage" if name == "Faster R-CNN" else "one-stage"
    plain = _step(detector(name, seed=1))
    model = distillation(
        student=detector(name, seed=1),
        teacher=detector(name, seed=2),
        family=family,
        methods=row("mgd", family, weight=0.0),
    )
    distilled = _step(model)
    assert all(torch.equal(plain[key], distilled[key]) for key in plain)
    start = detector(name, seed=1).state_dict()
    assert any(not torch.equal(start[key], plain[key]) for key in plain)


def test_building_and_stepping_leave_the_global_generators_alone() -> None:
    student, teacher = detector(seed=1), detector(seed=2)

    def states() -> tuple[object, ...]:
        return random.getstate(), np.random.get_state()[1].tolist(), torch.get_rng_state().tolist()

    before = states()
    model = distillation("mgd", student=student, teacher=teacher)
    assert states() == before
    model.train_step(batch(**DATA), optimiser(model))  # RetinaNet draws nothing itself
    assert states() == before


def test_draws_depend_on_seed_and_iteration_only() -> None:
    def loss(seed: int, iteration: int) -> float:
        model = distillation("mgd", student=detector(seed=1), seed=0)
        model.seed, model.iteration = seed, iteration
        torch.manual_seed(random.randrange(1000))
        return model.train_step(batch(**DATA), optimiser(model))["distill.mgd.rebuild"].item()

    assert loss(0, 5) == loss(0, 5)
    assert len({loss(0, 5), loss(0, 6), loss(1, 5)}) == 3


def test_bfloat16_autocast_gives_finite_losses_and_gradients() -> None:
    model = distillation("mgd+pkd")
    with torch.autocast("cpu", torch.bfloat16):
        data = model.data_preprocessor(batch(**DATA), True)
        losses = model(**data, mode="loss")
    total, log = model.parse_losses(losses)
    total.backward()
    assert all(torch.isfinite(value) for value in log.values())
    gradients = [value.grad for value in model.parameters() if value.grad is not None]
    assert gradients
    assert all(torch.isfinite(gradient).all() for gradient in gradients)


def test_gradients_reach_the_students_neck_and_the_methods_own_modules() -> None:
    model = distillation("mgd")
    data = model.data_preprocessor(batch(**DATA), True)
    losses = model(**data, mode="loss")
    losses["distill.mgd.rebuild"].backward()
    assert model.student.neck.fpn_convs[0].conv.weight.grad.abs().sum() > 0
    assert all(value.grad is not None for value in model.methods.parameters())
    assert all(value.grad is None for value in model.student.bbox_head.parameters())


def test_the_recorded_maps_are_let_go() -> None:
    model = distillation("mgd")
    model.train_step(batch(**DATA), optimiser(model))
    for recorders in (model.distiller.student_recorders, model.distiller.teacher_recorders):
        assert all(not recorder.data_buffer for recorder in recorders.recorders.values())


def test_parts_of_the_step_are_timed() -> None:
    model = distillation("mgd")
    model.train_step(batch(**DATA), optimiser(model))
    seconds = model.stopwatch.seconds()
    assert set(seconds) == {"teacher", "student", "loss"}
    assert all(value > 0 for value in seconds.values())


def test_who_watches_gets_the_pyramids() -> None:
    model = distillation("mgd")
    model.iteration = 4
    seen = []
    model.watch = lambda iteration, pyramids, made: seen.append((iteration, pyramids, made))
    model.train_step(batch(**DATA), optimiser(model))
    (iteration, pyramids, made) = seen[0]
    student, teacher = pyramids["mgd"]
    assert iteration == 4
    assert [tuple(one.shape) for one in student] == [tuple(one.shape) for one in teacher]
    assert made.padded_size == (SIDE, SIDE)
    assert [len(boxes) for boxes in made.boxes] == [2, 0]


def test_looking_trains_nothing_and_explains() -> None:
    model = distillation("mgd").eval()
    before = copy.deepcopy(model.state_dict())
    data = model.data_preprocessor(batch(**DATA), True)
    pyramids, explained = model.look(data["inputs"], data["data_samples"])
    again, _ = model.look(data["inputs"], data["data_samples"])
    assert len(pyramids["mgd"][0]) == 5
    assert torch.equal(pyramids["mgd"][0][0], again["mgd"][0][0])
    assert explained["mgd.mask"][0].shape[:2] == (2, 1)
    assert all(torch.equal(before[name], value) for name, value in model.state_dict().items())


def test_a_teacher_that_is_missing_is_named() -> None:
    with pytest.raises(DistillationError, match="`mgd` needs a detector as teacher"):
        build_distillation(
            row("mgd"),
            detector(seed=1),
            None,
            family="one-stage",
            seed=0,
            image_size=(SIDE, SIDE),
            classes=80,
        )


@pytest.mark.parametrize("name", ["RetinaNet", "GFL"])
def test_the_main_region_is_where_the_student_matched(name: str) -> None:
    student, teacher = detector(name, seed=1), detector(name, seed=2)
    model = distillation("fitnet-main", student, teacher)
    seen = []
    model.watch = lambda _iteration, pyramids, made: seen.append((pyramids["fitnet"], made))
    log = model.train_step(batch(**DATA), optimiser(model))
    ((maps_s, maps_t), made) = seen[0]
    found = made.positives
    places = set(
        zip(found.level.tolist(), found.image.tolist(), *found.cell.T.tolist(), strict=True)
    )
    assert places
    expected = 0.0
    for level, (map_s, map_t) in enumerate(zip(maps_s, maps_t, strict=True)):
        errors = [
            (map_s[image, :, row, column] - map_t[image, :, row, column]).square().mean().item()
            for at, image, row, column in places
            if at == level
        ]
        expected += 2 * sum(errors) / max(len(errors), 1)
    assert log["distill.fitnet.features"].item() == pytest.approx(expected, rel=1e-4)
    pyramids, explained = model.eval().look(torch.randn(2, 3, SIDE, SIDE), [])
    assert len(pyramids["fitnet"][0]) == 5
    assert not explained


def test_proposals_lie_in_no_cell() -> None:
    with pytest.raises(DistillationError, match="`fitnet` needs positives that lie in cells"):
        distillation(
            student=detector("Faster R-CNN", seed=1),
            teacher=detector("Faster R-CNN", seed=2),
            family="two-stage",
            methods=row("fitnet", "two-stage", region="positives"),
        )


@pytest.mark.parametrize("name", ["icd", "icd+fkd"])
def test_a_classifier_teaches_alone_and_beside_a_detector(name: str) -> None:
    options = ClassifierOptions(architecture="resnet18", width=8, start="random", input_size=32)
    classifier = build_classifier(options, 80, (0.0,) * 3, (1.0,) * 3, seed=0)
    before = copy.deepcopy(classifier.state_dict())
    model = build_distillation(
        row(name),
        detector(seed=1),
        detector(seed=2) if "fkd" in name else None,
        family="one-stage",
        seed=0,
        image_size=(2 * SIDE, 2 * SIDE),
        classes=80,
        classifier=classifier,
    ).train()
    wrapper = optimiser(model)
    logs = [model.train_step(batch(**DATA), wrapper) for _ in range(2)]
    terms = {term for term in logs[0] if term.startswith("distill.icd.")}
    assert terms == {"distill.icd.classes", "distill.icd.pixels", "distill.icd.features"}
    assert all(logs[0][term].item() > 0 for term in terms)
    assert ("distill.fkd.relation" in logs[0]) == ("fkd" in name)
    assert logs[0]["measure.icd.positives"].item() > 0
    after = classifier.state_dict()
    assert all(torch.equal(before[key], after[key]) for key in before)
    assert not any("classifier" in key for key in model.state_dict())
    assert not model.methods["icd"].classifier.training

    class Keeping(nn.Module):
        """A method that keeps the classifier as a child of its own."""

        def __init__(self) -> None:
            super().__init__()
            self.classifier = classifier

    model.methods["keeping"] = Keeping()
    assert not any(
        module.training for module in model.train().methods["keeping"].classifier.modules()
    )


@pytest.mark.parametrize(
    ("losses", "told"),
    [
        ({}, "expected its losses by name, found {}"),
        (None, "found None"),
        ({"a": 0.0}, "expected a scalar tensor `a`, found 0.0"),
        ({"a": torch.zeros(2)}, r"expected a scalar tensor `a`, found shape \(2,\)"),
    ],
)
def test_a_method_without_a_loss_does_not_train_the_baseline(losses: Any, told: str) -> None:
    model = distillation("mgd").train()
    model.methods["mgd"].forward = lambda *_: losses
    with pytest.raises(ValueError, match=f"method `mgd`: .*{told}"):
        model.train_step(batch(**DATA), optimiser(model))


def test_a_method_that_needs_a_classifier_says_so() -> None:
    with pytest.raises(DistillationError, match="needs a classifier as teacher"):
        distillation("icd")

"""Where maps are read, and which meets which."""

from __future__ import annotations

import pytest
import torch
from mmengine.config import Config
from torch.nn import functional

from methods.settings.mgd import MGDSettings
from methods.settings.pkd import PKDSettings
from tests.compat.detectors import WIDTH, batch, small_config
from tests.distill.pairs import SIDE, detector, distillation, optimiser
from workflow.distill.taps import Level, TapError, pair_levels, probe, tap_paths
from workflow.models.build import build_detector

FIVE = tuple(Level(256, 8 * 2**step) for step in range(5))  # P3 to P7
FOUR = tuple(Level(192, 4 * 2**step) for step in range(4))  # P2 to P5


def test_a_pyramids_levels_are_found() -> None:
    found = probe(detector(), "fpn-conv", (256, 256))
    assert [level.stride for level in found] == [8, 16, 32, 64, 128]
    assert {level.channels for level in found} == {WIDTH}


def test_the_pooled_level_has_no_convolution() -> None:
    network = detector("Faster R-CNN")
    assert len(probe(network, "fpn-conv", (256, 256))) == 4
    assert len(probe(network, "neck-out", (256, 256))) == 5


def test_probing_leaves_the_mode_and_no_hooks() -> None:
    network = detector().train()
    probe(network, "neck-out", (SIDE, SIDE))
    assert network.training
    assert not network.neck._forward_hooks


def test_reppoints_maps_before_and_after_the_norm_differ() -> None:
    """`fpn-conv` is the bare convolution, `neck-out` what comes after group normalisation."""
    network = detector("RepPoints")
    model = distillation("mgd+pkd", student=network, teacher=detector("RepPoints", seed=2))
    seen = {}
    model.watch = lambda _iteration, pyramids, _batch: seen.update(pyramids)
    images = torch.randn(2, 3, SIDE, SIDE)
    pyramids, _ = model.eval().look(images, [])
    raw, normed = pyramids["mgd"][0][0], pyramids["pkd"][0][0]
    assert not torch.allclose(raw, normed)
    assert torch.allclose(network.neck.fpn_convs[0].gn(raw), normed, atol=1e-6)


def test_without_output_convolutions_the_tap_is_refused() -> None:
    with pytest.raises(TapError, match="SSDNeck has no output convolutions; use tap `neck-out`"):
        tap_paths(detector("SSD300"), "fpn-conv")


HEADS = {
    "RetinaNet": ("one-stage", "retina_cls"),
    "GFL": ("one-stage", "gfl_cls"),
    "FCOS": ("anchor-free", "conv_cls"),
    "RepPoints": ("anchor-free", "reppoints_cls_out"),
}


@pytest.mark.parametrize("name", HEADS)
def test_logits_are_what_the_heads_class_convolution_puts_out(name: str) -> None:
    family, convolution = HEADS[name]
    networks = [detector(name, seed=seed) for seed in (1, 2)]
    model = distillation("cwd-logits", *networks, family=family)
    seen: dict[str, list[torch.Tensor]] = {"student": [], "teacher": []}
    for network, put_out in zip(networks, seen.values(), strict=True):
        predictor = network.bbox_head.get_submodule(convolution)
        torch.nn.init.normal_(predictor.weight, std=10.0)  # untrained logits hardly differ
        predictor.register_forward_hook(
            lambda _module, _inputs, output, put_out=put_out: put_out.append(output)
        )
    watched = {}
    model.watch = lambda _iteration, pyramids, _batch: watched.update(pyramids)
    log = model.train_step(batch(size=SIDE), optimiser(model))
    for put_out, recorded in zip(seen.values(), watched["cwd"], strict=True):
        assert len(put_out) == len(recorded) == 5
        assert all(torch.equal(one, other) for one, other in zip(put_out, recorded, strict=True))
    assert not any(level.requires_grad for level in watched["cwd"][1])
    expected = 5 * sum(
        functional.kl_div(
            one.double().flatten(2).log_softmax(2),
            other.double().flatten(2).softmax(2),
            reduction="sum",
        ).item()
        / one.shape[:2].numel()
        for one, other in zip(*seen.values(), strict=True)
    )
    assert log["distill.cwd.divergence"].item() == pytest.approx(expected, rel=1e-4, abs=1e-6)


def test_logits_reach_the_students_head_and_leave_the_teacher_alone() -> None:
    teacher = detector(seed=2)
    model = distillation("cwd-logits", teacher=teacher)
    data = model.data_preprocessor(batch(size=SIDE), True)
    model(**data, mode="loss")["distill.cwd.divergence"].backward()
    assert model.student.bbox_head.retina_cls.weight.grad.abs().sum() > 0
    assert model.student.bbox_head.retina_reg.weight.grad is None
    assert all(value.grad is None for value in teacher.parameters())
    assert not any(module.training for module in teacher.modules())
    pyramids, _ = model.eval().look(data["inputs"], data["data_samples"])
    assert [len(side) for side in pyramids["cwd"]] == [5, 5]


@pytest.mark.parametrize(("name", "found"), [("SSD300", "SSDHead"), ("Faster R-CNN", "FasterRCNN")])
def test_heads_without_such_logits_are_refused(name: str, found: str) -> None:
    with pytest.raises(TapError, match=f"`cls-logits` reads these heads: .*GFLHead.*found {found}"):
        tap_paths(detector(name), "cls-logits")


@pytest.mark.parametrize("name", ["GFL", "two classes"])
def test_logits_of_another_meaning_are_refused(name: str) -> None:
    if name == "GFL":
        teacher, message = detector("GFL"), "anchors per cell; student 9, teacher 1"
    else:
        model = small_config("RetinaNet")
        model.bbox_head.num_classes = 2
        teacher = build_detector(Config({"model": model}), 0, pretrained=False)
        message = "class channels; student 80, teacher 2"
    with pytest.raises(TapError, match=message):
        distillation("cwd-logits", teacher=teacher)


def test_equal_pyramids_are_paired_level_by_level() -> None:
    found = pair_levels(MGDSettings(), FIVE, FIVE)
    assert found.student == found.teacher == (0, 1, 2, 3, 4)
    assert found.strides == (8, 16, 32, 64, 128)


def test_pyramids_that_start_elsewhere_are_paired_by_stride() -> None:
    found = pair_levels(MGDSettings(), FIVE, FOUR)
    assert (found.student, found.teacher) == ((0, 1, 2), (1, 2, 3))
    assert found.strides == (8, 16, 32)
    assert found.student_channels == (256, 256, 256)
    assert found.teacher_channels == (192, 192, 192)


def test_a_method_may_ask_for_pairs_by_index() -> None:
    found = pair_levels(PKDSettings(), FIVE, FOUR)
    assert found.student == found.teacher == (0, 1, 2, 3)
    by_stride = pair_levels(PKDSettings(pairing="stride"), FIVE, FOUR)
    assert (by_stride.student, by_stride.teacher) == ((0, 1, 2), (1, 2, 3))


def test_levels_choose() -> None:
    found = pair_levels(MGDSettings(levels=(1, 3)), FIVE, FIVE)
    assert found.strides == (16, 64)


def test_a_level_that_is_not_there_is_named() -> None:
    with pytest.raises(TapError, match=r"levels \[7\] of tap `fpn-conv`.*allowed: \[0, 1, 2, 3\]"):
        pair_levels(MGDSettings(levels=(0, 7)), FOUR, FOUR)


def test_no_stride_in_common() -> None:
    with pytest.raises(TapError, match="no stride in common"):
        pair_levels(MGDSettings(), (Level(8, 8),), (Level(8, 30),))

"""What is recorded against what mmdet assigns, head by head."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from mmengine.config import Config, ConfigDict
from torch import Tensor
from torchvision.ops import box_iou

from methods.contract import Positives
from tests.compat.detectors import batch, small_config
from workflow.distill.positives import PositivesError, recorder_of
from workflow.models.build import build_detector

SIDES = {"SSD300": 300}
DYNAMIC = "dynamic_rcnn/dynamic-rcnn_r50_fpn_1x_coco.py"
ONE_STAGE = ["RetinaNet", "RepPoints", "FCOS", "GFL", "SSD300"]


def recorded(
    name: str,
    images: int = 3,
    listen: Callable[[Any], None] | None = None,
    proposals: list[Any] | None = None,
) -> tuple[Any, Positives, dict[str, Tensor], list[Any]]:
    """`listen` is called with what a dense head predicts; `proposals` gets what a box head of a
    two-stage detector predicts, for which boxes."""
    model = build_detector(Config({"model": small_config(name)}), 0, pretrained=False).train()
    data = model.data_preprocessor(batch(images, SIDES.get(name, 128)), True)
    if listen is not None:
        model.bbox_head.register_forward_hook(lambda _module, _inputs, output: listen(output))
    if proposals is not None:
        head = model.roi_head.bbox_head
        plain = head.loss_and_target

        def heard(cls_score: Any, bbox_pred: Any, rois: Any, sampling_results: Any, **more: Any):
            proposals.append((rois, cls_score, bbox_pred, sampling_results))
            return plain(cls_score, bbox_pred, rois, sampling_results, **more)

        head.loss_and_target = heard
    recorder = recorder_of(model)
    with recorder:
        losses = model(data["inputs"], data["data_samples"], mode="loss")
    return model, recorder.positives(), losses, data["data_samples"]


@pytest.mark.parametrize("name", [*ONE_STAGE, "Faster R-CNN", DYNAMIC])
def test_positives_belong_to_their_ground_truths(name: str) -> None:
    _, found, _, samples = recorded(name)
    count = len(found.boxes)
    assert count > 0
    assert found.image.shape == found.ground_truth.shape == (count,)
    classes = 80 + (found.activation == "softmax")
    assert found.logits.shape == (count, classes)
    assert found.boxes.shape == (count, 4)
    with_background = name in ("SSD300", "Faster R-CNN", DYNAMIC)
    assert found.activation == ("softmax" if with_background else "sigmoid")
    for image, sample in enumerate(samples):
        inside = found.ground_truth[found.image == image]
        assert len(inside) == 0 or inside.max() < len(sample.gt_instances)
        # Every head here promises each ground truth at least one match, but for the point heads.
        if name in ("RetinaNet", "SSD300"):
            assert set(inside.tolist()) == set(range(len(sample.gt_instances)))
    assert not (found.image == len(samples) - 1).any()  # the last image has no boxes


@pytest.mark.parametrize("name", [*ONE_STAGE, "Faster R-CNN"])
def test_gradients_reach_the_head_and_the_methods_are_put_back(name: str) -> None:
    model, found, _, _ = recorded(name)
    head = model.roi_head.bbox_head if name == "Faster R-CNN" else model.bbox_head
    wrapped = {"_get_targets_single", "loss_by_feat", "loss_and_target"} & set(vars(head))
    assert not wrapped
    (found.boxes.sum() + found.logits.sum()).backward()
    touched = [key for key, value in head.named_parameters() if value.grad is not None]
    assert any("reg" in key or "pts" in key for key in touched)
    assert any("cls" in key for key in touched)


@pytest.mark.parametrize("name", ["RetinaNet", "SSD300"])
def test_anchors_are_matched_as_by_overlap(name: str) -> None:
    """The published rule, worked out with torchvision: overlap of at least one half, or best."""
    model, found, _, samples = recorded(name)
    head = model.bbox_head
    side = SIDES.get(name, 128)
    strides = [stride[0] for stride in head.prior_generator.strides]
    if name == "SSD300":
        sizes = [(side_of_map,) * 2 for side_of_map in (38, 19, 10, 5, 3, 1)]
    else:
        sizes = [(-(-side // stride),) * 2 for stride in strides]
    anchors = torch.cat(head.prior_generator.grid_priors(sizes, device="cpu"))
    for image, sample in enumerate(samples[:-1]):
        overlap = box_iou(anchors, sample.gt_instances.bboxes)  # (all, n)
        best, owner = overlap.max(1)
        positive = best >= 0.5
        for truth in range(overlap.shape[1]):
            ties = overlap[:, truth] == overlap[:, truth].max()
            owner[ties], positive[ties] = truth, True
        mine = found.image == image
        assert int(mine.sum()) == int(positive.sum())
        assert torch.equal(found.ground_truth[mine], owner[positive])


@pytest.mark.parametrize("name", ONE_STAGE)
def test_positives_lie_in_the_cells_whose_logits_they_have(name: str) -> None:
    outputs: list[Any] = []
    _, found, _, _ = recorded(name, listen=outputs.append)
    (scores, *_), classes = outputs[-1], found.logits.shape[1]
    assert found.level.shape == found.image.shape
    for image, level, cell, logits in zip(
        found.image, found.level, found.cell, found.logits, strict=True
    ):
        maps = scores[int(level)][int(image)].unflatten(0, (-1, classes))  # (A, C, H, W)
        same = (maps == logits[:, None, None]).all(1).nonzero()  # anchor, row, column
        assert [place[1:] for place in same.tolist()] == [cell.tolist()]


def test_points_of_fcos_lie_in_the_boxes_that_they_are_matched_to() -> None:
    model, found, _, samples = recorded("FCOS")
    assert model.bbox_head.use_sigmoid_cls
    for image, truth, box in zip(found.image, found.ground_truth, found.boxes, strict=True):
        x1, y1, x2, y2 = samples[int(image)].gt_instances.bboxes[int(truth)]
        # A predicted box surrounds its point, as distances are not negative; so they overlap.
        assert box[0] < x2
        assert box[2] > x1
        assert box[1] < y2
        assert box[3] > y1


@pytest.mark.parametrize("name", ONE_STAGE)
def test_decoded_boxes_are_those_that_detection_decodes(name: str) -> None:
    side = SIDES.get(name, 128)
    model, found, _, samples = recorded(name)
    head = model.eval().bbox_head  # batch statistics are frozen: it sees the same maps
    images = model.data_preprocessor(batch(len(samples), side), False)["inputs"]
    outputs = head(model.extract_feat(images))
    metas = [sample.metainfo for sample in samples]
    everything = ConfigDict({**head.test_cfg, "score_thr": -1, "nms_pre": 10**9})
    detected = head.predict_by_feat(
        *outputs, batch_img_metas=metas, cfg=everything, rescale=False, with_nms=False
    )
    for image, box in zip(found.image, found.boxes, strict=True):
        every = detected[int(image)]
        once = every.bboxes[every.labels == 0]  # each stands there with every class
        assert len(every) == 80 * len(once)
        assert (once - box.clamp(0, side)).abs().amax(1).min() < 1e-4


@pytest.mark.parametrize("name", ["Faster R-CNN", DYNAMIC])
def test_boxes_of_proposals_are_those_that_detection_decodes(name: str) -> None:
    heard: list[Any] = []
    model, found, _, samples = recorded(name, proposals=heard)
    ((*predicted, sampled),) = heard
    sizes = [len(sample.priors) for sample in sampled]
    detected = model.roi_head.bbox_head.predict_by_feat(
        *(part.split(sizes) for part in predicted),
        batch_img_metas=[sample.metainfo for sample in samples],
    )
    for image, truth, box in zip(found.image, found.ground_truth, found.boxes, strict=True):
        label = samples[int(image)].gt_instances.labels[int(truth)]
        every = detected[int(image)].bboxes.unflatten(1, (-1, 4))[:, label]  # (proposals, 4)
        assert (every - box.clamp(0, 128)).abs().amax(1).min() < 1e-4


def test_nothing_matched_gives_empty_positives() -> None:
    model = build_detector(Config({"model": small_config("RetinaNet")}), 0, pretrained=False)
    data = model.data_preprocessor(batch(2, 128), True)
    for sample in data["data_samples"]:
        sample.gt_instances = sample.gt_instances[:0]
    recorder = recorder_of(model)
    with recorder:
        model(data["inputs"], data["data_samples"], mode="loss")
    found = recorder.positives()
    assert found.boxes.shape == (0, 4)
    assert found.logits.shape == (0, 80)


@pytest.mark.parametrize(
    ("name", "head"),
    [
        ("Cascade R-CNN", "CascadeRoIHead"),
        ("grid_rcnn/grid-rcnn_r50_fpn_gn-head_2x_coco.py", "GridRoIHead"),
    ],
)
def test_an_unknown_head_is_refused_by_name(name: str, head: str) -> None:
    model = build_detector(Config({"model": small_config(name)}), 0, pretrained=False)
    with pytest.raises(PositivesError, match=rf"FCOSHead.*{head}"):
        recorder_of(model)

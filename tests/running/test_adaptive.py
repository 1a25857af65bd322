"""What Dynamic R-CNN has learnt about its training survives in a checkpoint."""

from __future__ import annotations

from pathlib import Path

from mmengine.config import Config
from torch import nn

from tests.compat.detectors import batch, small_config
from workflow.models.build import build_detector
from workflow.running.adaptive import adaptive_state, load_adaptive_state
from workflow.running.checkpoints import Checkpoints

DYNAMIC = "dynamic_rcnn/dynamic-rcnn_r50_fpn_1x_coco.py"


def detector() -> nn.Module:
    return build_detector(Config({"model": small_config(DYNAMIC)}), 0, pretrained=False).train()


def step(model: nn.Module) -> None:
    data = model.data_preprocessor(batch(2, 128), True)
    model(data["inputs"], data["data_samples"], mode="loss")


def test_thresholds_and_notes_go_on_where_they_were(tmp_path: Path) -> None:
    trained = detector()
    head = trained.roi_head
    head.train_cfg.dynamic_rcnn.update_iter_interval = 2
    first = adaptive_state(trained)["roi_head"]
    for _ in range(3):  # the second moves the thresholds, the third leaves a note for the next
        step(trained)
    learnt = adaptive_state(trained)["roi_head"]
    assert learnt["pos_iou_thr"] == learnt["neg_iou_thr"] == learnt["min_pos_iou"]
    assert learnt["pos_iou_thr"] < first["pos_iou_thr"]
    assert len(learnt["iou_history"]) == 1
    head.bbox_head.loss_bbox.beta = 0.25  # a first detector's boxes are too far off to move it

    kept = Checkpoints(tmp_path)
    kept.save({"run": "a", "iteration": 3, "adaptive": adaptive_state(trained)})
    saved = kept.newest("a")
    assert saved is not None
    resumed = detector()
    load_adaptive_state(resumed, saved["adaptive"])
    assert adaptive_state(resumed) == adaptive_state(trained)
    assert resumed.roi_head.bbox_head.loss_bbox.beta == 0.25


def test_other_detectors_and_older_checkpoints_have_none() -> None:
    model = build_detector(Config({"model": small_config("Faster R-CNN")}), 0, pretrained=False)
    assert adaptive_state(model) == {}
    dynamic = detector()
    before = adaptive_state(dynamic)
    load_adaptive_state(dynamic, {})
    assert adaptive_state(dynamic) == before

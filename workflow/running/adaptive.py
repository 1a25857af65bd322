"""What a detector learns about its own training and keeps beside its weights.

Dynamic R-CNN moves its assigner's thresholds and the turning point of its box loss with what the
last hundred steps were like. mmdet keeps both, and the notes that they will be made from, as plain
attributes, so no state dict has them; without them a resumed training would go on from the first
thresholds again. Every process keeps notes of its own images; one that resumes takes those of the
process that saved.
"""

from __future__ import annotations

from typing import Any

from mmdet.models.roi_heads import DynamicRoIHead
from torch import nn

NOTES = ("iou_history", "beta_history")
THRESHOLDS = ("pos_iou_thr", "neg_iou_thr", "min_pos_iou")


def adaptive_state(model: nn.Module) -> dict[str, dict[str, Any]]:
    """Module's name -> plain numbers, for a checkpoint; empty for most detectors."""
    return {
        name: {
            **{note: [float(value) for value in getattr(head, note)] for note in NOTES},
            **{each: float(getattr(head.bbox_assigner, each)) for each in THRESHOLDS},
            "beta": float(head.bbox_head.loss_bbox.beta),
        }
        for name, head in _heads(model).items()
    }


def load_adaptive_state(model: nn.Module, state: dict[str, dict[str, Any]]) -> None:
    for name, head in _heads(model).items():
        if (saved := state.get(name)) is None:
            continue
        for note in NOTES:
            setattr(head, note, list(saved[note]))
        for each in THRESHOLDS:
            setattr(head.bbox_assigner, each, saved[each])
        head.bbox_head.loss_bbox.beta = saved["beta"]


def _heads(model: nn.Module) -> dict[str, DynamicRoIHead]:
    """Of what is trained; a frozen teacher moves nothing."""
    found = model.named_modules()
    return {name: head for name, head in found if isinstance(head, DynamicRoIHead)}

"""Suppression of overlapping boxes, with mmcv's signatures."""

from __future__ import annotations

import torch
import torchvision  # noqa: F401  registers torch.ops.torchvision
from torch import Tensor

NAIVE, LINEAR, GAUSSIAN = 0, 1, 2


def nms(boxes: Tensor, scores: Tensor, iou_threshold: float, offset: int) -> Tensor:
    """Indices of the boxes kept, highest score first.

    With `offset` 1 a box from x1 to x2 is x2 - x1 + 1 wide (pixel indices, both inclusive), which
    is the plain definition on boxes whose far corner is moved by one.
    """
    boxes = boxes.float() if boxes.dtype in (torch.float16, torch.bfloat16) else boxes  # (N, 4)
    if offset:
        boxes = boxes + boxes.new_tensor([0, 0, offset, offset])
    return torch.ops.torchvision.nms(boxes, scores.to(boxes.dtype), iou_threshold)


def softnms(
    boxes: Tensor,
    scores: Tensor,
    dets: Tensor,
    iou_threshold: float,
    sigma: float,
    min_score: float,
    method: int,
    offset: int,
) -> Tensor:
    """Bodla et al., 'Soft-NMS': lower the scores of overlapping boxes instead of dropping them.

    Writes boxes and lowered scores into the first rows of `dets` (N, 5) and returns the kept
    indices. The box of highest score is taken, the others' scores are lowered, those that fall
    under `min_score` are dropped, and so on. Sequential over the boxes kept, vectorised over the
    boxes left.
    """
    left = torch.arange(len(boxes), device=boxes.device)  # indices into boxes
    current = scores.clone()
    kept: list[Tensor] = []
    while len(left):
        best = current[left].argmax()
        index = left[best]
        dets[len(kept), :4] = boxes[index]
        dets[len(kept), 4] = current[index]
        kept.append(index)
        left = torch.cat([left[:best], left[best + 1 :]])
        overlap = _iou(boxes[index], boxes[left], offset)
        if method == GAUSSIAN:
            weight = torch.exp(-(overlap**2) / sigma)
        else:
            lowered = 1 - overlap if method == LINEAR else torch.zeros_like(overlap)
            weight = torch.where(overlap >= iou_threshold, lowered, torch.ones_like(overlap))
        current[left] *= weight
        left = left[current[left] >= min_score]
    return torch.stack(kept) if kept else left


def _iou(box: Tensor, others: Tensor, offset: int) -> Tensor:
    """Overlap of one box (4,) with others (N, 4)."""
    top_left = torch.maximum(box[:2], others[:, :2])
    bottom_right = torch.minimum(box[2:], others[:, 2:])
    inter = (bottom_right - top_left + offset).clamp(min=0).prod(1)
    area = (box[2:] - box[:2] + offset).prod()
    areas = (others[:, 2:] - others[:, :2] + offset).prod(1)
    return inter / (area + areas - inter)

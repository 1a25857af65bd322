"""How each kind of dense head says what it matched, and how its predictions become boxes.

Everything is read from the head's own results or done by the head's own methods.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from mmdet.structures.bbox import get_box_tensor
from torch import Tensor


@dataclass(frozen=True)
class Matched:
    """Of one image."""

    index: Tensor  # (k,) into all priors of the image, fine to coarse
    ground_truth: Tensor  # (k,) into the image's boxes
    priors: Tensor  # (k, 4) anchors or (k, 2) points


@dataclass(frozen=True)
class Asked:
    """Whose boxes are wanted, over all images of the batch."""

    predictions: tuple[Any, ...]  # what went into the head's `loss_by_feat`
    image: Tensor  # (K,)
    index: Tensor  # (K,) into all priors of the image
    priors: Tensor  # (K, 4) or (K, 2)
    strides: Tensor  # (K,)

    def raw(self, channels: int) -> Tensor:
        """(K, channels) of the maps of box predictions."""
        return flattened(self.predictions[1], channels)[self.image, self.index]


class Reader(ABC):
    @abstractmethod
    def matched(
        self, head: Any, arguments: tuple[Any, ...], keywords: dict[str, Any], result: Any
    ) -> Matched:
        """From what went into and came out of `_get_targets_single`."""

    @abstractmethod
    def boxes(self, head: Any, asked: Asked) -> Tensor:
        """(K, 4) decoded boxes in padded input pixels."""


class AnchorReader(Reader):
    """mmdet's AnchorHead: labels of all priors come first, the sampling result last."""

    labels_at = 0

    def matched(
        self, head: Any, arguments: tuple[Any, ...], keywords: dict[str, Any], result: Any
    ) -> Matched:
        labels, sample = result[self.labels_at], result[-1]
        # Ascending, as the sampler's own indices are; those count anchors inside the image only.
        index = _foreground(labels, head.num_classes)
        return Matched(index, sample.pos_assigned_gt_inds, get_box_tensor(sample.pos_priors))

    def boxes(self, head: Any, asked: Asked) -> Tensor:
        deltas = asked.raw(head.bbox_coder.encode_size)
        return get_box_tensor(head.bbox_coder.decode(asked.priors, deltas))


class GFLReader(AnchorReader):
    """Distributions over distances from the anchors' centres, in strides."""

    labels_at = 1

    def boxes(self, head: Any, asked: Asked) -> Tensor:
        corners = asked.raw(4 * (head.reg_max + 1))
        distances = head.integral(corners) * asked.strides[:, None]
        return get_box_tensor(head.bbox_coder.decode(head.anchor_center(asked.priors), distances))


class FCOSReader(Reader):
    """Points, with distances to the matched box; which box that is has to be looked up."""

    def matched(
        self, head: Any, arguments: tuple[Any, ...], keywords: dict[str, Any], result: Any
    ) -> Matched:
        instances, points = arguments[0], keywords["points"]
        labels, targets = result
        index = _foreground(labels, head.num_classes)
        x, y = points[index].unbind(1)
        left, top, right, bottom = targets[index].unbind(1)
        boxes = torch.stack((x - left, y - top, x + right, y + bottom), 1)  # (k, 4)
        truths = get_box_tensor(instances.bboxes)
        # The nearest one of that class: rounding alone keeps the distance from being zero.
        distance = torch.cdist(boxes, truths, p=1)  # (k, n)
        others = labels[index][:, None] != instances.labels[None]
        nearest = distance.masked_fill(others, float("inf")).argmin(1) if len(truths) else index[:0]
        return Matched(index, nearest, points[index])

    def boxes(self, head: Any, asked: Asked) -> Tensor:
        distances = asked.raw(4)
        if head.norm_on_bbox:  # while training such heads predict in strides
            distances = distances * asked.strides[:, None]
        return get_box_tensor(head.bbox_coder.decode(asked.priors, distances))


class RepPointsReader(AnchorReader):
    """Sets of points; the refined ones, matched in the second of two stages."""

    def boxes(self, head: Any, asked: Asked) -> Tensor:
        scores, _, refined, _, metas, *_ = asked.predictions
        sizes = [maps.shape[-2:] for maps in scores]
        centres, _ = head.get_points(sizes, metas, scores[0].device)
        points = torch.cat(head.offset_to_pts(centres, refined), 1)  # (N, all, 2 * points)
        found: Tensor = head.points2bbox(points[asked.image, asked.index], y_first=False)
        return found


def places(maps: Any, per_cell: Sequence[int]) -> tuple[Tensor, Tensor]:
    """Of all priors of an image, in their order: level (all,), and row and column (all, 2)."""
    levels, cells = [], []
    for level, (scores, count) in enumerate(zip(maps, per_cell, strict=True)):
        height, width = scores.shape[-2:]
        cell = torch.arange(height * width, device=scores.device).repeat_interleave(count)
        levels.append(torch.full_like(cell, level))
        cells.append(torch.stack((cell // width, cell % width), 1))
    return torch.cat(levels), torch.cat(cells)


def _foreground(labels: Tensor, classes: int) -> Tensor:
    return ((labels >= 0) & (labels < classes)).nonzero().flatten()


def flattened(maps: Any, channels: int) -> Tensor:
    """Maps (N, A * channels, H, W) of all levels -> (N, all, channels), in the priors' order."""
    return torch.cat([m.permute(0, 2, 3, 1).reshape(len(m), -1, channels) for m in maps], 1)

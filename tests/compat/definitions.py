"""The operators' definitions, worked out in plain torch, one number at a time.

Written from the papers and mmcv's documentation, with loops where the kernels have none, and
differentiable, so that autograd gives the gradients to compare with.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor


def bilinear(image: Tensor, y: Tensor, x: Tensor, border: str) -> Tensor:
    """Value of `image` (C, H, W) at one point.

    `border` 'zero': the image is surrounded by zeros (deformable convolution). 'clamp': points up
    to one pixel outside take the border's value, points further out are zero (RoIAlign).
    """
    height, width = image.shape[-2:]
    outside = y < -1 or y > height or x < -1 or x > width
    if outside:
        return image.new_zeros(image.shape[0])
    if border == "clamp":
        y, x = y.clamp(0, height - 1), x.clamp(0, width - 1)
    top, left = math.floor(y.detach()), math.floor(x.detach())
    value = image.new_zeros(image.shape[0])
    for row, row_weight in ((top, 1 - (y - top)), (top + 1, y - top)):
        for column, column_weight in ((left, 1 - (x - left)), (left + 1, x - left)):
            if 0 <= row < height and 0 <= column < width:
                value = value + image[:, row, column] * row_weight * column_weight
    return value


def roi_align(
    features: Tensor, rois: Tensor, size: tuple[int, int], scale: float, samples: int, aligned: bool
) -> Tensor:
    """Mean of regularly spaced samples in each of the bins of each box: (N, C, *size)."""
    pooled = []
    shift = 0.5 if aligned else 0.0
    for roi in rois:
        image = features[int(roi[0])]
        x1, y1, x2, y2 = roi[1:] * scale - shift
        height, width = y2 - y1, x2 - x1
        if not aligned:  # the old definition: no box is smaller than a pixel
            height, width = height.clamp(min=1), width.clamp(min=1)
        bin_height, bin_width = height / size[0], width / size[1]
        rows = samples if samples > 0 else math.ceil(bin_height)
        columns = samples if samples > 0 else math.ceil(bin_width)
        cells = []
        for i in range(size[0]):
            for j in range(size[1]):
                total = features.new_zeros(features.shape[1])
                for row in range(rows):
                    for column in range(columns):
                        y = y1 + (i + (row + 0.5) / rows) * bin_height
                        x = x1 + (j + (column + 0.5) / columns) * bin_width
                        total = total + bilinear(image, y, x, "clamp")
                cells.append(total / max(rows * columns, 1))
        pooled.append(torch.stack(cells, 1).view(-1, *size))
    return torch.stack(pooled) if pooled else features.new_zeros(0, features.shape[1], *size)


def deformable_convolution(
    image: Tensor,
    offset: Tensor,
    mask: Tensor | None,
    weight: Tensor,
    bias: Tensor | None,
    stride: tuple[int, int],
    padding: tuple[int, int],
    dilation: tuple[int, int],
    groups: int,
    deform_groups: int,
) -> Tensor:
    """Convolution whose kernel cells are each moved by an offset and weighed by a mask."""
    batch, channels = image.shape[:2]
    out_channels, _, rows, columns = weight.shape
    out_height, out_width = offset.shape[-2:]
    offset = offset.view(batch, deform_groups, rows * columns, 2, out_height, out_width)
    if mask is not None:
        mask = mask.view(batch, deform_groups, rows * columns, out_height, out_width)
    in_group, in_deform = channels // groups, channels // deform_groups
    outputs = []
    for n in range(batch):
        for i in range(out_height):
            for j in range(out_width):
                patches = []  # (C, kernel cells)
                for cell in range(rows * columns):
                    parts = []
                    for group in range(deform_groups):
                        dy, dx = offset[n, group, cell, :, i, j]
                        y = i * stride[0] - padding[0] + cell // columns * dilation[0] + dy
                        x = j * stride[1] - padding[1] + cell % columns * dilation[1] + dx
                        own = image[n, group * in_deform : (group + 1) * in_deform]
                        value = bilinear(own, y, x, "zero")
                        parts.append(value if mask is None else value * mask[n, group, cell, i, j])
                    patches.append(torch.cat(parts))
                patch = torch.stack(patches, 1).view(groups, in_group * rows * columns)
                kernels = weight.view(groups, out_channels // groups, -1)
                result = torch.cat([kernels[g] @ patch[g] for g in range(groups)])
                outputs.append(result if bias is None else result + bias)
    return torch.stack(outputs).view(batch, out_height, out_width, -1).permute(0, 3, 1, 2)


def sigmoid_focal_loss(
    logits: Tensor, target: Tensor, gamma: float, alpha: float, weight: Tensor | None
) -> Tensor:
    """-alpha_t (1 - p_t)^gamma log p_t for every element of `logits` (N, C)."""
    rows = []
    for logit_row, label in zip(logits, target.tolist(), strict=True):
        row = []
        for label_of_column, logit in enumerate(logit_row):
            p = 1 / (1 + torch.exp(-logit))
            hit = label_of_column == label
            p_t, alpha_t = (p, alpha) if hit else (1 - p, 1 - alpha)
            loss = -alpha_t * (1 - p_t) ** gamma * torch.log(p_t)
            row.append(loss * weight[label] if weight is not None else loss)
        rows.append(torch.stack(row))
    return torch.stack(rows) if rows else logits.sum(1, keepdim=True) * logits


def overlap(a: list[float], b: list[float], offset: int) -> float:
    """Intersection over union of two boxes; `offset` 1 counts pixels, both corners inside."""
    width = min(a[2], b[2]) - max(a[0], b[0]) + offset
    height = min(a[3], b[3]) - max(a[1], b[1]) + offset
    shared = max(width, 0.0) * max(height, 0.0)
    area_a = (a[2] - a[0] + offset) * (a[3] - a[1] + offset)
    area_b = (b[2] - b[0] + offset) * (b[3] - b[1] + offset)
    union = area_a + area_b - shared
    return shared / union if union else math.nan


def nms(boxes: list[list[float]], scores: list[float], threshold: float, offset: int) -> list[int]:
    """Greedy: keep the best, drop what overlaps it by more than `threshold`, and so on."""
    left = sorted(range(len(boxes)), key=lambda index: (-scores[index], index))
    kept = []
    while left:
        best, *rest = left
        kept.append(best)
        left = [i for i in rest if not overlap(boxes[best], boxes[i], offset) > threshold]
    return kept


def soft_nms(
    boxes: list[list[float]],
    scores: list[float],
    threshold: float,
    sigma: float,
    min_score: float,
    method: str,
    offset: int,
) -> list[tuple[int, float]]:
    """Greedy, lowering the scores of what overlaps: pairs of index and lowered score."""
    scores = list(scores)
    left = list(range(len(boxes)))
    kept = []
    while left:
        best = max(left, key=lambda index: (scores[index], -index))
        kept.append((best, scores[best]))
        left.remove(best)
        for index in list(left):
            iou = overlap(boxes[best], boxes[index], offset)
            if method == "gaussian":
                scores[index] *= math.exp(-(iou**2) / sigma)
            elif iou >= threshold:
                scores[index] *= 1 - iou if method == "linear" else 0
            if scores[index] < min_score:
                left.remove(index)
    return kept

"""Which cells have an anchor near a ground-truth box? The mask of FGFI.

For one anchor shape the overlap with a box grows with the area they share, and that area is a
product of a height that depends on the row and a width that depends on the column. So the best
overlap needs two maxima instead of one over all anchors, and 'overlaps by more than a share of the
best' is a threshold on the shared area: no overlap of every anchor with every box is ever stored.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn.utils.rnn import pad_sequence

from methods.contract import Batch


@dataclass(frozen=True)
class AnchorDesign:
    """Reference boxes around every cell's corner (column * stride, row * stride), as mmdet's."""

    scales: tuple[float, ...]  # side of the square, in strides
    ratios: tuple[float, ...]  # height by width

    def sides(self, stride: int) -> list[tuple[float, float]]:
        """(height, width) of each shape in pixels."""
        return [
            (scale * stride * ratio**0.5, scale * stride / ratio**0.5)
            for scale in self.scales
            for ratio in self.ratios
        ]


@dataclass(frozen=True)
class _Shared:
    """What one anchor shape at every row and column shares with every box of a batch."""

    down: Tensor  # (N, B, H) heights
    across: Tensor  # (N, B, W) widths
    areas: Tensor  # (N, B) of box and anchor together

    def best(self) -> Tensor:
        """(N, B) largest intersection over union of any cell."""
        area = self.down.amax(dim=2) * self.across.amax(dim=2)
        return area / (self.areas - area)

    def beyond(self, overlap: Tensor) -> Tensor:
        """(N, H, W) whether a cell exceeds this overlap (N, B) with any box."""
        least = self.areas * overlap / (1 + overlap)
        area = self.down[:, :, :, None] * self.across[:, :, None, :]  # (N, B, H, W)
        return (area > least[:, :, None, None]).any(dim=1)


def near_anchors(
    batch: Batch,
    sizes: Sequence[tuple[int, int]],
    strides: Sequence[int],
    design: AnchorDesign,
    share: float,
    *,
    per_level: bool,
) -> tuple[Tensor, ...]:
    """Per level (N, 1, H, W), true where an anchor reaches more than `share` of the best overlap.

    The best overlap of a box is over the anchors of all levels, or of each level. Cells of the
    padding have no anchors.
    """
    boxes = pad_sequence(list(batch.boxes), batch_first=True)  # (N, B, 4), empty ones at the end
    levels = [
        _level(batch, boxes, size, stride, design)
        for size, stride in zip(sizes, strides, strict=True)
    ]
    best = [torch.stack([shape.best() for shape in shapes]).amax(dim=0) for shapes in levels]
    if not per_level:
        best = [torch.stack(best).amax(dim=0)] * len(best)
    return tuple(
        torch.stack([shape.beyond(share * most) for shape in shapes]).any(dim=0).unsqueeze(1)
        for shapes, most in zip(levels, best, strict=True)
    )


def _level(
    batch: Batch, boxes: Tensor, size: tuple[int, int], stride: int, design: AnchorDesign
) -> list[_Shared]:
    left, top, right, bottom = boxes.unbind(dim=2)  # (N, B) each
    rows = _centres(size[0], stride, [height for height, _ in batch.image_sizes], boxes)
    columns = _centres(size[1], stride, [width for _, width in batch.image_sizes], boxes)
    area = (right - left).clamp(min=0) * (bottom - top).clamp(min=0)
    return [
        _Shared(
            _common(rows, height, top, bottom),
            _common(columns, width, left, right),
            area + height * width,
        )
        for height, width in design.sides(stride)
    ]


def _centres(cells: int, stride: int, lengths: list[int], like: Tensor) -> Tensor:
    """(N, cells) in pixels, infinitely far away behind the image's end."""
    centres = torch.arange(cells, device=like.device, dtype=like.dtype) * stride
    inside = torch.stack([centres < length for length in lengths])
    return torch.where(inside, centres, torch.inf)


def _common(centres: Tensor, side: float, low: Tensor, high: Tensor) -> Tensor:
    """(N, B, cells): length shared by boxes from low to high and anchors around the centres."""
    start, stop = centres[:, None] - side / 2, centres[:, None] + side / 2
    return (stop.minimum(high[:, :, None]) - start.maximum(low[:, :, None])).clamp(min=0)

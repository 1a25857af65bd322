"""Which cells have an anchor near a ground-truth box? The mask of FGFI.

For one anchor shape the overlap with a box grows with the area they share, and that area is a
product of a height that depends on the row and a width that depends on the column. So the best
overlap needs two maxima instead of one over all anchors, and 'overlaps by more than a share of the
best' is a threshold on the shared area: no overlap of every anchor with every box is ever stored.
All shapes of a level are taken at once, as a GPU waits for the start of every small operation.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain

import torch
from torch import Tensor
from torch.nn.utils.rnn import pad_sequence

from methods.contract import Batch

AREAS_AT_A_TIME = 1 << 22  # 16 MB in float32


@dataclass(frozen=True)
class AnchorDesign:
    """Reference boxes around every cell's corner (column * stride, row * stride), as mmdet's."""

    scales: tuple[float, ...]  # side of the square, in strides
    ratios: tuple[float, ...]  # height by width

    def shapes(self, like: Tensor) -> Tensor:
        """(A, 3): height, width and area of each, in strides. Filled in on the device, where a
        copy from the host would have to be waited for."""
        shapes = [
            (scale * ratio**0.5, scale / ratio**0.5, scale**2)
            for scale in self.scales
            for ratio in self.ratios
        ]
        return torch.stack([like.new_full((), each) for each in chain(*shapes)]).view(-1, 3)


@dataclass(frozen=True)
class _Shared:
    """What a level's anchors of A shapes share, at every row and column, with a batch's boxes."""

    down: Tensor  # (N, A, B, H) heights
    across: Tensor  # (N, A, B, W) widths
    areas: Tensor  # (N, A, B) of box and anchor together

    def best(self) -> Tensor:
        """(N, B) largest intersection over union of any anchor."""
        area = self.down.amax(dim=3) * self.across.amax(dim=3)
        return (area / (self.areas - area)).amax(dim=1)

    def beyond(self, overlap: Tensor) -> Tensor:
        """(N, 1, H, W) whether an anchor exceeds this overlap (N, B) with any box."""
        overlap = overlap[:, None]
        least = (self.areas * overlap / (1 + overlap)).flatten(1, 2)  # (N, A B)
        down, across = self.down.flatten(1, 2), self.across.flatten(1, 2)
        cells = len(down) * down.shape[2] * across.shape[2]
        parts = [
            each.split(max(1, AREAS_AT_A_TIME // cells), dim=1) for each in (down, across, least)
        ]
        found = [
            (high[:, :, :, None] * wide[:, :, None, :] > area[:, :, None, None]).any(
                1, keepdim=True
            )
            for high, wide, area in zip(*parts, strict=True)
        ]
        return found[0] if len(found) == 1 else torch.cat(found, dim=1).any(1, keepdim=True)


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
    shapes = design.shapes(boxes)
    levels = [
        _level(batch, boxes, size, stride, shapes)
        for size, stride in zip(sizes, strides, strict=True)
    ]
    best = [level.best() for level in levels]
    if not per_level:
        best = [torch.stack(best).amax(dim=0)] * len(best)
    return tuple(level.beyond(share * most) for level, most in zip(levels, best, strict=True))


def _level(
    batch: Batch, boxes: Tensor, size: tuple[int, int], stride: int, shapes: Tensor
) -> _Shared:
    left, top, right, bottom = boxes.unbind(dim=2)  # (N, B) each
    rows = _centres(size[0], stride, [height for height, _ in batch.image_sizes], boxes)
    columns = _centres(size[1], stride, [width for _, width in batch.image_sizes], boxes)
    area = (right - left).clamp(min=0) * (bottom - top).clamp(min=0)
    heights, widths, areas = shapes.unbind(dim=1)
    return _Shared(
        _common(rows, heights * stride, top, bottom),
        _common(columns, widths * stride, left, right),
        area[:, None] + (areas * stride**2)[:, None],
    )


def _centres(cells: int, stride: int, lengths: list[int], like: Tensor) -> Tensor:
    """(N, cells) in pixels, infinitely far away behind the image's end."""
    centres = torch.arange(cells, device=like.device, dtype=like.dtype) * stride
    inside = torch.stack([centres < length for length in lengths])
    return torch.where(inside, centres, torch.inf)


def _common(centres: Tensor, sides: Tensor, low: Tensor, high: Tensor) -> Tensor:
    """(N, A, B, cells): length shared by boxes from low to high and anchors around the centres."""
    half = sides[:, None, None] / 2  # (A, 1, 1)
    start, stop = centres[:, None, None] - half, centres[:, None, None] + half
    low, high = low[:, None, :, None], high[:, None, :, None]
    return (stop.minimum(high) - start.maximum(low)).clamp(min=0)

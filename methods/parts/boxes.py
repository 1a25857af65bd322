"""Which cells do the ground-truth boxes cover? All boxes of a batch at once.

No loop over boxes and nothing that waits for the device: a box is a range of rows and a range of
columns, two comparisons with `arange`, and images with fewer boxes are filled up with boxes that
lie left of the map and cover nothing.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn.utils.rnn import pad_sequence

from methods.contract import Batch

OUTSIDE = -2.0  # whole maps to the left and above, so that no rounding brings it in


def relative_boxes(batch: Batch, stretch: bool) -> Tensor:
    """(N, B, 4) as fractions of the map's width and height.

    A map covers the padded input, so true fractions are of the padded size. `stretch` divides by
    the size before padding instead, which stretches the boxes of padded images.
    """
    fractions = []
    for boxes, size in zip(batch.boxes, batch.image_sizes, strict=True):
        height, width = size if stretch else batch.padded_size
        x, y = boxes[:, 0::2] / width, boxes[:, 1::2] / height
        fractions.append(torch.stack([x[:, 0], y[:, 0], x[:, 1], y[:, 1]], dim=1))
    return pad_sequence(fractions, batch_first=True, padding_value=OUTSIDE)


def _spans(low: Tensor, high: Tensor, inclusive: bool) -> tuple[Tensor, Tensor]:
    """First cell, and number of cells, of each box on one axis."""
    first = low.floor()
    cells = high.ceil() - first
    return first, cells + 1 if inclusive else cells.clamp(min=1)


def smallest_box(boxes: Tensor, size: tuple[int, int], inclusive: bool) -> Tensor:
    """(N, B, 4) fractions -> (N, 1, H, W): 1 / cells of the smallest box over a cell, 0 elsewhere.

    A box covers columns floor(x1) to ceil(x2) and rows floor(y1) to ceil(y2), with `inclusive` the
    last ones too. Its cells are counted before it is cut off at the border.
    """
    height, width = size
    if boxes.shape[1] == 0:
        return boxes.new_zeros(len(boxes), 1, height, width)
    left, columns = _spans(boxes[..., 0] * width, boxes[..., 2] * width, inclusive)  # (N, B)
    top, rows = _spans(boxes[..., 1] * height, boxes[..., 3] * height, inclusive)
    x = torch.arange(width, device=boxes.device)
    y = torch.arange(height, device=boxes.device)
    across = (x >= left[..., None]) & (x < (left + columns)[..., None])  # (N, B, W)
    down = (y >= top[..., None]) & (y < (top + rows)[..., None])  # (N, B, H)
    density = down / (rows * columns)[..., None]  # (N, B, H)
    # (N, B, H, W) -> (N, 1, H, W)
    return (density[..., :, None] * across[..., None, :]).amax(dim=1, keepdim=True)


def background(foreground: Tensor) -> Tensor:
    """(N, 1, H, W): 1 / number of cells outside all boxes, there; 0 inside, or where none is."""
    outside = (foreground == 0).to(foreground.dtype)
    return outside / outside.sum(dim=(2, 3), keepdim=True).clamp(min=1)

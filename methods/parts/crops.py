"""Cut out: boxes of a batch as squares of one size, differentiable in the boxes.

A spatial transformer with bilinear sampling, zeros outside and `align_corners` off, as in the
classifier-to-detector paper. Only the boxes carry a gradient; the images never do.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

from methods.parts.compare import without_autocast


def clamped(boxes: Tensor, size: tuple[int, int]) -> Tensor:
    """(K, 4) boxes x1 y1 x2 y2 inside an image of `size` (height, width)."""
    height, width = size
    limit = boxes.new_tensor((width, height, width, height))
    return boxes.clamp(min=0).minimum(limit)


def cut_out(images: Tensor, image: Tensor, boxes: Tensor, side: int) -> Tensor:
    """(N, 3, H, W), (K,) indices of images, (K, 4) boxes -> (K, 3, side, side).

    Each image is sampled once for all of its boxes, on a grid as long as they are many, so that no
    image is ever copied once per box.
    """
    squares = images.new_zeros((len(boxes), images.shape[1], side, side))
    height, width = images.shape[-2:]
    grid = _grids(boxes.to(images.dtype), (height, width), side)  # (K, side, side, 2)
    for index in range(len(images)):
        mine = (image == index).nonzero().flatten()
        long = grid[mine].reshape(1, -1, side, 2)  # (1, K_i * side, side, 2)
        if not len(mine):
            continue
        sampled = functional.grid_sample(
            images[index : index + 1], long, "bilinear", "zeros", align_corners=False
        )  # (1, 3, K_i * side, side)
        own = sampled[0].unflatten(1, (-1, side)).transpose(0, 1)  # (K_i, 3, side, side)
        squares = squares.index_put((mine,), own)
    return squares


def _grids(boxes: Tensor, size: tuple[int, int], side: int) -> Tensor:
    """Where to sample, in [-1, 1] over the image: the transform A of the paper."""
    height, width = size
    x1, y1, x2, y2 = boxes.unbind(1)
    zero = torch.zeros_like(x1)
    transform = torch.stack(
        (
            torch.stack(((x2 - x1) / width, zero, (x1 + x2) / width - 1), 1),
            torch.stack((zero, (y2 - y1) / height, (y1 + y2) / height - 1), 1),
        ),
        1,
    )  # (K, 2, 3)
    # A product of matrices inside: autocast would leave it 8 bits for a place in the image.
    with without_autocast(boxes):
        return functional.affine_grid(transform, [len(boxes), 1, side, side], align_corners=False)

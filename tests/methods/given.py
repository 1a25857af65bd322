"""Fixed inputs for the methods' tests: small pyramids, boxes, and distillers with known weights."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch

from methods.build import build
from methods.contract import Batch, Context, Distiller, Positives, Pyramid
from methods.settings.resolve import resolve

SIZES = ((6, 9), (3, 5))  # cells of two levels: one image is narrower than the padded batch
STRIDES = (8, 16)
PADDED = (48, 72)
BOXES = (
    torch.tensor([[3.0, 5.0, 30.0, 41.0], [20.0, 8.0, 26.5, 16.0], [40.0, 24.0, 64.0, 48.0]]),
    torch.tensor([[0.0, 0.0, 47.0, 39.0]]),
)
IMAGE_SIZES = ((48, 72), (40, 56))


@dataclass
class Case:
    """One distiller and what it is asked about."""

    distiller: Distiller
    student: Pyramid
    teacher: Pyramid
    batch: Batch
    context: Context

    def losses(self) -> dict[str, torch.Tensor]:
        return self.distiller(self.student, self.teacher, self.batch)

    def cast(self, dtype: torch.dtype) -> Case:
        """The same numbers in another precision."""
        return Case(
            self.distiller.to(dtype),
            tuple(level.detach().to(dtype).requires_grad_() for level in self.student),
            tuple(level.to(dtype) for level in self.teacher),
            self.batch,
            self.context,
        )


def maps(channels: int, seed: int, sizes: tuple[tuple[int, int], ...] = SIZES) -> Pyramid:
    """(2, C, H, W) per level, float64, of either sign, with a few strong cells and channels."""
    random = np.random.default_rng(seed)
    return tuple(
        torch.from_numpy(
            random.normal(size=(2, channels, *size))
            * (1 + random.exponential(size=(2, 1, *size)))
            * (1 + random.exponential(size=(2, channels, 1, 1)))
        )
        for size in sizes
    )


def batch(boxes: tuple[torch.Tensor, ...] = BOXES, seed: int = 7) -> Batch:
    return Batch(
        padded_size=PADDED,
        image_sizes=IMAGE_SIZES,
        boxes=boxes,
        labels=tuple(torch.zeros(len(each), dtype=torch.int64) for each in boxes),
        seed=seed,
        positives=positives(boxes),
    )


def positives(boxes: tuple[torch.Tensor, ...]) -> Positives:
    """As a dense head might match; images without boxes have none. Two share a cell."""
    image = torch.tensor([0, 0, 0, 0, 1])
    level = torch.tensor([0, 0, 0, 1, 1])
    cell = torch.tensor([[1, 2], [1, 2], [5, 8], [2, 4], [0, 3]])
    chosen = torch.tensor([len(each) > 0 for each in boxes])[image]
    count = int(chosen.sum())
    return Positives(
        image=image[chosen],
        ground_truth=torch.zeros(count, dtype=torch.int64),
        logits=torch.zeros(count, 1),
        boxes=torch.zeros(count, 4),
        activation="sigmoid",
        level=level[chosen],
        cell=cell[chosen],
    )


def case(
    row: str,
    family: str = "one-stage",
    *,
    student_channels: int = 4,
    teacher_channels: int = 4,
    seed: int = 0,
    sizes: tuple[tuple[int, int], ...] = SIZES,
    settings: dict | None = None,
) -> Case:
    """`row` in float64 with random weights everywhere, also where training starts from zero."""
    levels = len(sizes)
    context = Context(
        family=family,
        student_channels=(student_channels,) * levels,
        teacher_channels=(teacher_channels,) * levels,
        strides=tuple(8 * 2**level for level in range(levels)),
    )
    (spec,) = resolve(row, family, settings).methods
    torch.manual_seed(seed)
    distiller = build(spec, context).double()
    with torch.no_grad():
        for parameter in distiller.parameters():
            parameter.normal_(std=0.4)
    student = tuple(level.requires_grad_() for level in maps(student_channels, seed + 1, sizes))
    return Case(distiller, student, maps(teacher_channels, seed + 2, sizes), batch(), context)

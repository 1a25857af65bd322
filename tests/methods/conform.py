"""What the conformance tests give to every row: a small pyramid, boxes, and the row's distiller."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cache
from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional

import workflow.compat
from methods.build import build
from methods.contract import Batch, Context, Distiller, Positives, Pyramid
from methods.settings.base import Family, FeatureSettings, MethodSpec
from methods.settings.catalogue import rows
from methods.settings.resolve import resolve, settings_of

workflow.compat.install()  # mmrazor's rows need it

CHANNELS = 4
CLASSES = 3
STRIDES = (8, 16, 32, 64, 128, 256)
PYRAMID = ((6, 8), (3, 4), (2, 2), (1, 1), (1, 1), (1, 1))
ROWS = tuple(rows())
PYRAMIDS = tuple(name for name in ROWS if issubclass(rows()[name][0], FeatureSettings))
"""Rows of methods on pyramids: all but those that look at the student's predictions."""
METHOD_OF = {name: settings.method for name, (settings, _) in rows().items()}
# mmcv's pooling leaves no cell of a map with a side of 1; `test_mmrazor` holds the refusal.
POOLED_BY_MMRAZOR = frozenset(name for name in ROWS if METHOD_OF[name] == "mmrazor-fbkd")
OVERRIDES = {"mmrazor-fbkd": {"levels": (0, 1, 2), "maxpool_strides": (1, 1, 1)}}


@dataclass
class Subject:
    """One row, ready to be asked."""

    row: str
    spec: MethodSpec
    distiller: Distiller
    student: Pyramid
    teacher: Pyramid
    batch: Batch

    def losses(self) -> dict[str, Tensor]:
        return self.distiller(self.student, self.teacher, self.batch)

    def total(self) -> Tensor:
        return total(self.losses())

    def asked(self, **changes: object) -> Subject:
        return replace(self, **changes)


def total(losses: dict[str, Tensor]) -> Tensor:
    return torch.stack(list(losses.values())).sum()


def family_of(row: str) -> Family:
    return rows()[row][1].families[0]


@cache
def spec_of(row: str) -> MethodSpec:
    (spec,) = resolve(row, family_of(row), OVERRIDES.get(METHOD_OF[row], {})).methods
    return spec


def levels_of(spec: MethodSpec) -> tuple[int, ...]:
    """Which maps the row is given: those it names, or the first five."""
    return tuple(spec.settings.get("levels") or range(5))


def _distinct() -> tuple[str, ...]:
    """Rows whose losses are not another's: many differ in their run's options alone."""
    found: dict[str, str] = {}
    for row in ROWS:
        found.setdefault(f"{family_of(row)} {spec_of(row).model_dump_json()}", row)
    return tuple(found.values())


DISTILLERS = _distinct()


def distiller_of(
    row: str,
    seed: int = 0,
    spec: MethodSpec | None = None,
    student_channels: int | None = None,
) -> Distiller:
    spec = spec or spec_of(row)
    levels = levels_of(spec)
    context = Context(
        family=family_of(row),
        student_channels=(student_channels or CHANNELS,) * len(levels),
        teacher_channels=(CHANNELS,) * len(levels),
        strides=tuple(STRIDES[level] for level in levels),
        classes=CLASSES,
        classifier=classifier() if "classifier" in settings_of(spec).requirements() else None,
    )
    torch.manual_seed(seed)
    return build(spec, context).train()


class TinyClassifier(nn.Module):
    """A stem and four stages, as `methods.icd` asks of its teacher."""

    input_size = 16

    def __init__(self) -> None:
        super().__init__()
        widths = (3, 4, 4, 6, 6, 6)
        self.layers = nn.ModuleList(
            nn.Conv2d(before, after, 3, stride=2, padding=1) for before, after in pairwise(widths)
        )
        self.head = nn.Linear(widths[-1], CLASSES)

    def normalised(self, pixels: Tensor) -> Tensor:
        return pixels / 128 - 1

    def stages(self, pixels: Tensor, deepest: int, pooled: bool) -> list[Tensor]:
        found = []
        for layer in self.layers[: deepest + 1]:
            pixels = layer(pixels).relu()
            if pooled and not found:
                pixels = functional.max_pool2d(pixels, 2)
            found.append(pixels)
        return found

    def logits(self, pixels: Tensor) -> Tensor:
        return self.head(self.stages(pixels, 4, pooled=False)[-1].mean((2, 3)))


@cache
def classifier() -> TinyClassifier:
    """One and the same for all: it is no part of a distiller's state."""
    torch.manual_seed(0)
    return TinyClassifier()


def maps(
    row: str,
    seed: int,
    *,
    images: int = 2,
    size: tuple[int, int] | None = None,
) -> Pyramid:
    """A pyramid for the row; with `size` all its levels have that one."""
    generator = torch.Generator().manual_seed(seed)
    sizes = [size or PYRAMID[level] for level in levels_of(spec_of(row))]
    return tuple(torch.randn(images, CHANNELS, *each, generator=generator) for each in sizes)


def batch(
    images: int = 2, boxes: Tensor | None = None, seed: int = 1, padded: tuple[int, int] = (48, 64)
) -> Batch:
    """Boxes inside the first image; the second is smaller than the padded batch."""
    if boxes is None:
        boxes = torch.tensor([[4.0, 6.0, 30.0, 40.0], [20.0, 8.0, 34.0, 24.0]])
    sizes = ((48, 64), (40, 40))[:images]
    return Batch(
        padded_size=padded,
        image_sizes=sizes,
        boxes=(boxes,) * images,
        labels=(torch.arange(len(boxes)) % CLASSES,) * images,
        seed=seed,
        images=torch.randn(images, 3, *padded, generator=torch.Generator().manual_seed(seed)),
        positives=positives(images, boxes),
    )


def positives(images: int, boxes: Tensor) -> Positives:
    """Two matches for every box, predicted close to it."""
    count = 2 * images * len(boxes)
    generator = torch.Generator().manual_seed(0)
    image = torch.arange(images).repeat_interleave(2 * len(boxes))
    box = torch.arange(len(boxes)).repeat(2 * images)
    predicted = boxes[box] + torch.rand(count, 4, generator=generator)
    return Positives(
        image=image,
        ground_truth=box,
        logits=torch.randn(count, CLASSES, generator=generator).requires_grad_(),
        boxes=predicted.requires_grad_(),
        activation="sigmoid",
        level=torch.arange(count) % 5,
        cell=torch.zeros(count, 2, dtype=torch.int64),  # which even the smallest map has
    )


def subject(row: str, seed: int = 0) -> Subject:
    student = tuple(level.requires_grad_() for level in maps(row, 1))
    return Subject(row, spec_of(row), distiller_of(row, seed), student, maps(row, 2), batch())


def leaves(student: Pyramid, given: Batch) -> list[Tensor]:
    """What belongs to the student: its maps, and its predictions."""
    if given.positives is None:
        return list(student)
    return [*student, given.positives.logits, given.positives.boxes]

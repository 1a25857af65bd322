"""The maps of one padded batch, and what a loss on them is timed and counted by."""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from functools import cached_property

import torch
from torch import Tensor, nn

from benchmarks.memory import peak_mib
from methods.build import build
from methods.contract import Batch, Context, Distiller, Pyramid
from methods.settings.resolve import resolve

STRIDES = {"two-stage": (4, 8, 16, 32)}
DEFAULT_STRIDES = (8, 16, 32, 64, 128)
PADDING = 32  # detectors pad their batches to a multiple of this
BOXES = 12  # in each image

Loss = Callable[[], Tensor]


class Work:
    """The maps of one batch, and what is timed on them."""

    def __init__(self, arguments: argparse.Namespace, device: str) -> None:
        self.arguments = arguments
        self.device = torch.device(device)
        self.family = arguments.family
        self.channels = arguments.channels
        self.strides = STRIDES.get(arguments.family, DEFAULT_STRIDES)
        sizes = [side + -side % PADDING for side in arguments.size]
        self.batch = self._batch(arguments.images, (sizes[0], sizes[1]), arguments.size)
        self.student = tuple(
            level.requires_grad_() for level in self._maps(arguments.images, sizes)
        )
        self.teacher = self._maps(arguments.images, sizes)

    @cached_property
    def blank(self) -> Work:
        """The same without values, to count on."""
        return Work(self.arguments, "meta")

    def _maps(self, images: int, sizes: list[int]) -> Pyramid:
        shapes = [[-(-side // stride) for side in sizes] for stride in self.strides]
        return tuple(
            torch.randn(images, self.channels, *shape, device=self.device) for shape in shapes
        )

    def _batch(self, images: int, padded: tuple[int, int], size: tuple[int, int]) -> Batch:
        height, width = size
        limits = torch.tensor([width, height])
        corners = torch.rand(images, BOXES, 2, 2) * limits
        boxes = torch.cat([corners.amin(dim=2), corners.amax(dim=2)], dim=2).to(self.device)
        labels = torch.zeros(BOXES, dtype=torch.int64, device=self.device)
        return Batch(padded, ((height, width),) * images, tuple(boxes), (labels,) * images)

    def distiller(self, row: str) -> tuple[Distiller, Loss]:
        (spec,) = resolve(row, self.family).methods
        levels = [
            level
            for level in spec.settings["levels"] or range(len(self.strides))
            if level < len(self.strides)
        ]
        if spec.settings["levels"] is not None:
            spec = spec.model_copy(update={"settings": {**spec.settings, "levels": levels}})
        widths = (self.channels,) * len(levels)
        context = Context(self.family, widths, widths, tuple(self.strides[i] for i in levels))
        module = build(spec, context).to(self.device)
        student = tuple(self.student[level] for level in levels)
        teacher = tuple(self.teacher[level] for level in levels)
        return module, lambda: torch.stack(
            list(module(student, teacher, self.batch).values())
        ).sum()

    def squared(self) -> Tensor:
        pairs = zip(self.student, self.teacher, strict=True)
        return torch.stack([(one - other).pow(2).mean() for one, other in pairs]).sum()

    def run(self, loss: Loss, parameters: list[nn.Parameter]) -> float:
        """Seconds of one forward and backward."""
        for leaf in (*self.student, *parameters):
            leaf.grad = None
        self._wait()
        start = time.perf_counter()
        forward_and_backward(loss)
        self._wait()
        return time.perf_counter() - start

    def peak_mib(self, loss: Loss, parameters: list[nn.Parameter]) -> float | None:
        """Memory of one forward and backward beyond what was occupied before."""
        for leaf in (*self.student, *parameters):
            leaf.grad = None
        return peak_mib(self.device, lambda: self.run(loss, parameters))

    def _wait(self) -> None:
        if self.device.type == "cuda":
            torch.cuda.synchronize()


def forward_and_backward(loss: Loss) -> None:
    value = loss()
    if value.requires_grad:  # masks alone have nothing to go back to
        value.backward()

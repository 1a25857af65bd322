"""MGD, masked generative distillation (Yang et al., ECCV 2022).

    student -> align -> hide random cells -> generator -> squared error <- teacher

Random cells of the student's map are set to zero and a small generator has to produce the whole
map of the teacher from the rest; hidden and kept cells count alike. Per level, with a fresh mask
for every image, level and iteration:

    L = alpha / N * sum over n, c, i, j of (G(M * align(S)) - T)^2

Follows the released code.
Deviates from the paper: draws its masks by hashing, not from torch's CPU generator.
Not known from the paper: whether it divides by N (the code does).
"""

from __future__ import annotations

import torch
from torch import Tensor

from methods.contract import Batch, Context, Distiller, Pyramid
from methods.parts.align import align_levels
from methods.parts.compare import squared
from methods.parts.generate import generators
from methods.parts.masks import random_mask
from methods.parts.reference import map_scale
from methods.settings.mgd import MGDSettings


class MGD(Distiller):
    """Masked generation with random masks; `mask` and `rebuild` are what its successors change."""

    def __init__(self, settings: MGDSettings, context: Context) -> None:
        super().__init__()
        self.settings = settings
        self.strides = context.strides
        self.align = align_levels(context)
        self.generate = generators(
            context.teacher_channels, settings.generator, settings.shared_generator
        )

    def mask(self, level: int, student: Tensor, teacher: Tensor, batch: Batch) -> Tensor:
        """(N, 1, H, W) of the aligned student's map: 1 kept, 0 hidden."""
        return random_mask(student, self.settings.masked, batch.seed, stream=level)

    def rebuild(self, level: int, student: Tensor, teacher: Tensor, mask: Tensor) -> Tensor:
        """The teacher's map as the student's generator makes it, (N, C, H, W)."""
        return self.generate[level](student * mask)

    def forward(self, student: Pyramid, teacher: Pyramid, batch: Batch) -> dict[str, Tensor]:
        self.measures = {}
        errors = []
        for level, (map_s, map_t) in enumerate(zip(student, teacher, strict=True)):
            aligned = self.align[level](map_s)
            mask = self.mask(level, aligned, map_t, batch)
            rebuilt = self.rebuild(level, aligned, map_t, mask)
            errors.append(self._scale(level, map_t) * squared(rebuilt, map_t, "sum"))
            self.measures[f"hidden.{level}"] = 1 - mask.float().mean()
        return {"rebuild": torch.stack(errors).sum() * (self.settings.alpha * self.settings.weight)}

    def _scale(self, level: int, teacher: Tensor) -> float:
        if self.settings.normalise == "paper":
            return 1.0
        return map_scale(teacher, self.strides[level])

    def explain(self, student: Pyramid, teacher: Pyramid, batch: Batch) -> dict[str, Pyramid]:
        return {
            "mask": tuple(
                self.mask(level, self.align[level](map_s), map_t, batch)
                for level, (map_s, map_t) in enumerate(zip(student, teacher, strict=True))
            )
        }


def build(settings: MGDSettings, context: Context) -> MGD:
    return MGD(settings, context)

"""Dual mask: a stand-in built from AMD's parts, not the method of any paper.

    student -> align -+-> hide cells    -> generator -> * a -+
                      |                                      + -> squared error <- teacher
                      +-> hide channels -> generator -> * b -+

Two branches rebuild the teacher's map, one with the strong cells hidden, one with the strong
channels; strong is where the teacher's attention reaches a threshold. Two scalars, shared by all
levels and learned, weigh them. Per level:

    L = alpha / N * sum over n, c, i, j of (a Gs(Ms * align(S)) + b Gc(Mc * align(S)) - T)^2

Not known from the paper: of dual-masking distillation (DMKD) only the abstract was available. It
states spatial and channel attention, two masking branches and self-adjusting fusion; the rest is
an assumption here. Report it under its own name.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from methods.contract import Batch, Context, Distiller, Pyramid
from methods.parts.align import align_levels
from methods.parts.attention import attend, strengths
from methods.parts.compare import squared
from methods.parts.generate import generators
from methods.parts.masks import count_reaching, count_share, hide_first, uniform
from methods.parts.reference import map_scale
from methods.settings.dual_mask import DualMaskSettings


class DualMask(Distiller):
    def __init__(self, settings: DualMaskSettings, context: Context) -> None:
        super().__init__()
        self.settings = settings
        self.strides = context.strides
        self.align = align_levels(context)
        names = ("cells", "channels") if settings.branches == "both" else (settings.branches,)
        self.generate = nn.ModuleDict(
            {name: generators(context.teacher_channels) for name in names}
        )
        shares = torch.full((len(names),), 1 / len(names))
        if len(names) == 2 and settings.fusion == "learned":
            self.fusion = nn.Parameter(shares)
        else:
            self.register_buffer("fusion", shares)

    @torch.no_grad()
    def masks(self, level: int, teacher: Tensor, batch: Batch) -> dict[str, Tensor]:
        """Of each branch: (N, 1, H, W) over cells, (N, C, 1, 1) over channels."""
        switches = self.settings
        thresholds = {"cells": switches.theta_cells, "channels": switches.theta_channels}
        found = {}
        for stream, (name, strength) in enumerate(zip(thresholds, strengths(teacher), strict=True)):
            if name not in self.generate:
                continue
            order = -attend(strength, switches.tau)
            if switches.threshold == "absolute":
                count = count_reaching(-order, thresholds[name])
            else:
                count = count_share(order, switches.quantile)
            if switches.mask == "random-matched":
                shape = tuple(order.shape)
                order = uniform(shape, batch.seed, 2 * level + stream, order.device)
            found[name] = hide_first(order, count).to(teacher.dtype)
        return found

    def forward(self, student: Pyramid, teacher: Pyramid, batch: Batch) -> dict[str, Tensor]:
        self.measures = {}
        errors = []
        for level, (map_s, map_t) in enumerate(zip(student, teacher, strict=True)):
            aligned = self.align[level](map_s)
            rebuilt = []
            for branch, (name, mask) in enumerate(self.masks(level, map_t, batch).items()):
                rebuilt.append(self.fusion[branch] * self.generate[name][level](aligned * mask))
                self.measures[f"hidden.{name}.{level}"] = 1 - mask.float().mean()
            scale = 1.0
            if self.settings.normalise == "reference":
                scale = map_scale(map_t, self.strides[level])
            errors.append(scale * squared(sum(rebuilt[1:], rebuilt[0]), map_t, "sum"))
        return {"rebuild": torch.stack(errors).sum() * (self.settings.alpha * self.settings.weight)}

    def explain(self, student: Pyramid, teacher: Pyramid, batch: Batch) -> dict[str, Pyramid]:
        levels = [self.masks(level, map_t, batch) for level, map_t in enumerate(teacher)]
        names = {"cells": "mask", "channels": "channel_mask"}
        return {names[name]: tuple(level[name] for level in levels) for name in levels[0]}


def build(settings: DualMaskSettings, context: Context) -> DualMask:
    return DualMask(settings, context)

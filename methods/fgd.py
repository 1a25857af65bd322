"""FGD, focal and global knowledge distillation (Yang et al., CVPR 2022).

    student -> align -+-> squared error -> * box scale * teacher's attention -> sum  (focal)
                      +-> attention of cells and channels -> L1              -> sum  (focal)
                      +-> context block -> squared error                     -> sum  (global)
    teacher --------------^ (with a context block of its own, which is trained too)

Per level, with attention A over cells and channels as in `methods.parts.attention`:

    fg = 1 / cells of the smallest box over a cell        bg = 1 / cells outside all boxes
    L_fg = sum of fg * A_cells(T) * A_channels(T) * (T - align(S))^2          L_bg alike
    L_at = sum |A_channels(S) - A_channels(T)| + sum |A_cells(S) - A_cells(T)|
    L_context = sum of (R_s(align(S)) - R_t(T))^2
    L = (alpha L_fg + beta L_bg + gamma L_at + lambda L_context) / N

Follows the released code, with its stretched boxes, inclusive ends and attention weights.
Deviates from the paper: the code's gamma (`fgd-paper` has the paper's); the division by N and one
more row and column in a box's area are the code's (`fgd-strict-boxes` drops the latter).
Not known from the paper: whether its area and relation ablations inherit, and what they kept of the
other terms. Here they do not inherit, as its other ablations; the area rows have neither attention
nor context loss; `fgd-area-unsplit` gives all cells one weight; the non-local block has half the
channels and no pooling. One kind of attention only (`fgd-focal-spatial`) is taken to concern the
attention loss as well.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from methods.contract import Batch, Context, Distiller, Pyramid
from methods.parts.align import align_levels
from methods.parts.attention import attend, strengths
from methods.parts.boxes import background, relative_boxes, smallest_box
from methods.parts.compare import full_precision, squared
from methods.parts.reference import cells_scale, channels_scale
from methods.parts.relate import GlobalContext, NonLocal
from methods.parts.streams import weighted_squares
from methods.settings.fgd import FGDSettings


class FGD(Distiller):
    def __init__(self, settings: FGDSettings, context: Context) -> None:
        super().__init__()
        self.settings = settings
        self.strides = context.strides
        self.align = align_levels(context)
        self.student_context = self._relations(context)
        self.teacher_context = self._relations(context)

    def _relations(self, context: Context) -> nn.ModuleList:
        """One block per level; none where the global term is off, so that all have gradients."""
        channels = context.teacher_channels if self.settings.context else ()
        if self.settings.relation == "global-context":
            return nn.ModuleList(GlobalContext(width) for width in channels)
        return nn.ModuleList(NonLocal(width, max(1, width // 2), pool=1) for width in channels)

    def forward(self, student: Pyramid, teacher: Pyramid, batch: Batch) -> dict[str, Tensor]:
        boxes = relative_boxes(batch, self.settings.stretch_boxes)
        total: dict[str, Tensor] = {}
        for level, (map_s, map_t) in enumerate(zip(student, teacher, strict=True)):
            aligned = self.align[level](map_s)
            for name, term in self._level(level, aligned, map_t, boxes).items():
                total[name] = total.get(name, 0.0) + term
        return {name: term * self._weight(name) for name, term in total.items()}

    def _weight(self, name: str) -> float:
        switches = self.settings
        if name == "whole":
            return (switches.foreground + switches.background) / 2 * switches.weight
        return getattr(switches, name) * switches.weight

    def _level(
        self, level: int, student: Tensor, teacher: Tensor, boxes: Tensor
    ) -> dict[str, Tensor]:
        """Unweighted terms of one level, divided by the number of images."""
        images, switches = len(teacher), self.settings
        by_cells = by_channels = 1.0
        if switches.normalise == "reference":
            by_cells, by_channels = (
                cells_scale(teacher, self.strides[level]),
                channels_scale(teacher),
            )
        with torch.no_grad():
            cells, channels = self._attention(teacher)
            scales = self.areas(boxes, cells)
        # What every cell weighs in each sum of squares, the context term's plain one among them.
        weights = {name: scale * cells for name, scale in scales.items()}
        shifted = bool(switches.context) and switches.relation == "global-context"
        if shifted:
            weights["context"] = torch.ones_like(cells)
        terms: dict[str, Tensor] = {}
        if weights:
            stacked = torch.cat(list(weights.values()), dim=1)  # (N, K, H, W)
            sums = weighted_squares(full_precision(student), full_precision(teacher), stacked)
            terms = dict(zip(weights, sums.split(1, dim=2), strict=True))  # (N, C, 1) each
        for name in scales:
            terms[name] = (terms[name] * channels[..., 0]).sum() * (by_channels / images)
        if switches.attention:
            cells_s, channels_s = self._attention(student)
            over_cells = (cells_s - cells).abs().sum() * by_cells
            over_channels = (channels_s - channels).abs().sum() * by_channels
            terms["attention"] = (over_cells + over_channels) / images
        if shifted:
            terms["context"] = self._shifted(level, student, teacher, terms["context"]) / images
        elif switches.context:
            related_s = self.student_context[level](student)
            related_t = self.teacher_context[level](teacher)
            terms["context"] = squared(related_s, related_t, "sum")
        if switches.context:
            terms["context"] = terms["context"] * (by_cells * by_channels)
        return terms

    def _shifted(self, level: int, student: Tensor, teacher: Tensor, squares: Tensor) -> Tensor:
        """sum (R_s(S) - R_t(T))^2, from each channel's sum of (S - T)^2, (N, C, 1).

        The blocks add one vector to all cells, so the difference is D = S - T shifted by k, and
        over P cells sum (D + k)^2 = sum D^2 - P mean(D)^2 + P (mean(D) + k)^2: no more maps.
        """
        added_s, mean_s = self.student_context[level].added_and_mean(student)
        added_t, mean_t = self.teacher_context[level].added_and_mean(teacher)
        shift, mean = full_precision(added_s) - full_precision(added_t), mean_s - mean_t
        cells = student.shape[2] * student.shape[3]
        spread = squares[..., None] - cells * mean.square()
        return (spread + cells * (mean + shift).square()).sum()

    def _attention(self, maps: Tensor) -> tuple[Tensor, Tensor]:
        """(N, 1, H, W) and (N, C, 1, 1); 1 everywhere for the kind that is switched off."""
        cells, channels = (attend(each, self.settings.tau) for each in strengths(maps))
        if self.settings.weigh not in ("both", "cells"):
            cells = torch.ones_like(cells)
        if self.settings.weigh not in ("both", "channels"):
            channels = torch.ones_like(channels)
        return cells, channels

    def areas(self, boxes: Tensor, like: Tensor) -> dict[str, Tensor]:
        """Weight of every cell in each area that is imitated, (N, 1, H, W) each."""
        switches = self.settings
        size = (like.shape[2], like.shape[3])
        if not switches.split:
            return {"whole": torch.full_like(like, 1 / (size[0] * size[1]))}
        inside = smallest_box(boxes, size, switches.inclusive_boxes)
        both = {"foreground": inside, "background": background(inside)}
        return {name: scale for name, scale in both.items() if getattr(switches, name)}

    def explain(self, student: Pyramid, teacher: Pyramid, batch: Batch) -> dict[str, Pyramid]:
        """`weight`: of a cell in the imitation, its mean over the cells set to 1."""
        boxes = relative_boxes(batch, self.settings.stretch_boxes)
        attention, weights = [], []
        for map_t in teacher:
            cells, _ = self._attention(map_t)
            attention.append(cells)
            scales = self.areas(boxes, cells)
            weight = sum(
                (self._weight(name) * scale * cells for name, scale in scales.items()),
                torch.zeros_like(cells),
            )
            mean = weight.mean(dim=(2, 3), keepdim=True)
            weights.append(weight / mean.clamp(min=torch.finfo(mean.dtype).tiny))
        return {"weight": tuple(weights), "attention": tuple(attention)}


def build(settings: FGDSettings, context: Context) -> FGD:
    return FGD(settings, context)

"""Structural distillation with SSIM (de Rijk et al., NeurIPS 2022).

    student -> 1x1 convolution -> [0, 1] -> SSIM in Gaussian windows <- [0, 1] <- teacher

    L = lambda * sum over levels of mean over n, c, i, j of clamp((1 - l c s) / 2, 0, 1)

with luminance l, contrast c and structure s of the local moments of each channel. There are no
masks, no boxes, no attention.

Deviates from the paper: maps with a side below half a window plus one cannot be reflected and are
replicated at their border; `measures` says which levels were.
Not known from the paper: what shares one minimum and maximum, and whether the gradient runs through
them (kornia's rescaling is taken: per image and channel, with gradient; `ssim-psi-*`); the
initial weights of the 1x1 convolution; padding of the windows (kornia's reflection); which
detector lambda 2 or 4 belongs to.
"""

from __future__ import annotations

from torch import Tensor

from methods.contract import Batch, Context, Distiller, Pyramid
from methods.parts.align import align_levels
from methods.parts.compare import min_max
from methods.parts.compare_structure import Window, dissimilarity, dissimilarity_map
from methods.settings.ssim import SSIMSettings


class SSIM(Distiller):
    def __init__(self, settings: SSIMSettings, context: Context) -> None:
        super().__init__()
        self.settings = settings
        self.window = Window(settings.window, settings.sigma, settings.padding)
        self.align = align_levels(context, always=settings.adapter)

    def compared(self, level: int, student: Tensor, teacher: Tensor) -> tuple[Tensor, Tensor]:
        """What the distance sees of both maps, (N, C, H, W)."""
        student, settings = self.align[level](student), self.settings
        if settings.rescale == "none":
            return student, teacher
        rescaled = min_max(student, settings.rescale, detach=settings.detach_rescale)
        return rescaled, min_max(teacher, settings.rescale)

    def forward(self, student: Pyramid, teacher: Pyramid, batch: Batch) -> dict[str, Tensor]:
        self.measures = {}
        total: Tensor | float = 0.0
        for level, (map_s, map_t) in enumerate(zip(student, teacher, strict=True)):
            one, other = self.compared(level, map_s, map_t)
            total = total + dissimilarity(one, other, self.window, self.settings.factors)
            padding = self.window.padding_for(*map_s.shape[2:])
            self.measures[f"replicated.{level}"] = one.new_full(
                (), float(padding != self.window.padding)
            )
        return {"structure": total * (self.settings.loss_weight * self.settings.weight)}

    def explain(self, student: Pyramid, teacher: Pyramid, batch: Batch) -> dict[str, Pyramid]:
        errors = []
        for level, (map_s, map_t) in enumerate(zip(student, teacher, strict=True)):
            one, other = self.compared(level, map_s, map_t)
            error = dissimilarity_map(one, other, self.window, self.settings.factors)
            errors.append(error.mean(dim=1, keepdim=True))
        return {"error": tuple(errors)}


def build(settings: SSIMSettings, context: Context) -> SSIM:
    return SSIM(settings, context)

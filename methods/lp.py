"""L1 and L2, the element-wise references (de Rijk et al., NeurIPS 2022).

    student -> 1x1 convolution -> [0, 1] -> |difference| or its square <- [0, 1] <- teacher

    L = lambda * sum over levels of mean over n, c, i, j of d(psi(phi(S)), psi(T))

phi is a 1x1 convolution and psi the min-max rescaling of SSIM's pipeline. `l2-sum` compares the
maps as they are and sums, as MGD does: it is MGD without mask and generator.

Deviates from the paper: nothing known.
Not known from the paper: lambda; whether phi and psi apply to these references (`l1-raw`,
`l2-raw`, `l1-noadapter`, `l2-noadapter`); what shares one minimum and maximum.
"""

from __future__ import annotations

from torch import Tensor

from methods.contract import Batch, Context, Distiller, Pyramid
from methods.parts.align import align_levels
from methods.parts.compare import absolute, full_precision, min_max, squared
from methods.parts.reference import map_scale
from methods.settings.lp import L1Settings, LpSettings


class Lp(Distiller):
    def __init__(self, settings: LpSettings, context: Context) -> None:
        super().__init__()
        self.settings = settings
        self.strides = context.strides
        self.distance = absolute if isinstance(settings, L1Settings) else squared
        self.align = align_levels(context, always=settings.adapter)

    def compared(self, level: int, student: Tensor, teacher: Tensor) -> tuple[Tensor, Tensor]:
        """What the distance sees of both maps, (N, C, H, W)."""
        student = self.align[level](student)
        if self.settings.rescale == "none":
            return student, teacher
        return min_max(student, self.settings.rescale), min_max(teacher, self.settings.rescale)

    def forward(self, student: Pyramid, teacher: Pyramid, batch: Batch) -> dict[str, Tensor]:
        settings = self.settings
        total: Tensor | float = 0.0
        for level, (map_s, map_t) in enumerate(zip(student, teacher, strict=True)):
            distance = self.distance(*self.compared(level, map_s, map_t), settings.reduction)
            if settings.reduction == "sum" and settings.normalise == "reference":
                distance = distance * map_scale(map_t, self.strides[level])
            total = total + distance
        return {"features": total * (settings.loss_weight * settings.weight)}

    def explain(self, student: Pyramid, teacher: Pyramid, batch: Batch) -> dict[str, Pyramid]:
        errors = []
        for level, (map_s, map_t) in enumerate(zip(student, teacher, strict=True)):
            one, other = self.compared(level, map_s, map_t)
            difference = (full_precision(one) - full_precision(other)).abs()
            if self.distance is squared:
                difference = difference.square()
            errors.append(difference.mean(dim=1, keepdim=True))
        return {"error": tuple(errors)}


def build(settings: LpSettings, context: Context) -> Lp:
    return Lp(settings, context)

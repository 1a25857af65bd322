"""CWD, channel-wise distillation (Shu et al., ICCV 2021).

    student -> softmax over the cells of each channel -> KL <- the same of the teacher

    L = w * tau^2 / (N C) * sum over n, c, i, j of p (log p - log q),  p = softmax(T / tau)

and q is the student's. Each channel is a distribution over its cells, so nothing is divided by
their number, but the cells of the padding take part. The authors' detection code keeps only
-p log q (`cwd-ce`): another value, the same gradient.

Follows the released code.
Deviates from the paper: a student with another number of channels gets a 1x1 convolution, which
the released code has as an option.
Not known from the paper: temperature and weight for detection (the code's are taken).
"""

from __future__ import annotations

from torch import Tensor

from methods.contract import Batch, Context, Distiller, Pyramid
from methods.parts.align import align_levels
from methods.parts.compare import channel_divergence
from methods.settings.cwd import CWDSettings


class CWD(Distiller):
    def __init__(self, settings: CWDSettings, context: Context) -> None:
        super().__init__()
        self.settings = settings
        self.align = align_levels(context)

    def forward(self, student: Pyramid, teacher: Pyramid, batch: Batch) -> dict[str, Tensor]:
        settings = self.settings
        total: Tensor | float = 0.0
        for level, (map_s, map_t) in enumerate(zip(student, teacher, strict=True)):
            aligned = self.align[level](map_s)
            total = total + channel_divergence(
                aligned, map_t, settings.temperature, settings.distance
            )
        return {"divergence": total * (settings.loss_weight * settings.weight)}


def build(settings: CWDSettings, context: Context) -> CWD:
    return CWD(settings, context)

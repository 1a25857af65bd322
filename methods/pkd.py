"""PKD, distillation by Pearson correlation (Cao et al., NeurIPS 2022).

    student -> resize where sizes differ -> standardise -> squared error <- standardise <- teacher

Per level and channel, both maps are standardised over all images and cells of the batch:

    z = (F - mean) / (deviation + 1e-6)      L = w / 2 * mean over n, c, i, j of (z_S - z_T)^2

which is 1 - Pearson's correlation, averaged over the channels. Nothing is learned. The gradient
runs through the student's mean and deviation.

Follows the released code.
Deviates from the paper: maps of unequal width are resized too, where the released code looks at
the height only; a student with another number of channels gets a 1x1 convolution.
Not known from the paper: w for pairs that the code does not show (6 for two-stage, 10 for others).
That rule misses one that it shows: a Mask R-CNN with Swin-S teaches a RetinaNet at 6 (`pkd-w-6`).
"""

from __future__ import annotations

from torch import Tensor

from methods.contract import Batch, Context, Distiller, Pyramid
from methods.parts.align import align_levels, resize_to
from methods.parts.compare import correlation
from methods.settings.pkd import PKDSettings


class PKD(Distiller):
    def __init__(self, settings: PKDSettings, context: Context) -> None:
        super().__init__()
        if settings.pairing == "stride" and len(set(context.teacher_channels)) > 1:
            raise ValueError(
                "pkd: pairing by stride needs a teacher with one width on all levels, "
                f"found {context.teacher_channels}"
            )
        self.settings = settings
        self.align = align_levels(context)

    def forward(self, student: Pyramid, teacher: Pyramid, batch: Batch) -> dict[str, Tensor]:
        settings = self.settings
        total: Tensor | float = 0.0
        for level, other in self._pairs(student, teacher):
            aligned = self.align[level](student[level])
            total = total + correlation(
                resize_to(aligned, teacher[other]),
                teacher[other],
                per_image=settings.statistics == "image",
                detach_statistics=settings.detach_statistics,
            )
        return {"correlation": total * (settings.loss_weight * settings.weight)}

    def _pairs(self, student: Pyramid, teacher: Pyramid) -> list[tuple[int, int]]:
        """Indices of levels that are compared. Maps of one stride have one size."""
        if self.settings.pairing == "index":
            return [(level, level) for level in range(len(student))]
        sizes_s, sizes_t = ([tuple(maps.shape[2:]) for maps in each] for each in (student, teacher))
        pairs = [
            (level, sizes_t.index(size)) for level, size in enumerate(sizes_s) if size in sizes_t
        ]
        if not pairs:
            raise ValueError(f"pkd: no two maps of one stride in {sizes_s} and {sizes_t}")
        return pairs


def build(settings: PKDSettings, context: Context) -> PKD:
    return PKD(settings, context)

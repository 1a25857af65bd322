"""FitNet hint: plain regression of the teacher's maps (after Romero et al., ICLR 2015).

    student -> squared error, averaged over the cells that count <- teacher

    L = w * sum over levels of mean over the counted cells and all channels of (S - T)^2

All cells count; in the masked relatives only those inside ground-truth boxes (`fitnet-gtbox`),
those with an anchor that the student's assigner matched (`fitnet-main`) or those of FGFI's mask
(`fitnet-fgfi-mask`), over all images of the batch; 0 where no cell does.

Follows the released code of Localization Distillation, which has the detection setting.
Deviates from the paper: FitNets regressed one hidden layer in a first stage of training.
Not known from the paper: w for other detectors than GFL; the adapter where widths differ (a 1x1
convolution); which anchors FGFI's mask took (`AnchorSettings`).
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from methods.contract import Batch, Context, Distiller, Positives, Pyramid
from methods.fgfi import anchor_masks
from methods.parts.align import align_levels
from methods.parts.boxes import relative_boxes, smallest_box
from methods.parts.compare import full_precision, squared
from methods.settings.fitnet import FitNetSettings


class FitNet(Distiller):
    def __init__(self, settings: FitNetSettings, context: Context) -> None:
        super().__init__()
        self.settings = settings
        self.strides = context.strides
        self.align = align_levels(context, always=settings.adapter)

    def masks(self, teacher: Pyramid, batch: Batch) -> tuple[Tensor, ...] | None:
        """Per level (N, 1, H, W), true where the cell counts; None where all do."""
        if self.settings.region == "all":
            return None
        if self.settings.region == "near-anchors":
            return anchor_masks(self.settings, teacher, self.strides, batch)
        if self.settings.region == "positives":
            return positive_masks(batch.positives, teacher, self.settings.levels)
        boxes = relative_boxes(batch, stretch=False)
        sizes = [(maps.shape[2], maps.shape[3]) for maps in teacher]
        return tuple(smallest_box(boxes, size, inclusive=False) > 0 for size in sizes)

    def forward(self, student: Pyramid, teacher: Pyramid, batch: Batch) -> dict[str, Tensor]:
        self.measures = {}
        masks = self.masks(teacher, batch)
        total: Tensor | float = 0.0
        for level, (map_s, map_t) in enumerate(zip(student, teacher, strict=True)):
            aligned = self.align[level](map_s)
            if masks is None:
                total = total + squared(aligned, map_t)
            else:
                error = (full_precision(aligned) - full_precision(map_t)).square() * masks[level]
                terms = masks[level].sum().clamp(min=1) * map_t.shape[1]
                total = total + error.sum() / terms
                self.measures[f"selected.{level}"] = masks[level].float().mean()
        return {"features": total * (self.settings.loss_weight * self.settings.weight)}

    def explain(self, student: Pyramid, teacher: Pyramid, batch: Batch) -> dict[str, Pyramid]:
        if self.settings.region == "positives" and batch.positives is None:
            return {}  # nothing is matched where nothing is trained
        masks = self.masks(teacher, batch)
        if masks is None:
            return {}
        pairs = zip(masks, teacher, strict=True)
        return {"mask": tuple(mask.to(map_t.dtype) for mask, map_t in pairs)}


def positive_masks(
    positives: Positives | None, pyramid: Pyramid, levels: Sequence[int] | None
) -> tuple[Tensor, ...]:
    """Per level (N, 1, H, W), true where a prediction was matched, however many share the cell.

    `levels` are the maps' indices among the head's levels; None where they are all of them.
    """
    if positives is None or positives.level is None or positives.cell is None:
        raise ValueError("`fitnet` needs to know in which cells the student's positives lie")
    row, column = positives.cell.unbind(1)
    masks = []
    for level, maps in zip(levels or range(len(pyramid)), pyramid, strict=True):
        count, _, height, width = maps.shape
        index = (positives.image * height + row) * width + column  # (K,)
        # Those of other levels meet in one cell too many, which is then cut off: choosing them
        # by a condition would have to wait for the device.
        index = index.where(positives.level == level, count * height * width)
        flat = torch.zeros(count * height * width + 1, dtype=torch.bool, device=maps.device)
        masks.append(flat.index_fill(0, index, True)[:-1].view(count, 1, height, width))
    return tuple(masks)


def build(settings: FitNetSettings, context: Context) -> FitNet:
    return FitNet(settings, context)

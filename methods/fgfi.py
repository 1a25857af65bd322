"""FGFI, fine-grained feature imitation (Wang et al., CVPR 2019).

    student -> 3x3 convolution -> squared error where anchors lie near a box <- teacher

A cell counts if one of its anchors overlaps a ground-truth box by more than psi times the best
overlap that any anchor has with that box. With N_p such cells in the batch, all levels together:

    L = lambda / (2 N_p) * sum over these cells and all channels of (T - phi(S))^2

and 0 where no cell counts. For detectors without anchors the detector's reference boxes are taken:
one square per cell, of the size of RepPoints' initial points.

Deviates from the paper: written for feature pyramids, where the release has one map; so the
adapter has no ReLU, as a pyramid's maps have negative values that it could never make
(`fgfi-relu` has it). Imitation starts at once, where the release waits for 400 iterations.
Not known from the paper: everything about pyramids: best overlap over all levels or each
(`fgfi-perlevel`), lambda (`fgfi-lambda-*`). Cells of the padding are left out.
"""

from __future__ import annotations

from torch import Tensor, nn

from methods.contract import Batch, Context, Distiller, Pyramid
from methods.parts.align import align
from methods.parts.anchors import AnchorDesign, near_anchors
from methods.parts.compare import full_precision
from methods.parts.reference import channels_scale
from methods.settings.fgfi import AnchorSettings, FGFISettings

INITIAL_DEVIATION = 1e-4  # of the released adapter's weights


def anchor_masks(
    settings: AnchorSettings, teacher: Pyramid, strides: tuple[int, ...], batch: Batch
) -> tuple[Tensor, ...]:
    """Per level (N, 1, H, W), true where the cell is imitated."""
    return near_anchors(
        batch,
        [(maps.shape[2], maps.shape[3]) for maps in teacher],
        strides,
        AnchorDesign(settings.anchor_scales, settings.anchor_ratios),
        settings.anchor_share,
        per_level=settings.anchor_extent == "per-level",
    )


class FGFI(Distiller):
    def __init__(self, settings: FGFISettings, context: Context) -> None:
        super().__init__()
        self.settings = settings
        self.strides = context.strides
        widths = zip(context.student_channels, context.teacher_channels, strict=True)
        self.align = nn.ModuleList(_adapter(settings, *each) for each in widths)

    def forward(self, student: Pyramid, teacher: Pyramid, batch: Batch) -> dict[str, Tensor]:
        self.measures = {}
        settings = self.settings
        sums, counts = [], []
        masks = anchor_masks(settings, teacher, self.strides, batch)
        for level, (map_s, map_t, mask) in enumerate(zip(student, teacher, masks, strict=True)):
            aligned = full_precision(self.align[level](map_s))
            error = (full_precision(map_t) - aligned).square() * mask
            scale = 1.0 if settings.normalise == "paper" else channels_scale(map_t)
            sums.append(error.sum() * scale)
            counts.append(mask.sum())
            self.measures[f"selected.{level}"] = mask.float().mean()
        if settings.anchor_extent == "per-level":
            pairs = zip(sums, counts, strict=True)
            total = sum(error / (2 * count.clamp(min=1)) for error, count in pairs)
        else:
            total = sum(sums) / (2 * sum(counts).clamp(min=1))
        return {"features": total * (settings.loss_weight * settings.weight)}

    def explain(self, student: Pyramid, teacher: Pyramid, batch: Batch) -> dict[str, Pyramid]:
        masks = anchor_masks(self.settings, teacher, self.strides, batch)
        pairs = zip(masks, teacher, strict=True)
        return {"mask": tuple(mask.to(map_t.dtype) for mask, map_t in pairs)}


def _adapter(settings: FGFISettings, student: int, teacher: int) -> nn.Module:
    if settings.adapter == "none":
        return align(student, teacher)
    convolution = nn.Conv2d(student, teacher, 3, padding=1)
    nn.init.trunc_normal_(convolution.weight, std=INITIAL_DEVIATION)
    nn.init.zeros_(convolution.bias)
    return nn.Sequential(convolution, nn.ReLU()) if "relu" in settings.adapter else convolution


def build(settings: FGFISettings, context: Context) -> FGFI:
    return FGFI(settings, context)

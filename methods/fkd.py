"""FKD, attention-guided and non-local distillation (Zhang and Ma, ICLR 2021).

    student -> 1x1 -------------------> masked by both attentions -> norm <- teacher     features
    student -> mean over cells -> linear ---------------------> norm <- mean     channel transfer
    student -> mean over channels -> 3x3 convolution ---------> norm <- mean     spatial transfer
    student -> non-local block -> 1x1 ------------------------> norm <- non-local block  relation

Per level, with || || the Euclidean norm over all elements of a device's two images, and the
attentions of both networks averaged and held constant in the mask:

    L = w_f || sqrt(M^s M^c) (T - phi(S)) || + w_c || mean_ij T - W mean_ij S ||
      + w_s || mean_c T - K mean_c S || + w_n || psi(NL^S(S)) - NL^T(T) ||

Follows the released code; two-stage detectors use M^s only. NL^T is trained with the rest.
Deviates from the paper: weights and temperatures, where alpha and beta and the two temperatures
are swapped in print; the mask is a mean of two softmaxes, not a softmax of the sum; signed means
through adapters are transferred, not means of magnitudes; the non-local block pools its keys. As
printed: `fkd-paper`.
Where a device holds more images than the two that the release was made for, norms are taken of two
at a time and averaged: the same mean over eight devices, whatever their number.
Not known from the paper: its inner widths and pooling, batch normalisation across devices (this
device's images here), what to do with maps smaller than the pooling (pooled by their side) and
with students of another width (a 1x1 convolution before everything).
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from methods.contract import Batch, Context, Distiller, Pyramid
from methods.parts.align import align
from methods.parts.attention import attend, strengths
from methods.parts.compare import root_sum_squares
from methods.parts.reference import cells_scale, channels_scale, map_scale
from methods.parts.relate import NonLocal
from methods.settings.fkd import FKDSettings

REFERENCE_IMAGES = 2  # on each device, where the weights of these norms were chosen


class FKDLevel(nn.Module):
    """All that one level learns, and its four differences."""

    def __init__(self, settings: FKDSettings, level: int, student: int, teacher: int) -> None:
        super().__init__()
        self.settings = settings
        self.align = align(student, teacher)
        if settings.features_weight:
            self.features = nn.Conv2d(teacher, teacher, 1)
        if settings.channel_transfer_weight and settings.transfer == "signed":
            self.channels = nn.Linear(teacher, teacher)
        if settings.spatial_transfer_weight and settings.transfer == "signed":
            self.cells = nn.Conv2d(1, 1, 3, padding=1)
        if settings.relation_weight:
            inner = max(1, teacher // _at(settings.relation_reductions, level))
            pool = _at(settings.relation_pools, level)
            deviation = settings.relation_deviation
            self.relation_s = NonLocal(teacher, inner, pool, deviation)
            self.relation_t = NonLocal(teacher, inner, pool, deviation)
            self.relation_t.requires_grad_(not settings.detach_teacher_relation)
            self.relation = nn.Conv2d(teacher, teacher, 1)

    def forward(self, student: Tensor, teacher: Tensor) -> dict[str, Tensor]:
        """Name -> what the norm is taken of."""
        student, settings, found = self.align(student), self.settings, {}
        if settings.features_weight:
            difference = teacher - self.features(student)
            for mask in self.masks(student, teacher).values():
                difference = difference * mask.sqrt()
            found["features"] = difference
        if settings.channel_transfer_weight:
            found["channel_transfer"] = self._channel_transfer(student, teacher)
        if settings.spatial_transfer_weight:
            found["spatial_transfer"] = self._spatial_transfer(student, teacher)
        if settings.relation_weight:
            answer = self.relation(self.relation_s(student))
            found["relation"] = answer - self.relation_t(teacher)
        return found

    @torch.no_grad()
    def masks(self, student: Tensor, teacher: Tensor) -> dict[str, Tensor]:
        """Those in use: (N, 1, H, W) over cells and (N, C, 1, 1) over channels, each of mean 1."""
        cells, channels = map(self._join, strengths(student), strengths(teacher))
        masks = {"weight": cells} if self.settings.spatial_mask else {}
        return masks | ({"channel_weight": channels} if self.settings.channel_mask else {})

    def relations(self, student: Tensor, teacher: Tensor) -> dict[str, Tensor]:
        """What both non-local blocks relate a cell by, (N, Ci, H, W); nothing without them."""
        if not self.settings.relation_weight:
            return {}
        found = {}
        for name, block, maps in (
            ("student", self.relation_s, self.align(student)),
            ("teacher", self.relation_t, teacher),
        ):
            found[f"{name}_query"], found[f"{name}_key"] = block.queries_and_keys(maps)
        return found

    def _join(self, student: Tensor, teacher: Tensor) -> Tensor:
        temperature = self.settings.temperature
        if self.settings.mask == "softmax-of-sum":
            return attend(student + teacher, temperature)
        return (attend(student, temperature) + attend(teacher, temperature)) / 2

    def _channel_transfer(self, student: Tensor, teacher: Tensor) -> Tensor:
        if self.settings.transfer == "absolute":
            return strengths(teacher)[1] - strengths(student)[1]
        return teacher.mean(dim=(2, 3)) - self.channels(student.mean(dim=(2, 3)))

    def _spatial_transfer(self, student: Tensor, teacher: Tensor) -> Tensor:
        if self.settings.transfer == "absolute":
            return strengths(teacher)[0] - strengths(student)[0]
        return teacher.mean(dim=1, keepdim=True) - self.cells(student.mean(dim=1, keepdim=True))


class FKD(Distiller):
    def __init__(self, settings: FKDSettings, context: Context) -> None:
        super().__init__()
        self.settings = settings
        self.strides = context.strides
        levels = settings.levels or tuple(range(len(context.strides)))
        widths = zip(levels, context.student_channels, context.teacher_channels, strict=True)
        self.stages = nn.ModuleList(FKDLevel(settings, *each) for each in widths)

    def forward(self, student: Pyramid, teacher: Pyramid, batch: Batch) -> dict[str, Tensor]:
        losses: dict[str, Tensor] = {}
        for level, (map_s, map_t) in enumerate(zip(student, teacher, strict=True)):
            for name, difference in self.stages[level](map_s, map_t).items():
                weight = getattr(self.settings, f"{name}_weight") * self.settings.weight
                norm = root_sum_squares(difference, self._together())
                loss = weight * self._scale(name, level, map_t) * norm
                losses[name] = losses[name] + loss if name in losses else loss
        return losses

    def _together(self) -> int | None:
        """The weights belong to norms of two images: of more they would weigh more."""
        return REFERENCE_IMAGES if self.settings.normalise == "paper" else None

    def _scale(self, name: str, level: int, teacher: Tensor) -> float:
        """A norm grows with the root of the number of its terms."""
        if self.settings.normalise == "paper":
            return 1.0
        stride = self.strides[level]
        if name == "channel_transfer":
            terms = channels_scale(teacher)
        elif name == "spatial_transfer":
            terms = cells_scale(teacher, stride)
        else:
            terms = map_scale(teacher, stride)
        return (terms * REFERENCE_IMAGES / teacher.shape[0]) ** 0.5

    def explain(self, student: Pyramid, teacher: Pyramid, batch: Batch) -> dict[str, Pyramid]:
        found: dict[str, list[Tensor]] = {}
        for stage, map_s, map_t in zip(self.stages, student, teacher, strict=True):
            for name, mask in stage.masks(stage.align(map_s), map_t).items():
                found.setdefault(name, []).append(mask)
            for name, vectors in stage.relations(map_s, map_t).items():
                found.setdefault(name, []).append(vectors)
        return {name: tuple(maps) for name, maps in found.items()}


def _at(values: tuple[int, ...], level: int) -> int:
    """Of a level; further levels are as the last one."""
    return values[min(level, len(values) - 1)]


def build(settings: FKDSettings, context: Context) -> FKD:
    return FKD(settings, context)

"""mmrazor's own CWD, PKD, MGD and FBKD, as rows of their own and as a check on ours.

    student -> mmrazor's connector -> mmrazor's loss <- mmrazor's connector <- teacher

Its modules are called as its configurations call them, once for every level, and their losses are
added. Nothing is rewritten, with two exceptions: MGD's random masks are drawn under the batch's
seed, and torch's own stream of random numbers is put back, so that a run with it sees the same
data as its neighbours.

Deviates from the paper: see CWD, PKD, MGD and FKD; mmrazor's FBKD is FKD with other taps, another
non-local block and the spatial mask only. mmrazor's published FBKD result fine-tunes a student
that was trained already; this row does not.
Needs maps of student and teacher with equal width, except for MGD; FBKD needs maps of at least
twice its pooling on a side.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn

from methods.contract import Batch, Context, Distiller, Pyramid
from methods.settings.base import FeatureSettings
from methods.settings.mmrazor import (
    MMRazorCWDSettings,
    MMRazorFBKDSettings,
    MMRazorMGDSettings,
    MMRazorPKDSettings,
)


class MMRazorDistiller(Distiller):
    """One loss and, where the method has them, connectors for every level."""

    def __init__(self, settings: FeatureSettings, losses: list[nn.Module], name: str) -> None:
        super().__init__()
        self.settings = settings
        self.name = name
        self.losses = nn.ModuleList(losses)
        self.student_connectors = nn.ModuleList(nn.Identity() for _ in losses)
        self.teacher_connectors = nn.ModuleList(nn.Identity() for _ in losses)

    def forward(self, student: Pyramid, teacher: Pyramid, batch: Batch) -> dict[str, Tensor]:
        total: Tensor | float = 0.0
        with _random_stream(batch.seed):
            for level, (map_s, map_t) in enumerate(zip(student, teacher, strict=True)):
                # Its losses view maps in rows, which a map with its channels last does not allow.
                one = self.student_connectors[level](map_s.contiguous())
                other = self.teacher_connectors[level](map_t.contiguous())
                total = total + self.losses[level](one, other)
        return {self.name: total * self.settings.weight}


class MMRazorFBKD(MMRazorDistiller):
    """Its connectors pool without regard to the map's size; say so before they fail."""

    def forward(self, student: Pyramid, teacher: Pyramid, batch: Batch) -> dict[str, Tensor]:
        strides = _by_level(self.settings.maxpool_strides, self.settings)
        for level, (maps, stride) in enumerate(zip(student, strides, strict=True)):
            least = 2 * stride
            if min(maps.shape[2:]) < least:
                raise ValueError(
                    f"mmrazor-fbkd: level {level} needs maps of at least {least}x{least} cells, "
                    f"found {maps.shape[2]}x{maps.shape[3]}; set `levels` or `maxpool_strides`"
                )
        return super().forward(student, teacher, batch)


def build(settings: FeatureSettings, context: Context) -> Distiller:
    try:
        importlib.import_module("mmrazor.models")
    except ImportError as error:
        raise ImportError(
            f"`{settings.method}` needs mmrazor 1.0.0, which cannot be imported: {error}. On "
            "today's torch it can after the compatibility layer was installed"
        ) from error
    return _BUILDERS[type(settings)](settings, context)


def _cwd(settings: MMRazorCWDSettings, context: Context) -> Distiller:
    from mmrazor.models.losses import ChannelWiseDivergence

    _require_equal_widths(settings, context)
    losses = [ChannelWiseDivergence(settings.tau, settings.loss_weight) for _ in context.strides]
    return MMRazorDistiller(settings, losses, "divergence")


def _pkd(settings: MMRazorPKDSettings, context: Context) -> Distiller:
    from mmrazor.models.losses import PKDLoss

    _require_equal_widths(settings, context)
    losses = [PKDLoss(settings.loss_weight, settings.resize_stu) for _ in context.strides]
    return MMRazorDistiller(settings, losses, "correlation")


def _mgd(settings: MMRazorMGDSettings, context: Context) -> Distiller:
    from mmrazor.models.architectures.connectors import MGDConnector
    from mmrazor.models.losses import MGDLoss

    losses = [MGDLoss(settings.alpha_mgd) for _ in context.strides]
    distiller = MMRazorDistiller(settings, losses, "rebuild")
    widths = zip(context.student_channels, context.teacher_channels, strict=True)
    distiller.student_connectors = nn.ModuleList(
        MGDConnector(student, teacher, settings.lambda_mgd) for student, teacher in widths
    )
    return distiller


def _fbkd(settings: MMRazorFBKDSettings, context: Context) -> Distiller:
    from mmrazor.models.architectures.connectors import FBKDStudentConnector, FBKDTeacherConnector
    from mmrazor.models.losses import FBKDLoss

    _require_equal_widths(settings, context)
    losses = [
        FBKDLoss(
            mask_l2_weight=settings.mask_l2_weight,
            channel_weight=settings.channel_weight,
            spatial_weight=settings.spatial_weight,
            nonloacl_weight=settings.nonlocal_weight,
        )
        for _ in context.strides
    ]
    distiller = MMRazorFBKD(settings, losses, "features")
    for connectors, kind in (
        ("student_connectors", FBKDStudentConnector),
        ("teacher_connectors", FBKDTeacherConnector),
    ):
        levels = zip(
            context.teacher_channels,
            _by_level(settings.reductions, settings),
            _by_level(settings.maxpool_strides, settings),
            strict=True,
        )
        modules = nn.ModuleList(
            kind(
                in_channels=channels,
                reduction=reduction,
                mode="dot_product",
                sub_sample=True,
                maxpool_stride=stride,
                spatial_T=settings.temperature,
                channel_T=settings.temperature,
            )
            for channels, reduction, stride in levels
        )
        setattr(distiller, connectors, modules)
    return distiller


def _by_level(values: tuple[int, ...], settings: FeatureSettings) -> list[int]:
    """Those of the levels in use."""
    return [values[level] for level in settings.levels or range(len(values))]


def _require_equal_widths(settings: FeatureSettings, context: Context) -> None:
    if context.student_channels != context.teacher_channels:
        raise ValueError(
            f"{settings.method}: student and teacher need maps of one width, found "
            f"{context.student_channels} and {context.teacher_channels}"
        )


@contextmanager
def _random_stream(seed: int) -> Iterator[None]:
    """Draws on the CPU come from `seed`; afterwards torch's generator is as it was."""
    state = torch.default_generator.get_state()
    torch.default_generator.manual_seed(seed)
    try:
        yield
    finally:
        torch.default_generator.set_state(state)


_BUILDERS: dict[type[FeatureSettings], Callable[..., Distiller]] = {
    MMRazorCWDSettings: _cwd,
    MMRazorPKDSettings: _pkd,
    MMRazorMGDSettings: _mgd,
    MMRazorFBKDSettings: _fbkd,
}

"""The training algorithm: mmrazor's FpnTeacherDistill, with whole-pyramid distillers.

It owns the student, the teacher and the distillers. mmrazor's recorders read the taps; the
distillers see all their levels at once. What is logged:

    loss_cls, loss_bbox ...         the student's own losses, named as without distillation
    distill.<method>.<term>         a distiller's losses, added to them
    measure.<method>.<name>         scalars that are no losses

The teacher is frozen, in eval mode whatever `.train()` does, runs no further than the taps
(backbone and neck; the head too where its class logits are one) and under no_grad. It is no
registered child: parameters(), state_dict() and DDP never see it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import nullcontext
from dataclasses import replace
from typing import Any, Protocol, cast

import torch
from mmdet.structures import DetDataSample
from mmengine.dist import get_rank
from mmengine.logging import MessageHub
from mmengine.model import BaseModel
from mmrazor.models.algorithms import FpnTeacherDistill
from torch import Tensor, nn

from methods.contract import Batch, Distiller, Positives, Pyramid
from methods.settings.base import Tap
from workflow.distill.batch import make_batch
from workflow.distill.pixels import TeacherPixels
from workflow.distill.stopwatch import Stopwatch
from workflow.distill.streams import isolated, seed_of
from workflow.distill.taps import Pairing, joined, run_to, tap_paths
from workflow.distill.terms import checked

LOSS, MEASURE = "distill.", "measure."
Watch = Callable[[int, Mapping[str, tuple[Pyramid, Pyramid]], Batch], None]


class PositivesRecorder(Protocol):
    """Notes, while the student computes its losses, which predictions its assigner matched."""

    def __enter__(self) -> object: ...

    def __exit__(self, *exception: object) -> None: ...

    def positives(self) -> Positives: ...


class Distillation(FpnTeacherDistill):
    """`workflow.distill.build.build_distillation` makes one from a run's methods."""

    teacher: Any
    """The detector, or None where the only teacher is a classifier."""
    pixels: nn.Module | None
    """Called with the batch's images and their sizes: what the teacher is shown."""
    methods: nn.ModuleDict

    def __init__(
        self,
        student: BaseModel,
        teacher: BaseModel | None,
        distillers: Mapping[str, Distiller],
        pairings: Mapping[str, Pairing],
        seed: int,
        positives: PositivesRecorder | None = None,
        classifier: nn.Module | None = None,
    ) -> None:
        """`pairings` names the distillers that work on features; `seed` is the run's."""
        taps = {pairing.tap for pairing in pairings.values()}
        # Where no method needs a pyramid there is no teacher; the base class still wants a model.
        super().__init__(
            distiller={
                "type": "mmrazor.ConfigurableDistiller",
                "student_recorders": _recorders(student, taps),
                "teacher_recorders": _recorders(teacher, taps) if teacher else {},
            },
            teacher=teacher if teacher is not None else student,
            teacher_trainable=teacher is None,
            architecture=student,
            # Recorded maps must survive the layers behind them; elsewhere, writing in place
            # saves a third of the memory, so mmrazor's blanket switch stays off.
            module_inplace=True,
            teacher_module_inplace=True,
        )
        for detector in filter(None, (student, teacher)):
            for module in detector.neck.modules():
                if hasattr(module, "inplace"):
                    module.inplace = False
        self._modules.pop("teacher")
        # Beside the registered children, so that nothing which walks over them meets it.
        object.__setattr__(self, "teacher", teacher.eval() if teacher is not None else None)
        self.pixels = (
            TeacherPixels(student.data_preprocessor, teacher.data_preprocessor)
            if teacher is not None
            else None
        )
        self.methods = nn.ModuleDict(dict(distillers))
        self.pairings = dict(pairings)
        self.positives = positives
        # Frozen like the teacher, though a method may well keep it as a child.
        object.__setattr__(self, "classifier", classifier)
        self.seed = seed
        self.iteration: int | None = None
        """Set it to fix the distillers' random draws; otherwise mmengine's running iteration."""
        self.stopwatch = Stopwatch()
        self.watch: Watch | None = None
        """Called in every training step with the iteration, (student, teacher) pyramids by
        method, and the batch; for curves of agreement."""
        # Student, teacher and distillers were initialised one by one when they were built; doing
        # it again here would undo inherited weights.
        self._is_init = True

    def loss(
        self, batch_inputs: Tensor, data_samples: list[DetDataSample] | None = None
    ) -> dict[str, Tensor]:
        samples = data_samples or []
        iteration = self._iteration()
        batch = make_batch(
            batch_inputs, samples, seed=seed_of("batch", self.seed, iteration, get_rank())
        )
        device = batch_inputs.device
        teacher_maps: dict[Tap, Pyramid] = {}
        # The teacher and the distillers must leave the student's random stream as it is.
        with self.stopwatch.part("teacher", device), isolated(batch.seed):
            teacher_maps = self._teacher_maps(batch)
        with self.stopwatch.part("student", device):
            with self.distiller.student_recorders, self.positives or nullcontext():
                losses = dict(self.student(batch_inputs, samples, mode="loss"))
            student_maps = self._recorded(self.distiller.student_recorders, self.student)
        with self.stopwatch.part("loss", device), isolated(batch.seed):
            if self.positives is not None:
                batch = replace(batch, positives=self.positives.positives())
            pyramids = self._paired(student_maps, teacher_maps)
            losses |= self._distil(pyramids, batch)
        if self.watch is not None:
            with torch.no_grad():
                self.watch(iteration, pyramids, batch)
        return losses

    def parse_losses(self, losses: dict[str, Any]) -> tuple[Tensor, dict[str, Tensor]]:
        """mmengine adds up what has 'loss' in its name; the distillers' terms are all losses."""
        own = {name: value for name, value in losses.items() if name.startswith((LOSS, MEASURE))}
        theirs = {name: value for name, value in losses.items() if name not in own}
        total, log = super().parse_losses(theirs)
        for name, value in own.items():
            if name.startswith(LOSS):
                total = total + value
            log[name] = value.detach()
        log["loss"] = total.detach()
        return total, log

    @torch.no_grad()
    def look(
        self, batch_inputs: Tensor, data_samples: list[DetDataSample]
    ) -> tuple[dict[str, tuple[Pyramid, Pyramid]], dict[str, Pyramid]]:
        """Without training: (student, teacher) pyramids by method, and the distillers' own maps
        by `<method>.<map>`."""
        batch = make_batch(batch_inputs, data_samples, seed=seed_of("look", self.seed))
        with isolated(batch.seed):
            teacher_maps = self._teacher_maps(batch)
            with self.distiller.student_recorders:
                run_to(self.student, self._taps(), batch_inputs)
            student_maps = self._recorded(self.distiller.student_recorders, self.student)
            pyramids = self._paired(student_maps, teacher_maps)
            explained = {
                f"{name}.{kind}": maps
                for name, (student, teacher) in pyramids.items()
                for kind, maps in self._distiller(name).explain(student, teacher, batch).items()
            }
        return pyramids, explained

    def train(self, mode: bool = True) -> Distillation:
        nn.Module.train(self, mode)
        for frozen in (self.teacher, self.classifier):
            if frozen is not None:
                frozen.eval()
        return self

    def _apply(self, function: Callable[[Tensor], Tensor], recurse: bool = True) -> Distillation:
        """Moves and casts reach the teacher too."""
        super()._apply(function, recurse)
        if self.teacher is not None:
            self.teacher._apply(function, recurse)
        return self

    @torch.no_grad()
    def _teacher_maps(self, batch: Batch) -> dict[Tap, Pyramid]:
        if self.teacher is None or not self.pairings:
            return {}
        assert self.pixels is not None  # there is one where there is a teacher
        with self.distiller.teacher_recorders:
            pixels = self.pixels(batch.images, batch.image_sizes)
            run_to(self.teacher, self._taps(), pixels)
        return self._recorded(self.distiller.teacher_recorders, self.teacher)

    def _recorded(self, recorders: Any, detector: nn.Module) -> dict[Tap, Pyramid]:
        """The taps' maps; the recorders then let go of them, and of the graph behind them."""
        maps = {
            tap: joined(
                tap,
                [
                    recorders.get_recorder(path).get_record_data()
                    for path in tap_paths(detector, tap)
                ],
            )
            for tap in self._taps()
        }
        for recorder in recorders.recorders.values():
            recorder.reset_data_buffer()
        return maps

    def _taps(self) -> set[Tap]:
        return {pairing.tap for pairing in self.pairings.values()}

    def _paired(
        self, student: Mapping[Tap, Pyramid], teacher: Mapping[Tap, Pyramid]
    ) -> dict[str, tuple[Pyramid, Pyramid]]:
        return {
            name: (
                tuple(student[pairing.tap][index] for index in pairing.student),
                tuple(teacher[pairing.tap][index] for index in pairing.teacher),
            )
            for name, pairing in self.pairings.items()
        }

    def _distil(
        self, pyramids: Mapping[str, tuple[Pyramid, Pyramid]], batch: Batch
    ) -> dict[str, Tensor]:
        found: dict[str, Tensor] = {}
        for name in self.methods:
            distiller = self._distiller(name)
            student, teacher = pyramids.get(name, ((), ()))
            terms = checked(name, distiller(student, teacher, batch))
            found |= {f"{LOSS}{name}.{term}": value for term, value in terms.items()}
            found |= {
                f"{MEASURE}{name}.{measure}": value for measure, value in distiller.measures.items()
            }
        return found

    def _distiller(self, name: str) -> Distiller:
        return cast(Distiller, self.methods[name])

    def _iteration(self) -> int:
        if self.iteration is not None:
            return self.iteration
        return int(MessageHub.get_current_instance().get_info("iter", 0))


def _recorders(detector: nn.Module, taps: set[Tap]) -> dict[str, dict[str, str]]:
    paths = {path for tap in taps for path in tap_paths(detector, tap)}
    return {path: {"type": "mmrazor.ModuleOutputs", "source": path} for path in sorted(paths)}

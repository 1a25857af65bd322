"""One true step of a COCO pair with a method, and a prediction afterwards."""

from __future__ import annotations

import copy
import math
from dataclasses import dataclass
from typing import Any

import torch
from mmengine.dataset import pseudo_collate
from mmengine.optim import OptimWrapper

from methods.settings.resolve import RowError, resolve
from methods.settings.resolve import catalogue as methods
from workflow.data.catalogue import DataSet
from workflow.distill.build import build_distillation
from workflow.distill.inherit import inherit
from workflow.models import catalogue
from workflow.models.build import build_config, build_detector
from workflow.models.classifier import ClassifierOptions, build_classifier
from workflow.models.coco import Scales
from workflow.models.schema import PairDefinition
from workflow.running.loading import open_split

SCALE = ((160, 128),)
"""(long, short) side: a fiftieth of the papers' pixels. SSDs keep the only size they have."""
LARGER = ((288, 256),)
POOLED_WIDELY = "mmrazor-fbkd"
"""It pools the fourth map by four, which is too small at `SCALE` where the pyramid starts at stride
8: two-stage detectors start at 4."""
HEADS = ("bbox_head", "rpn_head", "roi_head")


@dataclass(frozen=True)
class Seen:
    """What a pair is shown at one scale."""

    config: Any
    batch: Any
    picture: Any


class PairSteps:
    """A pair's detectors, built once at random weights; each method then takes its own step."""

    def __init__(self, name: str, data: DataSet, alias: str = "") -> None:
        """`alias` names one of the pair's further teachers, in the place of the first."""
        self.pair = taught_by(catalogue.pair(name), alias)
        self.data = data
        self.definition = catalogue.detector(self.pair.student)
        self.seen: dict[Scales, Seen] = {}
        config = build_config(self.definition, data, self._scale("baseline"))
        self.student = build_detector(config, seed=0, pretrained=False)
        self.start = copy.deepcopy(self.student.state_dict())
        self.teacher: Any = None
        if self.pair.teacher:
            config = build_config(catalogue.detector(self.pair.teacher), data, SCALE)
            self.teacher = build_detector(config, seed=1, pretrained=False)
        self.frozen = _sums(self.teacher)
        self.classifier = self._classifier() if self.pair.classifier else None
        schedule = catalogue.schedule(self.pair.schedule, self.pair.student)
        self.optimiser = dict(schedule.optimiser)
        assert self.optimiser.pop("type") == "SGD"

    def step(self, row: str) -> dict[str, float]:
        """The log of the step; asserts what holds for every pair and method."""
        # Random weights without warm-up: several steps in a row would diverge.
        self.student.load_state_dict(self.start)
        seen = self._at(self._scale(row))
        recipe = resolve(row, self.pair.family)
        specs = recipe.methods
        if recipe.options.inherit and self.pair.inheritable:
            self._inherit()
        model: Any = self.student
        if specs:
            model = build_distillation(
                specs,
                self.student,
                self.teacher,
                family=self.pair.family,
                seed=0,
                image_size=seen.config.image_size,
                classes=len(self.data.classes),
                classifier=self.classifier,
            )
        own = [value for value in model.parameters() if value.requires_grad]
        wrapper = OptimWrapper(torch.optim.SGD(own, **self.optimiser))
        reached: set[str] = set()
        for name, value in model.named_parameters():
            if value.requires_grad:
                value.register_hook(lambda _gradient, name=name: reached.add(name))
        before = _sums(self.student)
        log = model.train().train_step(seen.batch, wrapper)
        log = {key: value.item() for key, value in log.items()}
        assert all(math.isfinite(value) for value in log.values()), log
        assert _sums(self.student) != before, "the student did not learn"
        assert _sums(self.teacher) == self.frozen, "the teacher changed"
        for spec in specs:
            assert any(name.startswith(f"distill.{spec.method}.") for name in log), log
        # DDP waits for every gradient, so none may stay away.
        trained = {name for name, value in model.named_parameters() if value.requires_grad}
        assert trained <= reached, f"no gradient for {sorted(trained - reached)}"
        self._predict(seen.picture)
        return log

    def _inherit(self) -> None:
        names = set(inherit(self.student, self.teacher))
        heads = {name for name in self.start if name.split(".")[0] in HEADS}
        assert heads
        # A student may have biases that its teacher lacks: they must start at nothing, as there.
        known = self.teacher.state_dict()
        left = {n for n in heads - names if n in known or self.start[n].any()}
        assert not left, f"not inherited: {sorted(left)}"

    def _scale(self, row: str) -> Scales:
        if self.definition.family == "ssd":
            return ()
        wide = POOLED_WIDELY in row and self.definition.family != "two-stage"
        return LARGER if wide else SCALE

    def _at(self, scale: Scales) -> Seen:
        if scale not in self.seen:
            config = build_config(self.definition, self.data, scale)
            train = open_split(self.data, "train", config.train_pipeline, training=True)
            torch.manual_seed(0)
            batch = pseudo_collate([train[index] for index in range(2)])
            test = open_split(self.data, "test", config.test_pipeline)
            self.seen[scale] = Seen(config, batch, pseudo_collate([test[0]]))
        return self.seen[scale]

    def _classifier(self) -> Any:
        options = catalogue.detector(self.pair.classifier).options
        return build_classifier(
            ClassifierOptions.model_validate(options),
            len(self.data.classes),
            self.data.pixel_mean,
            self.data.pixel_std,
            seed=2,
            pretrained=False,
        )

    def _predict(self, picture: Any) -> None:
        (found,) = self.student.eval().test_step(picture)
        boxes = found.pred_instances.bboxes
        assert boxes.shape == (len(found.pred_instances.scores), 4)
        assert torch.isfinite(boxes).all()


def taught_by(pair: PairDefinition, alias: str) -> PairDefinition:
    if not alias:
        return pair
    model = pair.teachers[alias]
    kind = "classifier" if catalogue.detector(model).family is None else "teacher"
    return pair.model_copy(update={kind: model})


def rows_for(pair: str) -> tuple[str, ...]:
    """The baselines, every method's own row that can run on the pair, and two teachers at once."""
    definition = catalogue.pair(pair)
    given = {"features"} if definition.teacher else set()
    given |= {"classifier", "positives"} if definition.classifier else set()
    found = ["baseline", *(["baseline-inherit"] if definition.inheritable else [])]
    for row in (*methods(), "icd+fkd"):
        try:
            recipe = resolve(row, definition.family)
        except RowError:
            continue  # not for this family
        if recipe.needs <= given:
            found.append(row)
    return tuple(found)


def _sums(model: Any) -> list[int]:
    """Of the bits of every weight: whatever changes one of them changes its sum."""
    if model is None:
        return []
    return [int(value.detach().view(torch.int32).sum()) for value in model.parameters()]

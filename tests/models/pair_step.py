"""One true step of a COCO pair with a method, and a prediction afterwards."""

from __future__ import annotations

import copy
import math
from dataclasses import dataclass
from functools import cache
from typing import Any
from unittest import mock

import torch
from mmengine.dataset import pseudo_collate
from mmengine.optim import OptimWrapper

from methods.settings.base import MethodSpec
from methods.settings.resolve import RowError, resolve
from methods.settings.resolve import catalogue as methods
from tests.compat.detectors import without_threshold
from workflow.data.catalogue import DataSet
from workflow.distill import build
from workflow.distill.inherit import inherit
from workflow.models import catalogue
from workflow.models.build import build_config, build_detector
from workflow.models.classifier import ClassifierOptions, build_classifier
from workflow.models.coco import Scales
from workflow.models.schema import PairDefinition
from workflow.rehearse import weight_sums
from workflow.running.loading import open_split

SCALE = ((96, 80),)
"""(long, short) side, less than a hundredth of the papers' pixels. SSDs keep the only size they
have."""
LARGER = {"two-stage": ((128, 107),), "one-stage": ((256, 214),), "anchor-free": ((256, 214),)}
POOLED_WIDELY = "mmrazor-fbkd"
"""It wants four cells on a side of the fourth map: of stride 64, in two-stage detectors 32."""
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
        self.probe = cache(build.probe)  # the same two detectors for every method
        config = build_config(self.definition, data, self._scale(()))
        self.student = build_detector(config, seed=0, pretrained=False)
        self.start = copy.deepcopy(self.student.state_dict())
        self.teacher: Any = None
        if self.pair.teacher:
            config = build_config(catalogue.detector(self.pair.teacher), data, SCALE)
            self.teacher = build_detector(config, seed=1, pretrained=False)
        self.frozen = _writes(self.teacher)
        self.classifier = self._classifier() if self.pair.classifier else None
        schedule = catalogue.schedule(self.pair.schedule, self.pair.student)
        self.optimiser = dict(schedule.optimiser)
        assert self.optimiser.pop("type") == "SGD"

    def step(self, *rows: str) -> dict[str, float]:
        """The log of one step with the methods of all these rows; asserts what holds for every
        pair and method."""
        # Random weights without warm-up: several steps in a row would diverge.
        self.student.load_state_dict(self.start)
        seen = self._at(self._scale(rows))
        recipes = [resolve(row, self.pair.family) for row in rows]
        specs = {spec.method: spec for recipe in recipes for spec in recipe.methods}
        if self.pair.inheritable and any(recipe.options.inherit for recipe in recipes):
            self._inherit()
        model = self._built(tuple(specs.values()), seen.config.image_size)
        own = [value for value in model.parameters() if value.requires_grad]
        wrapper = OptimWrapper(torch.optim.SGD(own, **self.optimiser))
        reached: set[str] = set()
        for name, value in model.named_parameters():
            if value.requires_grad:
                value.register_hook(lambda _gradient, name=name: reached.add(name))
        before = weight_sums(self.student)
        log = model.train().train_step(seen.batch, wrapper)
        log = {key: value.item() for key, value in log.items()}
        assert all(math.isfinite(value) for value in log.values()), log
        assert weight_sums(self.student) != before, "the student did not learn"
        assert _writes(self.teacher) == self.frozen, "the teacher changed"
        for method in specs:
            assert any(name.startswith(f"distill.{method}.") for name in log), log
        # DDP waits for every gradient, so none may stay away.
        trained = {name for name, value in model.named_parameters() if value.requires_grad}
        assert trained <= reached, f"no gradient for {sorted(trained - reached)}"
        self._predict(seen.picture)
        return log

    def _built(self, specs: tuple[MethodSpec, ...], image_size: tuple[int, int]) -> Any:
        if not specs:
            return self.student
        with mock.patch.object(build, "probe", self.probe):
            model = build.build_distillation(
                specs,
                self.student,
                self.teacher,
                family=self.pair.family,
                seed=0,
                image_size=image_size,
                classes=len(self.data.classes),
                classifier=self.classifier,
            )
        maps: dict[str, Any] = {}
        model.watch = lambda _iteration, pyramids, _batch: maps.update(pyramids)
        parse = model.parse_losses

        def parse_once_each_method_pulls(losses: dict[str, Any]) -> Any:
            _pulls(model, losses, maps)
            return parse(losses)

        model.parse_losses = parse_once_each_method_pulls
        return model

    def _inherit(self) -> None:
        names = set(inherit(self.student, self.teacher))
        heads = {name for name in self.start if name.split(".")[0] in HEADS}
        assert heads
        # A student may have biases that its teacher lacks: they must start at nothing, as there.
        known = self.teacher.state_dict()
        left = {n for n in heads - names if n in known or self.start[n].any()}
        assert not left, f"not inherited: {sorted(left)}"

    def _scale(self, rows: tuple[str, ...]) -> Scales:
        family = self.definition.family
        assert family is not None  # students are detectors
        if family == "ssd":
            return ()
        return LARGER[family] if POOLED_WIDELY in rows else SCALE

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
        (found,) = without_threshold(self.student).eval().test_step(picture)
        boxes = found.pred_instances.bboxes
        assert len(boxes) > 0
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


def _pulls(model: Any, losses: dict[str, Any], maps: dict[str, Any]) -> None:
    """Each method by itself pulls at the student: at its maps, or for `icd` at its predictions."""
    for method in model.methods:
        total = sum(loss for name, loss in losses.items() if name.startswith(f"distill.{method}."))
        assert total.requires_grad, f"{method} pulls at nothing"
        if method not in model.pairings:
            continue
        student, _ = maps[method]
        found = torch.autograd.grad(total, student, retain_graph=True, allow_unused=True)
        gradients = [gradient for gradient in found if gradient is not None]
        assert all(gradient.isfinite().all() for gradient in gradients), method
        assert any(gradient.any() for gradient in gradients), f"{method} does not pull at the maps"


def _writes(model: Any) -> list[tuple[int, int]]:
    """Where every weight lies, and how often torch has written there."""
    return [] if model is None else [(v.data_ptr(), v._version) for v in model.parameters()]

"""One true step of a COCO pair with a method, and a prediction afterwards."""

from __future__ import annotations

import copy
import math
from typing import Any

import torch
from mmengine.dataset import pseudo_collate
from mmengine.optim import OptimWrapper

from methods.settings.resolve import RowError, resolve
from methods.settings.resolve import catalogue as methods
from workflow.data.catalogue import DataSet
from workflow.distill.build import build_distillation
from workflow.models import catalogue
from workflow.models.build import build_config, build_detector
from workflow.models.classifier import ClassifierOptions, build_classifier
from workflow.models.coco import Scales
from workflow.running.loading import open_split

SCALE = ((160, 128),)
"""(long, short) side: a fiftieth of the papers' pixels. SSDs keep the only size they have."""
LARGER = ((288, 256),)
"""For pyramids that start at stride 8: mmrazor's FBKD pools their fourth map by four."""


class PairSteps:
    """A pair's detectors, built once at random weights; each method then takes its own step."""

    def __init__(self, name: str, data: DataSet, scale: Scales = SCALE) -> None:
        self.pair = catalogue.pair(name)
        self.data = data
        definition = catalogue.detector(self.pair.student)
        scale = () if definition.family == "ssd" else scale
        self.config = build_config(definition, data, scale)
        self.student = build_detector(self.config, seed=0, pretrained=False)
        self.start = copy.deepcopy(self.student.state_dict())
        self.teacher: Any = None
        if self.pair.teacher:
            config = build_config(catalogue.detector(self.pair.teacher), data, scale)
            self.teacher = build_detector(config, seed=1, pretrained=False)
        self.classifier = self._classifier() if self.pair.classifier else None
        schedule = catalogue.schedule(self.pair.schedule, self.pair.student)
        self.optimiser = dict(schedule.optimiser)
        assert self.optimiser.pop("type") == "SGD"
        train = open_split(data, "train", self.config.train_pipeline, training=True)
        torch.manual_seed(0)
        self.batch = pseudo_collate([train[index] for index in range(2)])
        test = open_split(data, "test", self.config.test_pipeline)
        self.picture = pseudo_collate([test[0]])

    def step(self, row: str) -> dict[str, float]:
        """The log of the step; asserts what holds for every pair and method."""
        # Random weights without warm-up: several steps in a row would diverge.
        self.student.load_state_dict(self.start)
        specs = resolve(row, self.pair.family).methods
        model: Any = self.student
        if specs:
            model = build_distillation(
                specs,
                self.student,
                self.teacher,
                family=self.pair.family,
                seed=0,
                image_size=self.config.image_size,
                classes=len(self.data.classes),
                classifier=self.classifier,
            )
        own = [value for value in model.parameters() if value.requires_grad]
        wrapper = OptimWrapper(torch.optim.SGD(own, **self.optimiser))
        reached: set[str] = set()
        for name, value in model.named_parameters():
            if value.requires_grad:
                value.register_hook(lambda _gradient, name=name: reached.add(name))
        frozen = _sums(self.teacher)
        before = _sums(self.student)
        log = {key: float(value) for key, value in self._train(model, wrapper).items()}
        assert all(math.isfinite(value) for value in log.values()), log
        assert _sums(self.student) != before, "the student did not learn"
        assert _sums(self.teacher) == frozen, "the teacher changed"
        for spec in specs:
            assert any(name.startswith(f"distill.{spec.method}.") for name in log), log
        # DDP waits for every gradient, so none may stay away.
        trained = {name for name, value in model.named_parameters() if value.requires_grad}
        assert trained <= reached, f"no gradient for {sorted(trained - reached)}"
        self._predict()
        return log

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

    def _train(self, model: Any, wrapper: OptimWrapper) -> dict[str, Any]:
        log: dict[str, Any] = model.train().train_step(self.batch, wrapper)
        return log

    def _predict(self) -> None:
        (found,) = self.student.eval().test_step(self.picture)
        boxes = found.pred_instances.bboxes
        assert boxes.shape == (len(found.pred_instances.scores), 4)
        assert torch.isfinite(boxes).all()


def rows_for(pair: str) -> tuple[str, ...]:
    """The baseline, every method's own row that can run on the pair, and two teachers at once."""
    definition = catalogue.pair(pair)
    given = {"features"} if definition.teacher else set()
    given |= {"classifier", "positives"} if definition.classifier else set()
    found = ["baseline"]
    for row in (*methods(), "icd+fkd"):
        try:
            recipe = resolve(row, definition.family)
        except RowError:
            continue  # not for this family
        if recipe.needs <= given:
            found.append(row)
    return tuple(found)


def _sums(model: Any) -> list[float]:
    return [] if model is None else [float(v.detach().double().sum()) for v in model.parameters()]

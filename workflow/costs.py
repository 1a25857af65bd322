"""What one run costs: measured where it or its like has run, from a model elsewhere. No torch."""

from __future__ import annotations

import json
import statistics
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Literal

import yaml

from workflow.data.catalogue import COCO_SHARES
from workflow.data.counts import training_counts
from workflow.outcome import WEIGHTS, without_weights
from workflow.spec import RunSpec

FILE = Path(__file__).with_name("costs.yaml")
COCO_TRAINING_IMAGES = 117_266
"""Of train2017 those that hold a box; mmdet leaves out the others."""
COCO_TRAINING_BOXES = 849_949
"""What a classifier of crops sees in one epoch."""

Source = Literal["measured", "like it", "model"]


@dataclass(frozen=True)
class Estimate:
    """Of one run, on the devices that the suite gives it."""

    seconds: float
    """Wall time from start to metrics."""
    source: Source
    done: bool = False
    disk_bytes: float = 0


@cache
def table() -> dict[str, Any]:
    content: dict[str, Any] = yaml.safe_load(FILE.read_text(encoding="utf-8"))
    return content


def fidelity(run: RunSpec) -> str:
    return str(run.model["fidelity"])


def devices(run: RunSpec, gpus: int) -> int:
    """GPUs that the run can use: only the training of a detector uses several."""
    return min(gpus, 1) if run.schedule is None or run.family is None else gpus


def iterations(run: RunSpec) -> float:
    schedule = run.schedule
    if schedule is None:
        return 0
    if schedule.iterations is not None:
        return schedule.iterations
    return (schedule.epochs or 0) * training_images(run) / schedule.batch_size


def training_images(run: RunSpec) -> float:
    if run.data.name in COCO_SHARES:
        whole = COCO_TRAINING_IMAGES if run.family else COCO_TRAINING_BOXES
        return whole * COCO_SHARES[run.data.name]
    if (own := training_counts(run.data)) is not None:
        return own.images if run.family else own.boxes
    told = run.data.options.get("train")  # of a user's set the SHA-256 of its annotations
    return float(told if isinstance(told, int) else COCO_TRAINING_IMAGES)


def around(run: RunSpec, speed: float | None = None, snapshots: int = 0) -> float:
    """Seconds beside the training: imports, building, predicting the test images, and about as many
    again for every snapshot."""
    known = table()[fidelity(run)]
    factor = known["speed"] if speed is None else speed
    predict = _forward_ms(run.model) / 1000 * known["test_images"] / factor if run.family else 0
    return float(known["start_seconds"] + predict * (1 + snapshots))


def modelled(run: RunSpec, gpus: int = 1, speed: float | None = None) -> float:
    """Seconds of training, from the forward passes of student and teacher."""
    if run.schedule is None:
        return 0.0
    known = table()[fidelity(run)]
    factor = known["speed"] if speed is None else speed
    step = _forward_ms(run.model) * (1 + known["backward"])
    if run.teacher_model is not None:
        step += _forward_ms(run.teacher_model)
    step *= 1 + known["overhead"] * (1 + len(run.methods))
    images = iterations(run) * run.schedule.batch_size
    return float(step / 1000 * images / factor / max(1, gpus))


def _forward_ms(model: dict[str, Any]) -> float:
    known = table()[model["fidelity"]]["forward_ms"]
    return float(known.get(model["name"], statistics.median(known.values())))


class Measured:
    """Seconds of training of the suite's runs that are done, and what they say of their like."""

    def __init__(self, runs: Path) -> None:
        self.runs = runs
        self._seconds: dict[str, float] = {}
        self._devices: dict[str, int] = {}
        self._per_step: dict[tuple[Any, ...], list[float]] = {}

    def read(self, specs: dict[str, RunSpec]) -> None:
        for id, run in specs.items():
            try:
                cost = json.loads((self.runs / id / "cost.json").read_text(encoding="utf-8"))
                seconds = float(cost["wall_seconds"])
            except (OSError, ValueError, KeyError, TypeError):
                continue
            trained_here = (self.runs / id / WEIGHTS).is_file()
            if not trained_here and not without_weights(self.runs, id):
                continue  # of an attempt that did not get to the end
            self._seconds[id] = seconds
            self._devices[id] = _devices_used(cost)
            if not trained_here:
                continue  # restored: another machine's speed says little of this one's
            steps = iterations(run)
            for kind in _kinds(run):
                if steps:
                    alike = (*kind, self._devices[id])
                    self._per_step.setdefault(alike, []).append(seconds / steps)

    def of(self, id: str) -> float | None:
        return self._seconds.get(id)

    def devices_of(self, id: str) -> int | None:
        """GPUs that the run was trained on; 0 on a processor."""
        return self._devices.get(id)

    def like(self, run: RunSpec, on: int, but: str | None = None) -> float | None:
        """Seconds per step of the most similar runs on as many GPUs, times this run's steps."""
        for kind in _kinds(run):
            found = self._per_step.get((*kind, on), [])
            if but is not None and but in self._seconds:
                own = self._seconds[but] / iterations(run)
                found = list(found)
                if own in found:
                    found.remove(own)
            if found:
                return statistics.median(found) * iterations(run)
        return None


def _devices_used(cost: dict[str, Any]) -> int:
    hours = cost.get("gpu_hours")
    return round(hours * 3600 / cost["wall_seconds"]) if hours and cost["wall_seconds"] else 0


def _kinds(run: RunSpec) -> list[tuple[Any, ...]]:
    """What runs must share to be alike, closest first."""
    schedule = run.schedule
    same = (
        run.data.name,
        run.model["name"],
        schedule.batch_size if schedule else None,
        schedule.image_scale if schedule else None,
    )
    teacher = run.teacher_model["name"] if run.teacher_model else None
    return [
        (*same, teacher, tuple(spec.method for spec in run.methods)),
        (*same, teacher, bool(run.methods)),
    ]

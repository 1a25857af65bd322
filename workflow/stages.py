"""The steps of one run, each with the command that does it and the file that shows it was done."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from workflow.data.catalogue import describe
from workflow.spec import RunSpec
from workflow.suite import Suite


@dataclass(frozen=True)
class Place:
    """Where things lie."""

    runs: Path
    data: Path


@dataclass(frozen=True)
class Stage:
    name: str
    command: tuple[str, ...]
    made: Path
    """What the stage leaves."""
    needs: Path | None = None
    """What it is made from: done again if that is newer."""
    check: Callable[[], bool] | None = None
    """Whether `made` is what it should be, where its presence does not say so."""

    def done(self) -> bool:
        if not self.made.is_file() or (self.check is not None and not self.check()):
            return False
        if self.needs is None:
            return True
        return self.made.stat().st_mtime_ns >= self.needs.stat().st_mtime_ns


def stages(suite: Suite, run: RunSpec, place: Place, gpus: int) -> list[Stage]:
    folder = place.runs / run.id
    where = ("--root", str(place.runs), "--data", str(place.data))
    asked = ("--suite", str(suite.asked), "--run", run.id, *where)
    weights = folder / "student.pth"

    def complete() -> bool:
        return '"status": "complete"' in (folder / "run.json").read_text(encoding="utf-8")

    def program(name: str, *more: str) -> tuple[str, ...]:
        return (sys.executable, "-m", f"workflow.{name}", *asked, *more)

    if run.kind == "classifier":
        return [Stage("train", program("classify"), weights, check=complete)]
    attended = run.id in suite.attended()
    train = program("train") if run.schedule else program("fetch")
    if attended and run.schedule and suite.attend.snapshots:
        train += ("--snapshots", str(suite.attend.snapshots))
    if gpus > 1 and run.schedule:
        launcher = ("-m", "torch.distributed.run", "--standalone", f"--nproc-per-node={gpus}")
        train = (train[0], *launcher, *train[1:])
    predictions, metrics = folder / "predictions.json.gz", folder / "metrics.json"
    annotations = describe(run.data, place.data).splits["test"].annotations
    evaluate: tuple[str, ...] = (sys.executable, "-m", "analysis.evaluate")
    evaluate += ("--predictions", str(predictions), "--annotations", str(annotations))
    evaluate += ("--out", str(metrics))
    found = [
        Stage("train", train, weights, check=complete),
        Stage("predict", program("predict"), predictions, weights),
        Stage("evaluate", evaluate, metrics, predictions),
    ]
    if run.checkpoint is not None:
        verdict = folder / "work" / "teacher.json"
        check = (sys.executable, "-m", "workflow.models.teacher_check", "--run", str(folder))
        found.append(Stage("check", (*check, "--out", str(verdict)), verdict, metrics))
    if attended:
        images = ("--images", str(suite.attend.images))
        found.append(Stage("attend", program("attend", *images), folder / "attention.npz", weights))
    return found

"""The steps of one run, each with the command that does it and the file that shows it was done."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from workflow.data.catalogue import describe, trains_on_tune
from workflow.judged import REPORTED, Split, metrics_of, predictions_of, traced_of
from workflow.outcome import WEIGHTS
from workflow.spec import RunSpec
from workflow.suite import Suite

STAGE_OF = {"classify": "train", "fetch": "train", "trace": "curve"}
"""What makes the weights is called the same for every kind of run; a curve takes two programs."""


SECONDS_TO_SAVE = 150
"""How long torchrun waits for processes that it has told to save, before it kills them: most of the
three minutes that Slurm leaves after its warning (slurm/config.yaml)."""


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
    module: tuple[str, ...] = ()
    """Module and arguments, where the command may share a process with its neighbours."""

    def done(self) -> bool:
        if not self.made.is_file() or (self.check is not None and not self.check()):
            return False
        if self.needs is None:
            return True
        if not self.needs.is_file():
            return False
        return self.made.stat().st_mtime_ns >= self.needs.stat().st_mtime_ns


def launcher(gpus: int) -> tuple[str, ...]:
    """torchrun, which passes Slurm's warning on too; left to itself, it would die of it."""
    signals = "SIGTERM,SIGINT,SIGHUP,SIGQUIT,SIGUSR1"
    processes = f"--nproc-per-node={gpus}"
    return (
        "-m",
        "torch.distributed.run",
        "--standalone",
        processes,
        f"--signals-to-handle={signals}",
    )


def stages(suite: Suite, run: RunSpec, place: Place, gpus: int) -> list[Stage]:
    folder = place.runs / run.id
    where = ("--root", str(place.runs), "--data", str(place.data))
    asked = ("--suite", str(suite.asked), "--run", run.id, *where)
    weights = folder / WEIGHTS

    def complete() -> bool:
        return recorded(folder).get("status") == "complete"

    def program(name: str, made: Path, *more: str, **facts: Any) -> Stage:
        module = (f"workflow.{name}", *asked, *more)
        return Stage(
            STAGE_OF.get(name, name), (sys.executable, "-m", *module), made, module=module, **facts
        )

    if run.kind == "classifier":
        return [program("classify", weights, check=complete)]
    attended = run.id in suite.attended()
    train = program("train" if run.schedule else "fetch", weights, check=complete)
    on_its_way = run.id in suite.followed()
    if on_its_way:
        snapshots = ("--snapshots", str(suite.attend.snapshots))
        train = program("train", weights, *snapshots, check=complete)
    if gpus > 1 and run.schedule:
        # `--`, or torchrun takes our `--run` for an abbreviation of an option of its own.
        several = (sys.executable, *launcher(gpus), "-m", "--", *train.module)
        train = replace(train, command=several, module=())
    splits = suite.judged(run)
    found = [train]
    for split in splits:
        predictions = predictions_of(folder, split)
        found.append(program("predict", predictions, "--split", split, needs=weights))
    if attended:
        images = ("--images", str(suite.attend.images))
        found.append(program("attend", folder / "attention.npz", *images, needs=weights))
    data = describe(run.data, place.data)

    def scored(name: str, read: Path, split: str, made: Path, needs: Path) -> Stage:
        read_by = f"analysis.{name}"
        truth = data.splits[split].annotations
        words = ("--predictions", str(read), "--annotations", str(truth), "--out", str(made))
        return Stage(name, (sys.executable, "-m", read_by, *words), made, needs)

    course: list[Stage] = []
    if on_its_way:
        split = watched(run)
        traced = traced_of(folder, split)
        curve = scored("curve", traced, split, folder / "curve.csv", weights)
        # A curve that stands is left alone: the snapshots that it came from may be gone.
        if not curve.done():
            found.append(program("trace", traced, "--split", split, needs=weights))
            course = [curve]
    for split in splits:
        predictions, metrics = predictions_of(folder, split), metrics_of(folder, split)
        found.append(scored("evaluate", predictions, split, metrics, predictions))
    found += course
    if run.checkpoint is not None:
        verdict = folder / "work" / "teacher.json"
        check = (sys.executable, "-m", "workflow.models.teacher_check", "--run", str(folder))
        found.append(
            Stage("check", (*check, "--out", str(verdict)), verdict, metrics_of(folder, REPORTED))
        )
    return found


def watched(run: RunSpec) -> Split:
    """The split on which AP is followed over a training: not the reported one, unless the tune
    images are trained on."""
    return REPORTED if trains_on_tune(run.data) else "tune"


def recorded(folder: Path) -> dict[str, Any]:
    """`run.json`; empty where there is none, or none that can be read."""
    try:
        content: dict[str, Any] = json.loads((folder / "run.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return content


def waiting(steps: list[Stage]) -> list[Stage]:
    """What is still to be done: also what was made from something that is about to be made anew."""
    found: list[Stage] = []
    for stage in steps:
        if not stage.done() or stage.needs in [other.made for other in found]:
            found.append(stage)
    return found


def bundled(stages: list[Stage]) -> list[list[Stage]]:
    """Neighbours that may share a process, together; they are done in the same order."""
    bundles: list[list[Stage]] = []
    for stage in stages:
        if bundles and stage.module and bundles[-1][-1].module:
            bundles[-1].append(stage)
        else:
            bundles.append([stage])
    return bundles


def command(bundle: list[Stage]) -> tuple[str, ...]:
    if len(bundle) == 1:
        return bundle[0].command
    programs = json.dumps([stage.module for stage in bundle])
    return (sys.executable, "-m", "workflow.chain", programs)

"""Runs small enough to be carried out for real in a test."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from methods.settings.resolve import resolve
from workflow.data import catalogue
from workflow.models.schema import DetectorDefinition
from workflow.spec import RunSpec, ScheduleSpec

ITERATIONS = 8
BATCH = 4


class Tiny:
    def __init__(self, folder: Path) -> None:
        self.root, self.data_root = folder / "runs", folder / "data"
        self.specs = folder / "specs"
        self.specs.mkdir()
        self.data = catalogue.resolve("digits", {"train": 12, "tune": 2, "test": 4})
        self.teacher = self.run("teacher", "tiny-teacher", "teacher", width=16)

    def run(self, kind: Any, group: str, row: str, width: int = 8, **changes: Any) -> RunSpec:
        return RunSpec(
            kind=kind,
            group=group,
            row=row,
            seed=changes.pop("seed", 0),
            data=self.data,
            model=definition(width, **changes.pop("model", {})).model_dump(mode="json"),
            family="one-stage",
            schedule=schedule(**changes.pop("schedule", {})),
            **changes,
        )

    def student(self, row: str, settings: dict[str, Any] | None = None, **changes: Any) -> RunSpec:
        """A row of a suite's table; nothing is inherited, so that the first weights are alike."""
        recipe = resolve(row, "one-stage", settings or {}, {"inherit": False, "clip": None})
        taught = {"teacher": self.teacher, "teacher_model": self.teacher.model}
        return self.run(
            "student",
            "tiny-pair",
            row,
            methods=recipe.methods,
            options=recipe.options,
            **({**taught, **changes} if recipe.methods else changes),
        )

    def elsewhere(self, name: str) -> Path:
        """Another place for runs, in which only the teacher stands already."""
        root = self.root.parent / name
        shutil.copytree(self.root / self.teacher.id, root / self.teacher.id)
        return root

    def arguments(self, spec: RunSpec, *more: str, root: Path | None = None) -> list[str]:
        """A program's command line for this run."""
        path = self.specs / f"{spec.hash}.json"
        path.write_text(spec.model_dump_json(), encoding="utf-8")
        places = ["--root", str(root or self.root), "--data", str(self.data_root)]
        return ["--spec", str(path), *places, *more]


def definition(width: int, **options: Any) -> DetectorDefinition:
    own = {"architecture": "retinanet", "depth": 18, "width": width, "neck": 16, "head": 16}
    return DetectorDefinition(
        name=f"tiny-{width}",
        fidelity="mini",
        family="one-stage",
        options={**own, "convolutions": 1, **options},
    )


def schedule(**changes: Any) -> ScheduleSpec:
    values: dict[str, Any] = {
        "iterations": ITERATIONS,
        "batch_size": BATCH,
        "optimiser": {"type": "AdamW", "lr": 0.001, "weight_decay": 0.05, "fused": True},
        "warmup_iterations": 2,
        "milestones": (0.5,),
        "clip": 35.0,
    }
    return ScheduleSpec.model_validate({**values, **changes})


def weights(folder: Path) -> dict[str, Tensor]:
    content = torch.load(folder / "student.pth", weights_only=True)
    found: dict[str, Tensor] = content["state_dict"]
    return found


def same(one: dict[str, Tensor], other: dict[str, Tensor]) -> bool:
    """Bit by bit."""
    return one.keys() == other.keys() and all(torch.equal(one[name], other[name]) for name in one)


def record(folder: Path) -> dict[str, Any]:
    content: dict[str, Any] = json.loads((folder / "run.json").read_text(encoding="utf-8"))
    return content

"""Made-up suites on disk with known numbers: `plan.json` and run folders as `workflow` writes them.

    suite = make_suite(tmp_path, pairs=2, rows={"baseline": 40.0, "mgd": 41.5}, seeds=(0, 1, 2))
    suite.suite_dir, suite.runs_dir, suite.plan, suite.value("pair-a", "mgd", 0)

A row's AP in a pair at a seed is `rows[row] + pair offset + seed effect + noise`, so paired
differences between rows are the given ones up to `noise`.
"""

from __future__ import annotations

import gzip
import hashlib
import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from analysis.evaluate import evaluate_files

from .scenes import make_scene

ROWS = {"baseline": 40.0, "mgd": 41.5, "amd": 42.0, "amd-mask-only": 41.8, "fgd": 41.6}
TITLES = {"baseline": "Student", "mgd": "MGD", "amd": "AMD", "fgd": "FGD"}
CHANGED: dict[str, dict[str, Any]] = {"amd-mask-only": {"gate": False}}
PAIR_NAMES = ("pair-a", "pair-b", "pair-c", "pair-d")
PAIR_OFFSET = 1.5
MIB = 2**20


@dataclass
class MadeSuite:
    root: Path
    plan: dict[str, Any]
    values: dict[tuple[str, str, int], float] = field(default_factory=dict)
    inheriting: tuple[str, ...] = ()
    """Rows that start from the teacher's neck and head."""

    @property
    def suite_dir(self) -> Path:
        return self.root / "results" / "suites" / self.plan["suite"]

    @property
    def runs_dir(self) -> Path:
        return self.root / "results" / "runs"

    def id(self, group: str, row: str, seed: int) -> str:
        return next(
            run["id"]
            for run in self.plan["runs"]
            if (run["group"], run["row"], run["seed"]) == (group, row, seed)
        )

    def folder(self, group: str, row: str, seed: int) -> Path:
        return self.runs_dir / self.id(group, row, seed)

    def value(self, group: str, row: str, seed: int) -> float:
        return self.values[group, row, seed]

    def edit(self, group: str, row: str, seed: int, file: str = "run.json", **change: Any) -> None:
        """Changes fields of a run's JSON file, to make it failed, stale, foreign ..."""
        path = self.folder(group, row, seed) / file
        path.write_text(json.dumps({**json.loads(path.read_text()), **change}))

    def save_plan(self) -> None:
        self.suite_dir.mkdir(parents=True, exist_ok=True)
        (self.suite_dir / "plan.json").write_text(json.dumps(self.plan))


def make_suite(
    root: Path,
    pairs: int = 1,
    rows: dict[str, float] | None = None,
    seeds: tuple[int, ...] = (0, 1, 2),
    noise: float = 0.1,
    fidelity: str = "mini",
    predictions: bool = False,
    published: dict[str, dict[str, str]] | None = None,
    name: str = "made",
    inheriting: tuple[str, ...] = (),
) -> MadeSuite:
    """`published`: row -> key columns of published.csv; `predictions`: also write detections and
    the metrics that follow from them (then AP is not the formula's)."""
    rows = dict(ROWS) if rows is None else rows
    data = "digits" if fidelity == "mini" else "coco"
    rng = np.random.default_rng(0)
    plan: dict[str, Any] = {
        "version": 1,
        "suite": name,
        "title": "A made-up suite",
        "baseline": "baseline",
        "runs": [],
        "pairs": {},
        "methods": {
            "amd": {"title": "AMD", "citation": "Adaptive masked distillation", "year": 2025},
            "mgd": {"title": "MGD", "citation": "Yang et al., ECCV 2022", "year": 2022},
            "fgd": {"title": "FGD", "citation": "Yang et al., CVPR 2022", "year": 2022},
        },
        "tables": [],
        "figures": [],
    }
    suite = MadeSuite(root, plan, inheriting=inheriting)
    for place, group in enumerate(PAIR_NAMES[:pairs]):
        _add_pair(suite, group, place, rows, seeds, noise, fidelity, data, rng, predictions)
    suite.plan["tables"] = [
        _table(suite, "main", "results", rows, seeds, published or {}),
        _table(suite, "parts", "ablation", rows, seeds, {}, full="amd" if "amd" in rows else None),
        _table(suite, "costs", "costs", rows, seeds, {}),
        _table(suite, "published", "published", rows, seeds, published or {}),
    ]
    suite.save_plan()
    return suite


def _add_pair(
    suite: MadeSuite,
    group: str,
    place: int,
    rows: dict[str, float],
    seeds: tuple[int, ...],
    noise: float,
    fidelity: str,
    data: str,
    rng: np.random.Generator,
    predictions: bool,
) -> None:
    teacher = f"teacher-of-{group}"
    suite.plan["pairs"][group] = {
        "title": f"RetinaNet {place + 1}",
        "fidelity": fidelity,
        "family": "one-stage",
        "teacher": teacher,
        "student": f"student-{group}",
        "published_teacher": "retinanet-x101",
        "published_student": "retinanet-r50",
    }
    teacher_run = _run("teacher", teacher, "teacher", 0, data, ())
    suite.plan["runs"].append(teacher_run)
    _write_folder(suite, teacher_run, 50.0 + PAIR_OFFSET * place, False)
    for seed in seeds:
        seed_effect = rng.normal(0, 0.5)
        for row, value in rows.items():
            methods = () if row.startswith("baseline") else (row.split("-")[0],)
            run = _run("student", group, row, seed, data, methods, teacher_run["id"])
            suite.plan["runs"].append(run)
            ap = value + PAIR_OFFSET * place + seed_effect + rng.normal(0, noise)
            suite.values[group, row, seed] = ap
            _write_folder(suite, run, ap, predictions)


def _run(
    kind: str,
    group: str,
    row: str,
    seed: int,
    data: str,
    methods: tuple[str, ...],
    teacher: str | None = None,
) -> dict[str, Any]:
    digest = hashlib.sha256(f"{kind}/{data}/{group}/{row}/{seed}".encode()).hexdigest()
    return {
        "id": f"{data}/{group}/{row}/seed{seed}-{digest[:10]}",
        "hash": digest,
        "kind": kind,
        "group": group,
        "row": row,
        "seed": seed,
        "family": "one-stage",
        "data": data,
        "schedule": "2x" if data == "coco" else "mini",
        "methods": list(methods),
        "teacher": teacher,
        "classifier": None,
        "backbone": None,
    }


def _write_folder(suite: MadeSuite, run: dict[str, Any], ap: float, predictions: bool) -> None:
    folder = suite.runs_dir / run["id"]
    folder.mkdir(parents=True)
    digest = hashlib.sha256(run["id"].encode()).hexdigest()
    distilled = bool(run["methods"])
    record = {
        "id": run["id"],
        "hash": run["hash"],
        "spec": {"options": {"inherit": run["row"] in suite.inheriting, "clip": None}},
        "status": "complete",
        "reason": None,
        "started": "2026-11-01T10:00:00",
        "finished": "2026-11-01T10:30:00",
        "versions": {"torch": "2.14.1"},
        "hardware": {"device": "cpu"},
        "code_revision": "0" * 40,
        "dataset_fingerprint": "1" * 64,
        "student_sha256": digest,
        "command": "python -m workflow.train",
    }
    cost = {
        "wall_seconds": 1800.0 * (1.5 if distilled else 1.0),
        "gpu_hours": 0.5 * (1.5 if distilled else 1.0),
        "images_per_second": 40.0 / (1.5 if distilled else 1.0),
        "data_wait_share": 0.05,
        "peak_device_bytes": None,
        "peak_process_bytes": (900 if distilled else 600) * MIB,
        "energy_joules": None,
        "teacher_share": 0.2 if distilled else 0.0,
        "student_share": 0.7,
        "loss_share": 0.1 if distilled else 0.0,
        "device": "cpu",
        "iterations": 1000,
        "attempts": 1,
    }
    metrics: dict[str, Any] = {
        **{name: ap + shift for name, shift in {"AP": 0, "AP50": 20.0, "AP75": 1.0}.items()},
        "APS": ap - 15,
        "APM": ap + 2,
        "APL": ap + 8,
        "AR1": 30.0,
        "AR10": 50.0,
        "AR100": 55.0,
        "ARS": 30.0,
        "ARM": 50.0,
        "ARL": 60.0,
        "per_class": {"one": ap - 1, "two": ap + 1},
        "area_limits": {"small": [0, 1024], "medium": [1024, 9216], "large": [9216, 1e10]},
        "images": 200,
        "detections": 2000,
        "engine": "hotcoco 1.3.0",
        "annotations_sha256": "a" * 64,
        "predictions_sha256": digest,
        "warnings": [],
    }
    (folder / "run.json").write_text(json.dumps(record))
    (folder / "cost.json").write_text(json.dumps(cost))
    (folder / "metrics.json").write_text(json.dumps(metrics))
    if predictions:
        _write_predictions(suite, folder, run)


def _write_predictions(suite: MadeSuite, folder: Path, run: dict[str, Any]) -> None:
    """Same images for all; every run keeps another share of the good detections."""
    content, results = make_scene(0, images=30, detections_per_image=20)
    truth = suite.root / "data" / "digits-00000000" / "annotations" / "test.json"
    if not truth.exists():
        truth.parent.mkdir(parents=True)
        truth.write_text(json.dumps(content))
    rng = np.random.default_rng(int(run["hash"][:8], 16))
    kept = [r for n, r in enumerate(results) if n % 2 or rng.random() < 0.8]
    path = folder / "predictions.json.gz"
    path.write_bytes(gzip.compress(json.dumps(kept).encode(), mtime=0))
    evaluate_files(path, truth, folder / "metrics.json")


def _table(
    suite: MadeSuite,
    name: str,
    kind: str,
    rows: dict[str, float],
    seeds: tuple[int, ...],
    published: dict[str, dict[str, str]],
    full: str | None = None,
) -> dict[str, Any]:
    cells = [
        {
            "row": row,
            "title": TITLES.get(row, row),
            "group": group,
            "runs": [suite.id(group, row, seed) for seed in seeds],
            "methods": [] if row.startswith("baseline") else [row.split("-")[0]],
            "changed": CHANGED.get(row, {}),
            "baseline": [suite.id(group, "baseline", seed) for seed in seeds],
            "published": dict(published[row]) if row in published else None,
        }
        for group in suite.plan["pairs"]
        for row in rows
    ]
    return {
        "name": name,
        "title": f"The {name} table",
        "kind": kind,
        "caption": "",
        "full": full,
        "paper": "",
        "paper_table": "",
        "cells": cells,
    }


def two_schedules(suite: MadeSuite, ending: str = "-long") -> None:
    """Rows of this ending are trained under a schedule of their own, `4x`, and are over the
    baseline that is so too."""
    for run in suite.plan["runs"]:
        if run["row"].endswith(ending):
            run["schedule"] = "4x"
    for table in suite.plan["tables"]:
        for cell in table["cells"]:
            if cell["row"].endswith(ending):
                seeds = range(len(cell["runs"]))
                base = [suite.id(cell["group"], f"baseline{ending}", seed) for seed in seeds]
                cell["baseline"] = base
    suite.save_plan()

"""Made-up attention, agreement and histories for the run folders of a made-up suite."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import numpy as np

from .factory import MadeSuite

LEVELS = (("P3", 8), ("P4", 16), ("P5", 32), ("P6", 64))
CHANNELS = 16
WIDTH = 6
"""Of the vectors that FKD relates cells by."""
MAP_OF = {"mgd": "mask", "amd": "mask", "fgd": "weight", "fkd": "weight", "fgfi": "mask"}
"""Methods without a mask or a weight show their error."""
SKILL = {"teacher": 3.0, "student": 1.5, "distilled": 2.5, "before": 0.0}


def made_scene(
    id: int, width: int = 160, height: int = 128, scale: float = 1.0, padded: int | None = None
) -> dict[str, Any]:
    """One entry of `meta.images`, with two boxes."""
    return {
        "id": id,
        "file_name": f"{id}.png",
        "height": height,
        "width": width,
        "padded_height": padded or _up(height * scale),
        "padded_width": padded or _up(width * scale),
        "scale": scale,
        "boxes": [[20.0, 24.0, 60.0, 70.0], [90.0 + 4 * id, 60.0, 130.0, 100.0]],
        "labels": [1, 2],
    }


def _up(side: float) -> int:
    return int(-(-side // 64) * 64)


def maps_of(
    scenes: list[dict[str, Any]], stride: int, skill: float, rng: np.random.Generator
) -> np.ndarray:
    """(N, h, w) of mean 1, higher in the boxes the greater the skill."""
    found = []
    for scene in scenes:
        h, w = scene["padded_height"] // stride, scene["padded_width"] // stride
        ys = (np.arange(h) + 0.5) * stride / scene["scale"]
        xs = (np.arange(w) + 0.5) * stride / scene["scale"]
        values = rng.normal(0, 0.35, (h, w))
        for x1, y1, x2, y2 in scene["boxes"]:
            near = np.exp(-(((ys - (y1 + y2) / 2) / (y2 - y1)) ** 2) * 2)
            across = np.exp(-(((xs - (x1 + x2) / 2) / (x2 - x1)) ** 2) * 2)
            values += skill * np.outer(near, across)
        weights = np.exp(values)
        found.append(weights / weights.mean())
    return np.stack(found).astype(np.float32)


def add_attention(suite: MadeSuite, scenes: list[dict[str, Any]] | None = None) -> None:
    """attention.npz for the first seed of every student, the baseline without its teacher."""
    scenes = [made_scene(1), made_scene(2)] if scenes is None else scenes
    first = min(run["seed"] for run in suite.plan["runs"] if run["kind"] == "student")
    for run in suite.plan["runs"]:
        if run["kind"] == "student" and run["seed"] == first:
            folder = suite.runs_dir / run["id"]
            if folder.is_dir():
                write_attention(folder, run["methods"], scenes)


def write_attention(folder: Path, methods: list[str], scenes: list[dict[str, Any]]) -> None:
    rng = np.random.default_rng(abs(hash_of(folder.as_posix())))
    arrays: dict[str, np.ndarray] = {}
    for number, (_, stride) in enumerate(LEVELS):
        shared = np.random.default_rng(number)  # one teacher for all rows
        arrays[f"before/{number}"] = maps_of(scenes, stride, SKILL["before"], shared)
        teacher = maps_of(scenes, stride, SKILL["teacher"], shared)
        skill = SKILL["distilled" if methods else "student"]
        arrays[f"student/{number}"] = maps_of(scenes, stride, skill, rng)
        if methods:
            arrays[f"teacher/{number}"] = teacher
        for method in methods:
            kind = MAP_OF.get(method, "error")
            arrays[f"{method}.{kind}/{number}"] = _shown(method, kind, teacher, rng)
            if method == "amd":
                gates = rng.random((len(scenes), CHANNELS)).astype(np.float32)
                arrays[f"amd.gate/{number}"] = gates
            if method == "fkd":
                shape = (len(scenes), WIDTH, *teacher.shape[1:])  # (N, C, h, w)
                for network in ("teacher", "student"):
                    for what in ("query", "key"):
                        vectors = rng.normal(0, 0.3, shape).astype(np.float16)
                        arrays[f"fkd.{network}_{what}/{number}"] = vectors
    meta = {
        "images": scenes,
        "levels": [{"name": name, "stride": stride} for name, stride in LEVELS],
        "temperature": 0.5,
    }
    np.savez_compressed(folder / "attention.npz", meta=np.array(json.dumps(meta)), **arrays)


def hash_of(text: str) -> int:
    return sum(ord(letter) * (place + 1) for place, letter in enumerate(text[-60:]))


def _shown(method: str, kind: str, teacher: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    if method == "mgd":
        return (rng.random(teacher.shape) > 0.65).astype(np.float32)
    if kind == "mask":
        return (teacher < 1.0).astype(np.float32)
    if kind == "weight":
        return teacher
    return (0.1 * rng.random(teacher.shape)).astype(np.float32)


def add_agreement(
    suite: MadeSuite, iterations: tuple[int, ...] = (0, 50, 100), apart: float = 0.0
) -> None:
    """agreement.csv where there is an attention.npz and a teacher in it; rows lie `apart`."""
    rows = list(dict.fromkeys(run["row"] for run in suite.plan["runs"]))
    for path in sorted(suite.runs_dir.glob("*/*/*/*/attention.npz")):
        with np.load(path) as content:
            if "teacher/0" not in content.files:
                continue
        further = apart * rows.index(path.parents[1].name)
        with (path.parent / "agreement.csv").open("w", newline="") as file:
            writer = csv.writer(file, lineterminator="\n")
            writer.writerow(("iteration", "level", "region", "correlation", "kl"))
            for step, iteration in enumerate(iterations):
                for place, (level, _) in enumerate(LEVELS):
                    for region, shift in (("all", 0.0), ("inside", 0.05), ("outside", -0.05)):
                        value = 0.4 + 0.2 * step + 0.02 * place + shift + further
                        kl = 0.3 - 0.1 * step + further
                        known = not (region == "inside" and level == "P6")
                        row = (f"{value:.6g}", f"{kl:.6g}") if known else ("", "")
                        writer.writerow((iteration, level, region, *row))


def add_histories(suite: MadeSuite, lines: int = 20) -> None:
    """history.csv of every student."""
    for run in suite.plan["runs"]:
        folder = suite.runs_dir / run["id"]
        if run["kind"] != "student" or not folder.is_dir():
            continue
        rng = np.random.default_rng(hash_of(run["id"]))
        terms = [f"distill.{method}.rebuild" for method in run["methods"]]
        with (folder / "history.csv").open("w", newline="") as file:
            writer = csv.writer(file, lineterminator="\n")
            head = ("iteration", "epoch", "lr", "loss", "loss_cls", "loss_bbox")
            writer.writerow((*head, *terms, "seconds", "data_seconds"))
            for step in range(1, lines + 1):
                fallen = np.exp(-3 * step / lines)
                losses = [
                    fallen + 0.1 * rng.random() + 0.2,
                    0.7 * fallen + 0.05 * rng.random() + 0.1,
                ]
                own = [float(2 * fallen + 0.05 * rng.random()) for _ in terms]
                total = sum(losses) + sum(own)
                row = [step * 10, step / lines, 0.01, total, *losses, *own, 0.1, 0.01]
                writer.writerow(row)


def add_curves(suite: MadeSuite, iterations: tuple[int, ...] = (0, 100, 200)) -> None:
    """curve.csv for the first seed of every student."""
    first = min(run["seed"] for run in suite.plan["runs"] if run["kind"] == "student")
    for run in suite.plan["runs"]:
        folder = suite.runs_dir / run["id"]
        if run["kind"] != "student" or run["seed"] != first or not folder.is_dir():
            continue
        with (folder / "curve.csv").open("w", newline="") as file:
            writer = csv.writer(file, lineterminator="\n")
            writer.writerow(("iteration", "split", "images", "AP"))
            end = 20 + hash_of(run["id"]) % 10
            for step, iteration in enumerate(iterations):
                writer.writerow((iteration, "tune", 30, end * step / (len(iterations) - 1)))

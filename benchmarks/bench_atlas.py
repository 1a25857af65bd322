"""Time of drawing a mask atlas: 12 images, 5 levels, 8 methods, on images of COCO's size.

    python -m benchmarks.bench_atlas [--images 12] [--methods 8]

Exit code 1 where it takes longer than a minute.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from analysis.figures.make import FOLDER, make_figure
from analysis.plan import FigurePlan, read_plan
from analysis.records import read_records
from analysis.statistics.images import ImageUncertainty

LIMIT_SECONDS = 60.0
LEVELS = (("P3", 8), ("P4", 16), ("P5", 32), ("P6", 64), ("P7", 128))
WIDTH, HEIGHT, SCALE = 640, 480, 800 / 480
PADDED = (800, 1088)
GROUP, DATA = "pair", "coco"


def write_suite(root: Path, images: int, methods: int) -> Path:
    """A suite of one pair, its runs with nothing but what an atlas reads."""
    truth = _write_images(root / "data" / "coco-bench", images)
    rows = ["baseline", *(f"method-{number}" for number in range(methods))]
    runs, cells = [], []
    baseline = ""
    for row in rows:
        digest = hashlib.sha256(row.encode()).hexdigest()
        id = f"{DATA}/{GROUP}/{row}/seed0-{digest[:10]}"
        baseline = baseline or id
        keys = [] if row == "baseline" else [row]
        runs.append(
            {"id": id, "hash": digest, "kind": "student", "group": GROUP, "row": row, "seed": 0}
            | {"data": DATA, "methods": keys}
        )
        cells.append(
            {"row": row, "title": row, "group": GROUP, "runs": [id], "methods": keys}
            | {"baseline": [baseline]}
        )
        _write_run(root / "runs" / id, id, digest, keys, images, truth)
    pair = {"title": GROUP, "fidelity": "coco", "family": "one-stage", "teacher": "t"}
    plan = {
        "version": 1,
        "suite": "bench",
        "title": "Bench",
        "runs": runs,
        "pairs": {GROUP: {**pair, "student": "s"}},
        "tables": [{"name": "main", "title": "Main", "kind": "results", "cells": cells}],
        "figures": [{"name": "atlas", "kind": "atlas", "title": "Atlas"}],
    }
    suite_dir = root / "suite"
    suite_dir.mkdir()
    (suite_dir / "plan.json").write_text(json.dumps(plan))
    return suite_dir


def _write_images(folder: Path, images: int) -> str:
    rng = np.random.default_rng(0)
    (folder / "images" / "test").mkdir(parents=True)
    (folder / "annotations").mkdir()
    for number in range(images):
        coarse = rng.integers(0, 255, (6, 8, 3), np.uint8)
        picture = Image.fromarray(coarse).resize((WIDTH, HEIGHT), Image.Resampling.BICUBIC)
        picture.save(folder / "images" / "test" / f"{number}.jpg")
    content = json.dumps({"images": [], "annotations": [], "categories": []})
    (folder / "annotations" / "test.json").write_text(content)
    return hashlib.sha256(content.encode()).hexdigest()


def _write_run(
    folder: Path, id: str, digest: str, methods: list[str], images: int, truth: str
) -> None:
    folder.mkdir(parents=True)
    (folder / "run.json").write_text(json.dumps({"id": id, "hash": digest, "status": "complete"}))
    metrics = {"AP": 40.0, "annotations_sha256": truth, "images": images}
    (folder / "metrics.json").write_text(json.dumps(metrics))
    rng = np.random.default_rng(int(digest[:8], 16))
    arrays: dict[str, Any] = {}
    for number, (_, stride) in enumerate(LEVELS):
        shape = (images, -(-PADDED[0] // stride), -(-PADDED[1] // stride))
        for what in ("before", "student", *(["teacher"] if methods else [])):
            arrays[f"{what}/{number}"] = np.exp(rng.normal(0, 1, shape)).astype(np.float32)
        for method in methods:
            kept = (rng.random(shape) > 0.5).astype(np.float32)
            arrays[f"{method}.mask/{number}"] = kept
    scenes = [
        {"id": n, "file_name": f"{n}.jpg", "height": HEIGHT, "width": WIDTH, "scale": SCALE}
        | {"padded_height": PADDED[0], "padded_width": PADDED[1]}
        | {"boxes": [[40.0 + 60 * k, 60.0, 120.0 + 60 * k, 300.0] for k in range(7)]}
        for n in range(images)
    ]
    levels = [{"name": name, "stride": stride} for name, stride in LEVELS]
    meta = json.dumps({"images": scenes, "levels": levels, "temperature": 0.5})
    np.savez_compressed(folder / "attention.npz", meta=np.array(meta), **arrays)


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="benchmarks.bench_atlas", description=__doc__)
    parser.add_argument("--images", type=int, default=12)
    parser.add_argument("--methods", type=int, default=8)
    given = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        suite_dir = write_suite(root, given.images, given.methods)
        start = time.perf_counter()
        cpu = time.process_time()
        plan = read_plan(suite_dir)
        records = read_records(plan, root / "runs")
        images = ImageUncertainty(root / "data", suite_dir / "measured")
        figure: FigurePlan = plan.figures[0]
        entries = make_figure(figure, records, images, suite_dir / FOLDER)
        seconds, cpu = time.perf_counter() - start, time.process_time() - cpu
        size = sum(path.stat().st_size for path in (suite_dir / FOLDER).iterdir())
    print(
        f"{given.images} images x {len(LEVELS)} levels x {given.methods} methods: "
        f"{len(entries)} pages in {seconds:.1f} s ({cpu:.1f} s of processor time), "
        f"{size / 2**20:.1f} MiB; limit {LIMIT_SECONDS:.0f} s"
    )
    return 0 if seconds <= LIMIT_SECONDS else 1


if __name__ == "__main__":
    sys.exit(main())

"""Time and memory of evaluating 5,000 images with 500,000 detections, beside pycocotools, and of
1,000 resamples of those images.

    python -m benchmarks.bench_evaluation [--images 5000] [--detections 500000] [--skip-reference]

Each engine runs in a process of its own, from file to metrics, so that loading is counted and the
memory is its own. Exit code 1 where a limit is passed or the engines disagree.
"""

from __future__ import annotations

import argparse
import gzip
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

from workflow.machine import peak_bytes

LIMIT_SECONDS = 3.0
"""For the engine, at the default size."""
RESAMPLING = "resampling"
RESAMPLES, RESAMPLING_LIMIT_SECONDS = 1000, 20.0
CLASSES = 80
BOXES_PER_IMAGE = 7
IMAGE = (640.0, 480.0)


def write_problem(folder: Path, images: int, detections: int) -> tuple[Path, Path]:
    """COCO-like sizes and counts; a third of the detections lie near a true box."""
    rng = np.random.default_rng(0)
    count = images * BOXES_PER_IMAGE
    where, label = rng.integers(1, images + 1, count), rng.integers(1, CLASSES + 1, count)
    size = np.exp(rng.uniform(np.log(8), np.log(300), (count, 2)))
    boxes = np.concatenate([rng.random((count, 2)) * (np.array(IMAGE) - size), size], axis=1)
    crowd = rng.random(count) < 0.01
    truth = {
        "images": [
            {"id": i, "width": int(IMAGE[0]), "height": int(IMAGE[1])} for i in range(1, images + 1)
        ],
        "categories": [{"id": c, "name": f"class {c}"} for c in range(1, CLASSES + 1)],
        "annotations": [
            {
                "id": n + 1,
                "image_id": int(where[n]),
                "category_id": int(label[n]),
                "bbox": boxes[n].tolist(),
                "area": float(size[n].prod() * 0.7),
                "iscrowd": int(crowd[n]),
            }
            for n in range(count)
        ],
    }
    near = rng.random(detections) < 1 / 3
    source = rng.integers(0, count, detections)
    size = rng.uniform(5, 200, (detections, 2))
    found = np.concatenate([rng.random((detections, 2)) * (np.array(IMAGE) - size), size], axis=1)
    shaken = boxes[source] * (1 + rng.normal(0, 0.05, (detections, 4)))
    found = np.where(near[:, None], shaken, found)
    found_where = np.where(near, where[source], rng.integers(1, images + 1, detections))
    found_label = np.where(near, label[source], rng.integers(1, CLASSES + 1, detections))
    scores = np.round(
        np.clip(rng.beta(1, 6, detections) + 0.3 * near * rng.random(detections), 0, 1), 5
    )
    results = [
        {
            "image_id": image,
            "category_id": category,
            "bbox": box,
            "score": score,
        }
        for image, category, box, score in zip(
            found_where.tolist(),
            found_label.tolist(),
            np.round(found, 2).tolist(),
            scores.tolist(),
            strict=True,
        )
    ]
    annotations, predictions = folder / "annotations.json", folder / "predictions.json.gz"
    annotations.write_text(json.dumps(truth))
    predictions.write_bytes(gzip.compress(json.dumps(results).encode(), 5, mtime=0))
    return annotations, predictions


def measure(annotations: Path, predictions: Path, engine: str) -> None:
    """Runs in the child process: times of the parts, peak memory and the answer, as JSON."""
    from analysis.evaluate import evaluate
    from analysis.evaluate_input import read_annotations, read_detections

    before = time.perf_counter()
    truth = read_annotations(annotations)
    read_truth = time.perf_counter()
    found = read_detections(predictions, truth)
    read_found = time.perf_counter()
    metrics = evaluate(truth, found, engine)  # type: ignore[arg-type]
    done = time.perf_counter()
    print(
        json.dumps(
            {
                "engine": metrics["engine"],
                "annotations": read_truth - before,
                "detections": read_found - read_truth,
                "scoring": done - read_found,
                "total": done - before,
                "peak_gib": peak_bytes() / 2**30,
                "AP": metrics["AP"],
                "APS": metrics["APS"],
            }
        )
    )


def measure_resampling(annotations: Path, predictions: Path) -> None:
    """In the child process: matching and resampling of the images, from loaded detections."""
    from analysis.evaluate_input import read_annotations, read_detections
    from analysis.statistics.bootstrap import resample_images
    from analysis.statistics.matching import match

    truth = read_annotations(annotations)
    found = read_detections(predictions, truth)
    before = time.perf_counter()
    matches = match(truth, found)
    matched = time.perf_counter()
    sample = resample_images(matches, RESAMPLES)
    done = time.perf_counter()
    interval = sample.interval()
    print(
        json.dumps(
            {
                "matching": matched - before,
                "resampling": done - matched,
                "total": done - before,
                "peak_gib": peak_bytes() / 2**30,
                "AP": interval.value,
                "low": interval.low,
                "high": interval.high,
            }
        )
    )


def in_child(paths: tuple[Path, Path], what: str) -> dict[str, Any]:
    command = [sys.executable, "-m", "benchmarks.bench_evaluation", "--child"]
    done = subprocess.run(
        [*command, *map(str, paths), what], check=True, stdout=subprocess.PIPE, text=True
    )
    row: dict[str, Any] = json.loads(done.stdout)
    return row


def main() -> int:
    parser = argparse.ArgumentParser(description="evaluation, measured beside pycocotools")
    parser.add_argument("--images", type=int, default=5000)
    parser.add_argument("--detections", type=int, default=500_000)
    parser.add_argument("--skip-reference", action="store_true")
    parser.add_argument("--child", nargs=3, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.child:
        annotations, predictions, what = given.child
        if what == RESAMPLING:
            measure_resampling(Path(annotations), Path(predictions))
        else:
            measure(Path(annotations), Path(predictions), what)
        return 0
    engines = ["hotcoco"] if given.skip_reference else ["hotcoco", "pycocotools"]
    print(f"{given.images} images, {given.detections} detections, seconds")
    print(f"{'engine':20} {'truth':>7} {'found':>7} {'scoring':>8} {'total':>7} {'GiB':>5}  AP")
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        paths = write_problem(Path(folder), given.images, given.detections)
        for engine in engines:
            row = in_child(paths, engine)
            rows.append(row)
            print(
                f"{row['engine']:20} {row['annotations']:7.2f} {row['detections']:7.2f} "
                f"{row['scoring']:8.2f} {row['total']:7.2f} {row['peak_gib']:5.2f}  {row['AP']:.6f}"
            )
        again = in_child(paths, RESAMPLING)
    print(
        f"{RESAMPLES} resamples of the images: matching {again['matching']:.2f}, resampling "
        f"{again['resampling']:.2f}, total {again['total']:.2f}, {again['peak_gib']:.2f} GiB; "
        f"AP {again['AP']:.6f} [{again['low']:.2f}, {again['high']:.2f}]"
    )
    agree = all(abs(row["AP"] - rows[0]["AP"]) < 1e-6 for row in rows)
    fast = rows[0]["total"] <= LIMIT_SECONDS and again["total"] <= RESAMPLING_LIMIT_SECONDS
    return 0 if agree and fast else 1


if __name__ == "__main__":
    sys.exit(main())

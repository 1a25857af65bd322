"""COCO metrics of one prediction file.

    python -m analysis.evaluate --predictions predictions.json.gz --annotations test.json \\
        --out metrics.json [--engine hotcoco|pycocotools]

In percent, null where there is no ground truth to find. Small, medium and large are what the
data set says they are (`info.area_limits`), and COCO's own where it says nothing.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

import numpy as np

from analysis.errors import run_program
from analysis.evaluate_engines import (
    ENGINES,
    MAX_DETECTIONS,
    Engine,
    accumulate,
    engine_name,
)
from analysis.evaluate_input import Annotations, Detections, read_annotations, read_detections
from analysis.files import write_json

AREA_LETTERS = ("", "S", "M", "L")
AP_METRICS = ("AP", "AP50", "AP75", "APS", "APM", "APL")
AR_METRICS = ("AR1", "AR10", "AR100", "ARS", "ARM", "ARL")
IOU_50, IOU_75 = 0, 5
"""Rows of COCO's thresholds 0.50, 0.55, ..., 0.95."""


def evaluate(
    annotations: Annotations, detections: Detections, engine: Engine = "hotcoco"
) -> dict[str, Any]:
    """The content of `metrics.json`."""
    precision, recall = accumulate(annotations, detections, engine)
    return {
        **summarise(precision, recall),
        "per_class": {
            name: _percent(precision[:, :, number, 0, -1])
            for number, name in enumerate(annotations.class_names.values())
        },
        "area_limits": {size: list(limits) for size, limits in annotations.area_limits.items()},
        "images": len(annotations.truth["images"]),
        "detections": len(detections),
        "engine": engine_name(engine),
        "annotations_sha256": annotations.sha256,
        "predictions_sha256": detections.sha256,
        "warnings": list(detections.warnings),
    }


def summarise(precision: np.ndarray, recall: np.ndarray) -> dict[str, float | None]:
    """Twelve numbers from precision (T, R, K, A, M) and recall (T, K, A, M)."""
    metrics = {
        "AP": _percent(precision[..., 0, -1]),
        "AP50": _percent(precision[IOU_50, ..., 0, -1]),
        "AP75": _percent(precision[IOU_75, ..., 0, -1]),
    }
    for area, letter in enumerate(AREA_LETTERS[1:], start=1):
        metrics[f"AP{letter}"] = _percent(precision[..., area, -1])
    for place, limit in enumerate(MAX_DETECTIONS):
        metrics[f"AR{limit}"] = _percent(recall[..., 0, place])
    for area, letter in enumerate(AREA_LETTERS[1:], start=1):
        metrics[f"AR{letter}"] = _percent(recall[..., area, -1])
    return metrics


def _percent(values: np.ndarray) -> float | None:
    present = values[values > -1]
    return float(100 * present.mean()) if present.size else None


def evaluate_files(
    predictions: Path, annotations: Path, out: Path, engine: Engine = "hotcoco"
) -> dict[str, Any]:
    truth = read_annotations(annotations)
    metrics = evaluate(truth, read_detections(predictions, truth), engine)
    write_json(out, metrics)
    return metrics


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="analysis.evaluate", description="COCO metrics")
    parser.add_argument("--predictions", type=Path, required=True, help="COCO results, .json[.gz]")
    parser.add_argument("--annotations", type=Path, required=True, help="COCO annotations")
    parser.add_argument("--out", type=Path, required=True, help="metrics.json to write")
    parser.add_argument("--engine", choices=ENGINES, default="hotcoco")
    given = parser.parse_args(arguments)

    def program() -> None:
        metrics = evaluate_files(given.predictions, given.annotations, given.out, given.engine)
        for warning in metrics["warnings"]:
            print(f"warning: {given.predictions}: {warning}", file=sys.stderr)
        shown = (f"{name} {_show(metrics[name])}" for name in AP_METRICS)
        print("  ".join(shown) + f"  ({metrics['engine']})")

    return run_program(program)


def _show(value: float | None) -> str:
    return "-" if value is None else f"{value:.1f}"


if __name__ == "__main__":
    sys.exit(main())

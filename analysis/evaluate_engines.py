"""COCO's precision and recall arrays from either evaluator, over the same checked input.

hotcoco is the engine, pycocotools the reference it is held to: both are given the same boxes in
the same order, and both answers are summarised by the same code, so a difference between them can
only come from the matching itself.
"""

from __future__ import annotations

import contextlib
import io
from importlib.metadata import version
from typing import Literal

import numpy as np

from analysis.evaluate_input import FARTHEST, SIZES, Annotations, Detections

Engine = Literal["hotcoco", "pycocotools"]
ENGINES: tuple[Engine, ...] = ("hotcoco", "pycocotools")
MAX_DETECTIONS = (1, 10, 100)


def engine_name(engine: Engine) -> str:
    return f"{engine} {version(engine)}"


def accumulate(
    annotations: Annotations, detections: Detections, engine: Engine
) -> tuple[np.ndarray, np.ndarray]:
    """Precision (IoU 10, recall 101, class, area 4, detections 3) and recall without the second
    axis; -1 where there is no ground truth. Areas: all, small, medium, large."""
    areas = [[0.0, FARTHEST], *(list(annotations.area_limits[size]) for size in SIZES)]
    run = _hotcoco if engine == "hotcoco" else _pycocotools
    return run(annotations, detections, areas)


def _hotcoco(
    annotations: Annotations, detections: Detections, areas: list[list[float]]
) -> tuple[np.ndarray, np.ndarray]:
    import hotcoco

    truth = hotcoco.COCO(annotations.truth)
    columns = (
        detections.image_ids[:, None],
        detections.boxes,
        detections.scores[:, None],
        detections.category_ids[:, None],
    )
    found = truth.load_res(np.concatenate(columns, axis=1))  # (D, 7)
    evaluator = hotcoco.COCOeval(truth, found, "bbox")
    evaluator.params.area_rng = areas
    evaluator.params.max_dets = list(MAX_DETECTIONS)
    evaluator.evaluate()
    evaluator.accumulate()
    assert evaluator.eval is not None
    return np.asarray(evaluator.eval["precision"]), np.asarray(evaluator.eval["recall"])


def _pycocotools(
    annotations: Annotations, detections: Detections, areas: list[list[float]]
) -> tuple[np.ndarray, np.ndarray]:
    from pycocotools.coco import COCO
    from pycocotools.cocoeval import COCOeval

    truth, found = COCO(), COCO()
    # pycocotools writes marks into the annotations: they are copied, not shared.
    truth.dataset = {
        **annotations.truth,
        "annotations": [dict(a) for a in annotations.truth["annotations"]],
    }
    # Its loadRes refuses an empty list, so the detections are laid in by hand.
    found.dataset = {
        "images": annotations.truth["images"],
        "categories": annotations.truth["categories"],
        "annotations": [
            {
                "id": number,
                "image_id": image,
                "category_id": category,
                "bbox": box,
                "area": box[2] * box[3],
                "score": score,
                "iscrowd": 0,
            }
            for number, (image, category, box, score) in enumerate(
                zip(
                    detections.image_ids.tolist(),
                    detections.category_ids.tolist(),
                    detections.boxes.tolist(),
                    detections.scores.tolist(),
                    strict=True,
                ),
                start=1,
            )
        ],
    }
    with contextlib.redirect_stdout(io.StringIO()):
        truth.createIndex()
        found.createIndex()
        evaluator = COCOeval(truth, found, "bbox")
        evaluator.params.areaRng = areas
        evaluator.params.maxDets = list(MAX_DETECTIONS)
        evaluator.evaluate()
        evaluator.accumulate()
    return evaluator.eval["precision"], evaluator.eval["recall"]

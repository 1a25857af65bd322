"""Random detection problems with every oddity that decides how COCO counts."""

from __future__ import annotations

from typing import Any

import numpy as np


def make_scene(
    seed: int,
    images: int = 12,
    classes: int = 3,
    boxes_per_image: int = 6,
    detections_per_image: int = 25,
    crowd_share: float = 0.0,
    score_levels: int | None = None,
    area_limits: dict[str, list[float]] | None = None,
) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """COCO annotations and a results list; few `score_levels` make many equal scores."""
    rng = np.random.default_rng(seed)
    side = 200.0
    annotations: list[dict[str, Any]] = []
    results: list[dict[str, Any]] = []
    for image in range(1, images + 1):
        truth = _boxes(rng, boxes_per_image, side)
        for box in truth:
            annotations.append(
                {
                    "id": len(annotations),  # starts at 0 on purpose
                    "image_id": image,
                    "category_id": int(rng.integers(1, classes + 1)),
                    "bbox": box.tolist(),
                    "area": float(box[2] * box[3] * rng.uniform(0.5, 1.0)),
                    "iscrowd": int(rng.random() < crowd_share),
                }
            )
        here = annotations[len(annotations) - boxes_per_image :]
        for number in range(detections_per_image):
            near = here and number % 2 == 0
            source = here[int(rng.integers(len(here)))] if near else None
            box = _boxes(rng, 1, side)[0]
            label = int(rng.integers(1, classes + 1))
            if source is not None:
                noise = rng.normal(0, 0.08, 4) * np.tile(source["bbox"][2:], 2)
                box = np.asarray(source["bbox"]) + noise
                box[2:] = np.maximum(box[2:], 1.0)
                label = source["category_id"] if rng.random() < 0.9 else label
            score = float(rng.random())
            if score_levels:
                score = float(np.ceil(score * score_levels) / score_levels)
            results.append(
                {
                    "image_id": image,
                    "category_id": label,
                    "bbox": [float(v) for v in box],
                    "score": score,
                }
            )
    content: dict[str, Any] = {
        "images": [
            {"id": i, "width": int(side), "height": int(side), "file_name": f"{i}.png"}
            for i in range(1, images + 1)
        ],
        "annotations": annotations,
        "categories": [{"id": c, "name": f"class {c}"} for c in range(1, classes + 1)],
    }
    if area_limits:
        content["info"] = {"area_limits": area_limits}
    return content, results


def _boxes(rng: np.random.Generator, count: int, side: float) -> np.ndarray:
    sizes = np.exp(rng.uniform(np.log(6), np.log(120), (count, 2)))
    corners = rng.random((count, 2)) * (side - sizes)
    return np.concatenate([corners, sizes], axis=1)  # (count, 4)

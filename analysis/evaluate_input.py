"""Annotations and detections as checked arrays: what is wrong is named before it is scored."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import chain
from operator import itemgetter
from pathlib import Path
from typing import Any

import numpy as np

from analysis.errors import AnalysisError, some
from analysis.files import parse_json, read_bytes

SIZES = ("small", "medium", "large")
FARTHEST = 1e10
"""COCO's 'no upper limit'."""
COCO_AREA_LIMITS: dict[str, tuple[float, float]] = {
    "small": (0.0, 32.0**2),
    "medium": (32.0**2, 96.0**2),
    "large": (96.0**2, FARTHEST),
}
OUTSIDE_TOLERANCE = 1.0
"""Pixels by which a box may leave its image before it is counted: rounding is no mistake."""


@dataclass(frozen=True)
class Annotations:
    """Ground truth of one split; `truth` is the COCO dictionary with every field filled in."""

    truth: dict[str, Any]
    area_limits: dict[str, tuple[float, float]]
    sha256: str = ""

    @property
    def image_ids(self) -> list[int]:
        return sorted(image["id"] for image in self.truth["images"])

    @property
    def class_names(self) -> dict[int, str]:
        """By category id, in order of id, as evaluators number them."""
        return {c["id"]: c["name"] for c in sorted(self.truth["categories"], key=itemgetter("id"))}


@dataclass(frozen=True)
class Detections:
    """Columns of a COCO results list, in file order (which decides between equal scores)."""

    image_ids: np.ndarray  # (D,) int64
    category_ids: np.ndarray  # (D,) int64
    boxes: np.ndarray  # (D, 4) x, y, width, height
    scores: np.ndarray  # (D,)
    sha256: str = ""
    warnings: tuple[str, ...] = field(default=())

    def __len__(self) -> int:
        return len(self.scores)


def read_annotations(path: Path) -> Annotations:
    content, digest = read_bytes(path)
    return check_annotations(parse_json(content, path), str(path), digest)


def check_annotations(content: Any, name: str, sha256: str = "") -> Annotations:
    if not isinstance(content, dict):
        raise AnalysisError(f"{name}: expected a COCO annotation object, found a list or a value")
    for key in ("images", "annotations", "categories"):
        if not isinstance(content.get(key), list):
            raise AnalysisError(f"{name}: the list `{key}` is missing from the annotations")
    try:
        images: list[dict[str, Any]] = [
            {**image, "id": int(image["id"])} for image in content["images"]
        ]
        categories: list[dict[str, Any]] = [
            {"id": int(c["id"]), "name": str(c["name"])} for c in content["categories"]
        ]
        # Numbered afresh from 1: pycocotools takes an annotation with id 0 for 'no match'.
        boxes: list[dict[str, Any]] = [
            {
                "id": number,
                "image_id": int(a["image_id"]),
                "category_id": int(a["category_id"]),
                "bbox": [float(v) for v in a["bbox"]],
                "area": float(a.get("area", a["bbox"][2] * a["bbox"][3])),
                "iscrowd": int(a.get("iscrowd", 0)),
            }
            for number, a in enumerate(content["annotations"], start=1)
        ]
    except (KeyError, TypeError, ValueError, IndexError) as error:
        raise AnalysisError(
            f"{name}: an image, category or annotation lacks a field or has a bad one: {error!r}"
        ) from None
    image_ids = {int(image["id"]) for image in images}
    class_ids = {int(c["id"]) for c in categories}
    names = {str(c["name"]) for c in categories}
    for what, given, unique in (
        ("image ids", len(images), len(image_ids)),
        ("category ids", len(categories), len(class_ids)),
        ("category names", len(categories), len(names)),
    ):
        if given != unique:
            raise AnalysisError(f"{name}: {what} are not unique")
    for what, used, known in (
        ("image", {int(a["image_id"]) for a in boxes}, image_ids),
        ("category", {int(a["category_id"]) for a in boxes}, class_ids),
    ):
        if used - known:
            raise AnalysisError(
                f"{name}: annotations name unknown {what} ids: {some(sorted(used - known))}"
            )
    return Annotations(
        {"images": images, "annotations": boxes, "categories": categories},
        _area_limits(content.get("info"), name),
        sha256,
    )


def _area_limits(info: Any, name: str) -> dict[str, tuple[float, float]]:
    limits = info.get("area_limits") if isinstance(info, dict) else None
    if limits is None:
        return dict(COCO_AREA_LIMITS)
    try:
        found = {size: (float(limits[size][0]), float(limits[size][1])) for size in SIZES}
        ordered = all(low < high for low, high in found.values())
    except (KeyError, TypeError, ValueError, IndexError):
        ordered = False
    if not ordered:
        raise AnalysisError(
            f"{name}: info.area_limits must give [low, high] with low < high for small, medium "
            f"and large; found {limits!r}"
        )
    return found


@contextmanager
def _no_garbage_collection() -> Iterator[None]:
    """A million fresh lists hold no cycles; walking them again and again doubles the time."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


def read_detections(path: Path, annotations: Annotations) -> Detections:
    content, digest = read_bytes(path)
    with _no_garbage_collection():
        return check_detections(parse_json(content, path), annotations, str(path), digest)


def check_detections(
    content: Any, annotations: Annotations, name: str, sha256: str = ""
) -> Detections:
    """Unknown ids, missing fields and numbers that are none are errors; boxes that leave their
    image are counted and told, because detectors do produce them and COCO scores them."""
    if not isinstance(content, list):
        raise AnalysisError(
            f"{name}: expected a list of detections, found {type(content).__name__}"
        )
    try:
        count = len(content)
        image_ids = np.fromiter(map(itemgetter("image_id"), content), np.int64, count)
        category_ids = np.fromiter(map(itemgetter("category_id"), content), np.int64, count)
        scores = np.fromiter(map(itemgetter("score"), content), np.float64, count)
        flat = np.fromiter(chain.from_iterable(map(itemgetter("bbox"), content)), np.float64)
        boxes = flat.reshape(count, 4)
    except (KeyError, TypeError, ValueError):
        raise AnalysisError(_first_malformed(content, name)) from None
    for key, ids, known in (
        ("image_id", image_ids, annotations.image_ids),
        ("category_id", category_ids, list(annotations.class_names)),
    ):
        unknown = np.unique(ids[~np.isin(ids, known)])
        if len(unknown):
            raise AnalysisError(
                f"{name}: detections name a `{key}` that the annotations do not have: "
                f"{some(unknown)}"
            )
    for what, broken in (
        ("a score that is not a finite number", ~np.isfinite(scores)),
        ("a box that is not finite", ~np.isfinite(boxes).all(1)),
        ("a box of negative width or height", (boxes[:, 2:] < 0).any(1)),
    ):
        if broken.any():
            entries = np.flatnonzero(broken)
            raise AnalysisError(
                f"{name}: {what}: entry {some(entries)} (image id {some(image_ids[entries])})"
            )
    warnings = _warnings(image_ids, boxes, annotations)
    return Detections(image_ids, category_ids, boxes, scores, sha256, warnings)


def _warnings(
    image_ids: np.ndarray, boxes: np.ndarray, annotations: Annotations
) -> tuple[str, ...]:
    if not len(boxes):
        return ("there is no detection at all",)
    known = sorted(annotations.truth["images"], key=itemgetter("id"))
    sizes = np.array(
        [(i.get("width", FARTHEST), i.get("height", FARTHEST)) for i in known], np.float64
    )  # (I, 2)
    size = sizes[np.searchsorted([i["id"] for i in known], image_ids)]
    low, high = boxes[:, :2], boxes[:, :2] + boxes[:, 2:]
    outside = (low < -OUTSIDE_TOLERANCE).any(1) | (high > size + OUTSIDE_TOLERANCE).any(1)
    if not outside.any():
        return ()
    ids = np.unique(image_ids[outside])
    return (f"{outside.sum()} boxes leave their image, on image id {some(ids)}",)


def _first_malformed(content: list[Any], name: str) -> str:
    for number, entry in enumerate(content):
        if not isinstance(entry, dict):
            return (
                f"{name}: entry {number} is not an object with image_id, category_id, bbox, score"
            )
        for key in ("image_id", "category_id", "bbox", "score"):
            if key not in entry:
                return f"{name}: entry {number} has no `{key}`"
        box = entry["bbox"]
        if not (isinstance(box, list) and len(box) == 4):
            return f"{name}: entry {number}: `bbox` must be [x, y, width, height], found {box!r}"
        for key, values in (
            ("image_id", [entry["image_id"]]),
            ("category_id", [entry["category_id"]]),
            ("bbox", box),
            ("score", [entry["score"]]),
        ):
            allowed = int if key.endswith("id") else (int, float)
            if not all(isinstance(v, allowed) for v in values):
                return f"{name}: entry {number}: `{key}` must be numbers, found {entry[key]!r}"
    return f"{name}: the detections cannot be read as numbers"

"""Checks of a whole COCO-format file's values, on columns."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from workflow.data.report import Report
from workflow.data.tables import UNKNOWN, Annotations, Categories, Images, Integers

SLACK = 1.0
"""Pixels that a box may reach over its image's border: rounding, which COCO itself has."""


def check_ids(ids: Integers, what: str, report: Report) -> None:
    values, counts = np.unique(ids[ids != UNKNOWN], return_counts=True)
    twice = counts > 1
    numbers = counts[twice]
    report.add_all("duplicate-id", values[twice], lambda i: f"{what}, {numbers[i]} times")


def check_classes(
    categories: Categories, annotations: Annotations, classes: Sequence[str] | None, report: Report
) -> None:
    used = np.isin(categories.ids, annotations.categories[annotations.crowds == 0])
    for identity, name, is_used in zip(categories.ids, categories.names, used, strict=True):
        expected = classes is None or name in classes
        if not expected:
            report.add("classes", identity, f"{name!r} is none of the expected classes")
        if expected and not is_used and identity != UNKNOWN:
            report.add("empty-class", identity, name)
    for name in classes or ():
        if name not in categories.names:
            report.add("classes", name, "expected, and not among the categories")


def check_annotations(
    annotations: Annotations, categories: Categories, images: Images, report: Report
) -> None:
    ids = annotations.ids
    usable = annotations.categories != UNKNOWN
    stray = usable & ~np.isin(annotations.categories, categories.ids)
    _tell(report, "unknown-category", ids, stray, annotations.categories, "category_id {}")
    known = _place_of(annotations.images, images.ids)
    stray = (annotations.images != UNKNOWN) & (known < 0)
    _tell(report, "unknown-image", ids, stray, annotations.images, "image_id {}")
    _tell(report, "id-zero", ids, ids == 0, ids, "id {}")
    with np.errstate(invalid="ignore"):
        bad_area = annotations.areas <= 0
    width, height = annotations.boxes[:, 2], annotations.boxes[:, 3]
    with np.errstate(invalid="ignore"):
        negative = (width < 0) | (height < 0)
        empty = ~negative & ((width == 0) | (height == 0))
    text = "bbox {}"
    _tell(report, "box-negative", ids, negative, annotations.boxes, text)
    _tell(report, "box-zero-area", ids, empty, annotations.boxes, text)
    # An empty box's area is told with the box.
    _tell(report, "area", ids, bad_area & ~empty, annotations.areas, "area {}")
    _check_inside(annotations, images, known, report)


def _check_inside(
    annotations: Annotations, images: Images, known: Integers, report: Report
) -> None:
    sizes = np.full((len(known), 2), UNKNOWN, np.int64)
    sizes[known >= 0] = images.sizes[known[known >= 0]]
    boxes = annotations.boxes
    with np.errstate(invalid="ignore"):
        far = boxes[:, :2] + np.maximum(boxes[:, 2:], 0)
        outside = ((boxes[:, :2] < -SLACK) | (far > sizes + SLACK)).any(axis=1)
    outside &= sizes[:, 0] != UNKNOWN
    where = np.flatnonzero(outside)
    report.add_all(
        "box-outside",
        annotations.ids[where],
        lambda i: (
            f"bbox {boxes[where[i]].tolist()}, image {annotations.images[where[i]]} of "
            f"{sizes[where[i], 0]}x{sizes[where[i], 1]}"
        ),
    )


def _place_of(values: Integers, among: Integers) -> Integers:
    """Index of each value in `among`, -1 where it is not there."""
    if not len(among):
        return np.full(len(values), -1, np.int64)
    order = np.argsort(among, kind="stable")
    at = np.minimum(np.searchsorted(among[order], values), len(among) - 1)
    return np.where(among[order][at] == values, order[at], -1)


def _tell(
    report: Report,
    kind: str,
    ids: Integers,
    where: NDArray[np.bool_],
    values: NDArray[np.generic],
    text: str,
) -> None:
    places = np.flatnonzero(where)
    report.add_all(kind, ids[places], lambda i: text.format(values[places[i]].tolist()))

"""How far the student attends to what the teacher attends to, over the training."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]
COLUMNS = ("iteration", "level", "region", "correlation", "kl")
REGIONS = ("all", "inside", "outside")
TINY = 1e-12


def inside_boxes(
    boxes: Sequence[Sequence[float]], scale: float, stride: float, shape: tuple[int, int]
) -> Array:
    """(h, w) of whether a cell's centre lies in a box; boxes are in image pixels."""
    rows = (np.arange(shape[0]) + 0.5) * stride / scale
    columns = (np.arange(shape[1]) + 0.5) * stride / scale
    found = np.zeros(shape, bool)
    for x1, y1, x2, y2 in boxes:
        found |= np.outer((rows >= y1) & (rows < y2), (columns >= x1) & (columns < x2))
    return found


def in_image(size: tuple[int, int], stride: float, shape: tuple[int, int]) -> Array:
    """(h, w) of whether a cell's centre lies in the image, not in its padding."""
    rows, columns = (
        (np.arange(n) + 0.5) * stride < side for n, side in zip(shape, size, strict=True)
    )
    return np.outer(rows, columns)


def compare(teacher: Array, student: Array, cells: Array) -> tuple[float, float] | None:
    """(Pearson correlation, KL divergence of the student's from the teacher's attention) over the
    chosen cells; None where there are too few to say."""
    one, other = teacher[cells].astype(np.float64), student[cells].astype(np.float64)
    if len(one) < 3 or one.std() < TINY or other.std() < TINY:
        return None
    p, q = one / one.sum(), other / other.sum()
    divergence = float((p * np.log((p + TINY) / (q + TINY))).sum())
    return float(np.corrcoef(one, other)[0, 1]), divergence


def rows(
    iteration: int,
    name: str,
    teacher: Array,  # (N, h, w)
    student: Array,  # (N, h, w)
    inside: Array,  # (N, h, w) bool
    valid: Array,  # (N, h, w) bool
) -> list[dict[str, Any]]:
    """Means over the images that have something to say."""
    masks = {"all": valid, "inside": inside & valid, "outside": ~inside & valid}
    found = []
    for region in REGIONS:
        values = [
            value for value in map(compare, teacher, student, masks[region]) if value is not None
        ]
        means = np.mean(values, axis=0).tolist() if values else [None, None]
        found.append(dict(zip(COLUMNS, (iteration, name, region, *means), strict=True)))
    return found


def as_csv(found: Sequence[dict[str, Any]]) -> str:
    text = io.StringIO()
    writer = csv.DictWriter(text, COLUMNS, restval="", lineterminator="\n")
    writer.writeheader()
    for row in found:
        writer.writerow({n: f"{v:.6g}" if isinstance(v, float) else v for n, v in row.items()})
    return text.getvalue()

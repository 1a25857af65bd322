"""Uncertainty from the choice of test images, for one trained model.

**Another kind of uncertainty than the seeds'.** It says how much the figure of this very model
would move with other test images of the same kind, and nothing about training it again. Images
are drawn with replacement; drawing an image twice is counting its boxes and detections twice, so
a resample is a vector of weights and AP follows from weighted sums over the same sorted
detections: no matching is done again.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from analysis.statistics.estimates import SIGNIFICANCE
from analysis.statistics.matching import ClassMatches, Matches

KIND = "images"
"""The label that every such interval carries; intervals over runs are of kind `seeds`."""
RECALLS = np.linspace(0.0, 1.0, 101)
CHUNK = 128
"""Resamples at a time: rows of this length stay in the processor's cache."""


@dataclass(frozen=True)
class ImageInterval:
    """Around the model's own figure, as wide as the resamples' percentiles.

    Resamples repeat images, and AP rises a little with repeated images: their mean lies `bias`
    above the figure. That shift is a property of repeating, so the percentiles are moved back by
    it; unmoved ones can miss the very figure that they belong to."""

    value: float
    sd: float
    bias: float
    low: float
    high: float
    resamples: int
    images: int
    kind: str = KIND


def draw_weights(images: int, resamples: int, seed: int = 0) -> np.ndarray:
    """How often every image is drawn, (I, B); the same seed pairs two models' resamples."""
    rng = np.random.default_rng(seed)
    weights = np.empty((images, resamples), np.float32)
    for number in range(resamples):
        weights[:, number] = np.bincount(rng.integers(0, images, images), minlength=images)
    return weights


def average_precision(matches: Matches, weights: np.ndarray) -> np.ndarray:
    """AP in percent per IoU threshold and resample, (T, B); NaN where no class has a box.

    With all weights 1 it is the evaluator's AP."""
    parts = []
    for start in range(0, weights.shape[1], CHUNK):
        chunk = np.ascontiguousarray(weights[:, start : start + CHUNK])
        per_class = np.stack([_class_precision(own, chunk) for own in matches.classes])  # (K, T, B)
        present = np.isfinite(per_class)
        count = present.sum(0)
        total = np.where(present, per_class, 0.0).sum(0)
        parts.append(np.divide(total, count, out=np.full(total.shape, np.nan), where=count > 0))
    return 100 * np.concatenate(parts, axis=1)


def _class_precision(own: ClassMatches, weights: np.ndarray) -> np.ndarray:
    levels, resamples = len(own.hits), weights.shape[1]
    boxes = weights[own.truth].sum(0, dtype=np.float64)  # (B,)
    result = np.zeros((levels, resamples))
    some_hit = np.flatnonzero(own.hits.any(0))
    if len(some_hit):
        # Behind the last hit nothing can raise precision or recall any more.
        seen = np.cumsum(weights[own.images[: some_hit[-1] + 1]], axis=0)  # (D, B)
        for level in range(levels):
            result[level] = _level_precision(own, level, seen, weights, boxes)
    result[:, boxes == 0] = np.nan
    return result


def _level_precision(
    own: ClassMatches, level: int, seen: np.ndarray, weights: np.ndarray, boxes: np.ndarray
) -> np.ndarray:
    """Precision is highest at hits, so only those are looked at: (H, B) instead of (D, B)."""
    hits = np.flatnonzero(own.hits[level])
    if not len(hits):
        return np.zeros(len(boxes))
    right = np.cumsum(weights[own.images[hits]], axis=0)  # (H, B)
    counted = seen[hits]
    ignored = np.flatnonzero(own.ignored[level, : hits[-1]])
    if len(ignored):
        before = np.searchsorted(ignored, hits)
        skipped = np.cumsum(weights[own.images[ignored]], axis=0)
        counted -= np.concatenate([np.zeros_like(skipped[:1]), skipped])[before]
    np.maximum(counted, 1, out=counted)  # nothing drawn yet: 0 of 1
    precision = right / counted
    envelope = np.maximum.accumulate(precision[::-1], axis=0)[::-1]
    reached = _recall_points(right, boxes)
    steps = np.diff(reached, axis=0, prepend=np.float32(0))
    return np.einsum("hb,hb->b", envelope, steps, dtype=np.float64) / len(RECALLS)


def _recall_points(right: np.ndarray, boxes: np.ndarray) -> np.ndarray:
    """How many of the 101 recall points are reached, (H, B): the last k with RECALLS[k] <= recall,
    compared in the same floating point as the evaluators do."""
    recall = right.astype(np.float64) / np.maximum(boxes, 1)
    point = np.floor(recall * 100 + 1e-9).astype(np.int64)
    np.minimum(point, len(RECALLS) - 1, out=point)
    return (point + 1 - (RECALLS[point] > recall)).astype(np.float32)


@dataclass(frozen=True)
class ImageSample:
    """One model's AP (or a difference of two), and what it was on every resample."""

    value: float
    drawn: np.ndarray  # (B,)
    images: int

    def minus(self, other: ImageSample) -> ImageSample:
        """The difference over the same resampled images, sharper than either figure."""
        if self.images != other.images or len(self.drawn) != len(other.drawn):
            raise ValueError("paired resampling needs two models scored on the same images")
        return ImageSample(self.value - other.value, self.drawn - other.drawn, self.images)

    def interval(self) -> ImageInterval:
        drawn = self.drawn[np.isfinite(self.drawn)]
        if len(drawn) < 2:
            raise ValueError("no interval: the resampled images hold no box of any class")
        tail = 50 * SIGNIFICANCE
        bias = float(drawn.mean()) - self.value
        low, high = np.percentile(drawn, [tail, 100 - tail]) - bias
        sd = float(drawn.std(ddof=1))
        return ImageInterval(self.value, sd, bias, float(low), float(high), len(drawn), self.images)


def resample_images(
    matches: Matches, resamples: int = 1000, seed: int = 0, levels: Sequence[int] | None = None
) -> ImageSample:
    """AP, or AP at some IoU thresholds only: [0] is AP50, [5] is AP75."""
    chosen = slice(None) if levels is None else list(levels)
    value = average_precision(matches, np.ones((matches.images, 1), np.float32))
    drawn = average_precision(matches, draw_weights(matches.images, resamples, seed))
    return ImageSample(float(value[chosen].mean()), drawn[chosen].mean(0), matches.images)

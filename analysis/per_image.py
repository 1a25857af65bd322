"""How well one model does on each image: for finding the images that a method helped or hurt."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from analysis.evaluate_input import Annotations, Detections
from analysis.statistics.matching import IOU_THRESHOLDS, Matches, match

THRESHOLDS = np.linspace(0.05, 0.95, 19)


@dataclass(frozen=True)
class ImageScores:
    """F1 of every image, the mean over COCO's thresholds of overlap, with the detections that
    reach `threshold`: the score at which the model's own F1 over all images is best. AP of one
    image would be decided by detections that nobody would show."""

    values: np.ndarray  # (I,)
    threshold: float


def image_scores(annotations: Annotations, detections: Detections) -> ImageScores:
    matches = match(annotations, detections)
    by_threshold = [_f1(matches, threshold) for threshold in THRESHOLDS]
    overall = [total for _, total in by_threshold]
    best = int(np.argmax(overall))
    return ImageScores(by_threshold[best][0], float(THRESHOLDS[best]))


def _f1(matches: Matches, threshold: float) -> tuple[np.ndarray, float]:
    """(per image, over all images at the lowest overlap); 1 where nothing is there nor found."""
    images, levels = matches.images, len(IOU_THRESHOLDS)
    right = np.zeros((levels, images))
    wrong = np.zeros((levels, images))
    truth = np.zeros(images)
    for own in matches.classes:
        shown = own.scores >= threshold
        truth += np.bincount(own.truth, minlength=images)
        for level in range(levels):
            hits = own.images[shown & own.hits[level]]
            false = own.images[shown & ~own.hits[level] & ~own.ignored[level]]
            right[level] += np.bincount(hits, minlength=images)
            wrong[level] += np.bincount(false, minlength=images)
    counted = right + wrong + truth  # found and there
    each = np.divide(2 * right, counted, out=np.ones_like(right), where=counted > 0)
    whole = counted[0].sum()
    return each.mean(axis=0), float(2 * right[0].sum() / whole) if whole else 0.0

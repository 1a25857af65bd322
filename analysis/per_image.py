"""How well one model does on each image: for finding the images that a method helped or hurt."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from analysis.evaluate_input import Annotations, Detections
from analysis.statistics.matching import IOU_THRESHOLDS, Matches, match

THRESHOLDS = np.linspace(0.05, 0.95, 19)


@dataclass(frozen=True)
class ImageScores:
    """Right less wrong detections on every image, the mean over COCO's thresholds of overlap, of
    those that reach `threshold`: the score at which the model's F1 over all images is best. AP of
    one image would be decided by detections that nobody would show, and its F1 by a single wrong
    one where the image has no object."""

    values: np.ndarray  # (I,)
    threshold: float


def image_scores(annotations: Annotations, detections: Detections) -> ImageScores:
    matches = match(annotations, detections)
    counted = [_count(matches, threshold) for threshold in THRESHOLDS]
    best = int(np.argmax([f1 for _, f1 in counted]))
    return ImageScores(counted[best][0], float(THRESHOLDS[best]))


def _count(matches: Matches, threshold: float) -> tuple[np.ndarray, float]:
    """(right less wrong per image, F1 over all images at the lowest overlap)."""
    images, levels = matches.images, len(IOU_THRESHOLDS)
    right = np.zeros((levels, images))
    wrong = np.zeros((levels, images))
    truth = 0
    for own in matches.classes:
        shown = own.scores >= threshold
        truth += len(own.truth)
        for level in range(levels):
            hits = own.images[shown & own.hits[level]]
            false = own.images[shown & ~own.hits[level] & ~own.ignored[level]]
            right[level] += np.bincount(hits, minlength=images)
            wrong[level] += np.bincount(false, minlength=images)
    whole = right[0].sum() + wrong[0].sum() + truth  # found and there
    f1 = float(2 * right[0].sum() / whole) if whole else 0.0
    return (right - wrong).mean(axis=0), f1

"""COCO's greedy matching of detections to boxes, for all images and thresholds at once.

The evaluators keep their matches to themselves or hand them out slowly (a minute for a COCO-sized
problem); the bootstrap over images needs them. Same rules: per image and class the best 100
detections, by descending score, each take the best free box at or above the threshold; boxes that
do not count (crowds, other sizes) only where no counting box is left.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from analysis.evaluate_engines import MAX_DETECTIONS
from analysis.evaluate_input import FARTHEST, Annotations, Detections

IOU_THRESHOLDS = np.linspace(0.5, 0.95, 10)
EVERYTHING = (0.0, FARTHEST)


@dataclass(frozen=True)
class ClassMatches:
    """One class's detections by descending score."""

    images: np.ndarray  # (D,) index of the image
    scores: np.ndarray  # (D,)
    hits: np.ndarray  # (T, D) matched to a box that counts
    ignored: np.ndarray  # (T, D) neither right nor wrong
    truth: np.ndarray  # (G,) image index of every box that counts


@dataclass(frozen=True)
class Matches:
    classes: tuple[ClassMatches, ...]
    images: int


@dataclass(frozen=True)
class _Boxes:
    """Sorted by class, then image; `group` is one number for both."""

    group: np.ndarray
    image: np.ndarray
    boxes: np.ndarray


def match(
    annotations: Annotations, detections: Detections, area: tuple[float, float] = EVERYTHING
) -> Matches:
    image_ids, class_ids = annotations.image_ids, list(annotations.class_names)
    truth, crowd, out_of_range = _truth(annotations, image_ids, class_ids, area)
    counts_not = crowd | out_of_range
    found, scores = _found(detections, image_ids, class_ids)
    hits, ignored = _greedy(truth, crowd, counts_not, found)  # (T, D)
    size = found.boxes[:, 2] * found.boxes[:, 3]
    ignored |= ~(hits | ignored) & ((size < area[0]) | (size > area[1]))
    classes = []
    for number in range(len(class_ids)):
        own = _slice(found.group // len(image_ids), number)
        order = np.argsort(-scores[own], kind="stable") + own.start
        boxes = _slice(truth.group // len(image_ids), number)
        classes.append(
            ClassMatches(
                found.image[order],
                scores[order],
                hits[:, order],
                ignored[:, order],
                truth.image[boxes][~counts_not[boxes]],
            )
        )
    return Matches(tuple(classes), len(image_ids))


def _slice(sorted_keys: np.ndarray, key: int) -> slice:
    return slice(*np.searchsorted(sorted_keys, [key, key + 1]).tolist())


def _truth(
    annotations: Annotations,
    image_ids: list[int],
    class_ids: list[int],
    area: tuple[float, float],
) -> tuple[_Boxes, np.ndarray, np.ndarray]:
    entries = annotations.truth["annotations"]
    image = np.searchsorted(image_ids, [a["image_id"] for a in entries]).astype(np.int64)
    label = np.searchsorted(class_ids, [a["category_id"] for a in entries]).astype(np.int64)
    boxes = np.array([a["bbox"] for a in entries], np.float64).reshape(-1, 4)
    sizes = np.array([a["area"] for a in entries], np.float64)
    crowd = np.array([bool(a["iscrowd"]) for a in entries], bool)
    group = label * len(image_ids) + image
    order = np.argsort(group, kind="stable")
    outside = (sizes < area[0]) | (sizes > area[1])
    return _Boxes(group[order], image[order], boxes[order]), crowd[order], outside[order]


def _found(
    detections: Detections, image_ids: list[int], class_ids: list[int]
) -> tuple[_Boxes, np.ndarray]:
    image = np.searchsorted(image_ids, detections.image_ids).astype(np.int64)
    group = np.searchsorted(class_ids, detections.category_ids) * len(image_ids) + image
    order = np.lexsort((-detections.scores, group))  # stable: the file decides between equals
    rank = _position_in_run(group[order])
    order = order[rank < MAX_DETECTIONS[-1]]
    boxes = _Boxes(group[order], image[order], detections.boxes[order])
    return boxes, detections.scores[order]


def _position_in_run(keys: np.ndarray) -> np.ndarray:
    """0, 1, 2, ... within every run of equal neighbours."""
    if not len(keys):
        return np.zeros(0, np.int64)
    starts = np.flatnonzero(np.r_[True, keys[1:] != keys[:-1]])
    lengths = np.diff(np.r_[starts, len(keys)])
    return np.arange(len(keys)) - np.repeat(starts, lengths)


def _greedy(
    truth: _Boxes, crowd: np.ndarray, counts_not: np.ndarray, found: _Boxes
) -> tuple[np.ndarray, np.ndarray]:
    """(hits, ignored), both (T, D). Which box a detection likes best does not depend on the
    threshold, so candidates are ordered once; then all groups take one step together, because no
    two groups share a box."""
    detection, box, overlap = _candidates(truth, crowd, found)
    preference = np.lexsort((-box, -overlap, counts_not[box], detection))
    detection, box, overlap = detection[preference], box[preference], overlap[preference]
    choice = _position_in_run(detection)
    involved, place = np.unique(detection, return_inverse=True)
    turn = _position_in_run(found.group[involved])[place]
    by_step = np.lexsort((choice, turn))
    detection, box, overlap = detection[by_step], box[by_step], overlap[by_step]
    step = turn[by_step] * (choice.max(initial=0) + 1) + choice[by_step]
    bounds = np.flatnonzero(np.r_[True, step[1:] != step[:-1], True]) if len(step) else [0]

    levels = len(IOU_THRESHOLDS)
    taken = np.zeros((levels, len(truth.group)), bool)
    matched = np.zeros((levels, len(found.group)), bool)
    ignored = np.zeros_like(matched)
    lowest = IOU_THRESHOLDS[:, None]
    for start, stop in pairwise(bounds):
        d, g = detection[start:stop], box[start:stop]
        takes = (overlap[start:stop] >= lowest) & ~matched[:, d] & (~taken[:, g] | crowd[g])
        matched[:, d] |= takes
        ignored[:, d] |= takes & counts_not[g]
        taken[:, g] |= takes
    return matched & ~ignored, ignored


def _candidates(
    truth: _Boxes, crowd: np.ndarray, found: _Boxes
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Detection, box and overlap of every pair in one image and class that reaches 0.5."""
    first = np.searchsorted(truth.group, found.group, "left")
    count = np.searchsorted(truth.group, found.group, "right") - first
    detection = np.repeat(np.arange(len(count)), count)
    offset = np.arange(len(detection)) - np.repeat(np.cumsum(count) - count, count)
    box = first[detection] + offset
    one, other = found.boxes[detection], truth.boxes[box]  # (P, 4)
    low = np.maximum(one[:, :2], other[:, :2])
    high = np.minimum(one[:, :2] + one[:, 2:], other[:, :2] + other[:, 2:])
    sides = np.maximum(high - low, 0.0)
    shared = sides[:, 0] * sides[:, 1]
    own = one[:, 2] * one[:, 3]
    union = np.where(crowd[box], own, own + other[:, 2] * other[:, 3] - shared)
    overlap = np.divide(shared, union, out=np.zeros_like(shared), where=union > 0)
    near = overlap >= IOU_THRESHOLDS[0]
    return detection[near], box[near], overlap[near]

"""The bootstrap over images: same matches as the evaluators, same AP, and honest intervals."""

from __future__ import annotations

import copy
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analysis.evaluate import evaluate
from analysis.evaluate_input import Annotations, Detections, check_annotations, check_detections
from analysis.statistics.bootstrap import (
    ImageSample,
    average_precision,
    draw_weights,
    resample_images,
)
from analysis.statistics.matching import Matches, match

from ..scenes import make_scene
from ..test_evaluate import CASES

TOLERANCE = 1e-5
"""Weights are summed in single precision."""


def read(content: Any, results: Any) -> tuple[Annotations, Detections]:
    truth = check_annotations(content, "truth")
    return truth, check_detections(results, truth, "found")


def every(matches: Matches) -> np.ndarray:
    return np.ones((matches.images, 1), np.float32)


def assert_same_precision(truth: Annotations, found: Detections) -> None:
    metrics = evaluate(truth, found)
    areas = {"": (0.0, 1e10)} | {k[0].upper(): v for k, v in truth.area_limits.items()}
    for letter, area in areas.items():
        matches = match(truth, found, area)
        precision = average_precision(matches, every(matches))[:, 0]  # (T,)
        expected = metrics[f"AP{letter}"]
        if expected is None:
            assert np.isnan(precision).all()
        else:
            assert precision.mean() == pytest.approx(expected, abs=TOLERANCE)
        if not letter and expected is not None:
            assert precision[0] == pytest.approx(metrics["AP50"], abs=TOLERANCE)
            assert precision[5] == pytest.approx(metrics["AP75"], abs=TOLERANCE)


@pytest.mark.parametrize("case", CASES)
def test_weights_of_one_give_the_evaluators_ap(case: str) -> None:
    assert_same_precision(*read(*make_scene(7, **CASES[case])))


@settings(max_examples=40, deadline=None)
@given(
    seed=st.integers(0, 2**32 - 1),
    images=st.integers(1, 5),
    boxes=st.integers(0, 12),
    detections=st.integers(0, 40),
    crowd=st.sampled_from([0.0, 0.3]),
    levels=st.sampled_from([None, 1, 4]),
)
def test_weights_of_one_give_the_evaluators_ap_anywhere(
    seed: int, images: int, boxes: int, detections: int, crowd: float, levels: int
) -> None:
    assert_same_precision(*read(*make_scene(seed, images, 2, boxes, detections, crowd, levels)))


def test_a_weight_counts_an_image_that_often() -> None:
    """Against the evaluator on a set in which the images really stand several times."""
    content, results = make_scene(3, images=8, crowd_share=0.1)
    times = [2, 0, 1, 3, 0, 1, 1, 0]
    repeated: dict[str, Any] = {**content, "images": [], "annotations": []}
    found: list[dict[str, Any]] = []
    for image, count in zip(content["images"], times, strict=True):
        for _ in range(count):
            id = len(repeated["images"]) + 1
            repeated["images"].append({**image, "id": id})
            for source, target in (
                (content["annotations"], repeated["annotations"]),
                (results, found),
            ):
                own = [copy.deepcopy(e) for e in source if e["image_id"] == image["id"]]
                target.extend({**e, "image_id": id} for e in own)
    expected = evaluate(*read(repeated, found))
    weights = np.array(times, np.float32)[:, None]
    precision = average_precision(match(*read(content, results)), weights)
    assert precision.mean() == pytest.approx(expected["AP"], abs=TOLERANCE)


def test_interval_surrounds_the_models_own_figure() -> None:
    matches = match(*read(*make_scene(5, images=60)))
    found = resample_images(matches, 300).interval()
    assert found.kind == "images"
    assert found.low < found.value < found.high
    assert found == resample_images(matches, 300).interval()
    assert resample_images(matches, 300, levels=[0]).value > found.value


def test_no_box_no_interval() -> None:
    matches = match(*read(*make_scene(5, boxes_per_image=0)))
    with pytest.raises(ValueError, match="no box of any class"):
        resample_images(matches, 10).interval()


def test_pairing_the_images_sharpens_a_difference() -> None:
    content, results = make_scene(5, images=80)
    worse = [r for n, r in enumerate(results) if n % 9]
    one = resample_images(match(*read(content, results)), 300)
    other = resample_images(match(*read(content, worse)), 300)
    difference = one.minus(other).interval()
    assert difference.value == pytest.approx(one.value - other.value)
    assert difference.sd < one.interval().sd
    assert one.minus(one).interval().high == 0.0
    with pytest.raises(ValueError, match="same images"):
        one.minus(resample_images(match(*read(*make_scene(5, images=9))), 300))


def coverage(trials: int, resamples: int, images: int = 80, pool: int = 1200) -> float:
    """Test sets drawn from a pool of images; the truth is the mean AP of such sets."""
    matches = match(*read(*make_scene(2, images=pool, boxes_per_image=4, detections_per_image=10)))
    rng = np.random.default_rng(0)
    sets = rng.multinomial(images, np.full(pool, 1 / pool), trials).T.astype(np.float32)
    values = average_precision(matches, sets).mean(0)
    truth = values.mean()
    inside = 0
    for number in range(trials):
        share = sets[:, number].astype(np.float64) / images
        weights = rng.multinomial(images, share / share.sum(), resamples).T.astype(np.float32)
        drawn = average_precision(matches, weights).mean(0)
        found = ImageSample(float(values[number]), drawn, images).interval()
        inside += found.low <= truth <= found.high
    return inside / trials


def test_coverage() -> None:
    """Neither too narrow nor so wide that next to nothing is ever missed."""
    assert 0.88 < coverage(trials=80, resamples=120) < 0.98


@pytest.mark.slow
def test_coverage_closely() -> None:
    assert 0.92 < coverage(trials=400, resamples=300) < 0.98


def test_every_image_is_drawn_as_often_on_average() -> None:
    weights = draw_weights(50, 400)
    assert (weights.sum(0) == 50).all()
    assert weights.mean() == 1.0
    assert abs(weights.var() - 0.98) < 0.05  # binomial with 50 draws: 1 - 1/50

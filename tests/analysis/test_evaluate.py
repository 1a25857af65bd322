"""The fast evaluator equals the reference, and bad input is told in words."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analysis.errors import AnalysisError
from analysis.evaluate import AP_METRICS, AR_METRICS, evaluate, main
from analysis.evaluate_input import check_annotations, check_detections

from .scenes import make_scene

TOLERANCE = 1e-6
LIMITS = {"small": [0, 300.0], "medium": [300.0, 2500.0], "large": [2500.0, 1e10]}

CASES: dict[str, dict[str, Any]] = {
    "random": {},
    "own area limits": {"area_limits": LIMITS},
    "tied scores": {"score_levels": 3},
    "all scores equal": {"score_levels": 1},
    "crowd flags": {"crowd_share": 0.4},
    "only crowds": {"crowd_share": 1.0},
    "crowded": {"images": 2, "boxes_per_image": 60, "detections_per_image": 420, "classes": 2},
    "crowded, tied, flagged": {
        "images": 3,
        "boxes_per_image": 40,
        "detections_per_image": 300,
        "classes": 1,
        "crowd_share": 0.2,
        "score_levels": 4,
        "area_limits": LIMITS,
    },
    "no ground truth": {"boxes_per_image": 0},
    "no detections": {"detections_per_image": 0},
    "nothing": {"boxes_per_image": 0, "detections_per_image": 0},
}


def both_engines(content: Any, results: Any) -> tuple[dict[str, Any], dict[str, Any]]:
    truth = check_annotations(content, "truth")
    found = check_detections(results, truth, "found")
    return evaluate(truth, found, "hotcoco"), evaluate(truth, found, "pycocotools")


def assert_same(ours: dict[str, Any], reference: dict[str, Any]) -> None:
    for name in (*AP_METRICS, *AR_METRICS):
        assert_close(ours[name], reference[name], name)
    assert ours["per_class"].keys() == reference["per_class"].keys()
    for name, value in ours["per_class"].items():
        assert_close(value, reference["per_class"][name], name)


def assert_close(value: float | None, expected: float | None, name: str) -> None:
    if expected is None or value is None:
        assert value is expected, name
    else:
        assert value == pytest.approx(expected, abs=TOLERANCE), name


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("seed", range(3))
def test_engine_equals_reference(case: str, seed: int) -> None:
    assert_same(*both_engines(*make_scene(seed, **CASES[case])))


@settings(max_examples=40, deadline=None)
@given(
    seed=st.integers(0, 2**32 - 1),
    images=st.integers(1, 5),
    classes=st.integers(1, 3),
    boxes=st.integers(0, 8),
    detections=st.integers(0, 30),
    crowd=st.sampled_from([0.0, 0.3]),
    levels=st.sampled_from([None, 1, 2, 5]),
)
def test_engine_equals_reference_anywhere(
    seed: int, images: int, classes: int, boxes: int, detections: int, crowd: float, levels: int
) -> None:
    scene = make_scene(seed, images, classes, boxes, detections, crowd, levels, LIMITS)
    assert_same(*both_engines(*scene))


def test_known_answer() -> None:
    """One perfect box and one miss of equal class: half of the recall range at precision 1."""
    content = {
        "images": [{"id": 7, "width": 100, "height": 100}],
        "annotations": [
            {"id": 0, "image_id": 7, "category_id": 3, "bbox": [10, 10, 20, 20]},
            {"id": 1, "image_id": 7, "category_id": 3, "bbox": [60, 60, 20, 20]},
        ],
        "categories": [{"id": 3, "name": "cat"}, {"id": 4, "name": "dog"}],
    }
    results = [{"image_id": 7, "category_id": 3, "bbox": [10, 10, 20, 20], "score": 0.9}]
    metrics, reference = both_engines(content, results)
    # Recall 0, 0.01, ..., 0.50 are reached with precision 1: 51 of 101 points.
    assert metrics["AP"] == pytest.approx(100 * 51 / 101)
    assert metrics["AR100"] == pytest.approx(50.0)
    assert metrics["per_class"] == {"cat": pytest.approx(100 * 51 / 101), "dog": None}
    assert metrics["APM"] is None
    assert_same(metrics, reference)


def test_area_limits_decide_the_size() -> None:
    content, results = make_scene(1)
    by_default, _ = both_engines(content, results)
    own, _ = both_engines({**content, "info": {"area_limits": LIMITS}}, results)
    assert own["AP"] == by_default["AP"]
    assert own["APS"] != by_default["APS"]
    assert own["area_limits"]["medium"] == [300.0, 2500.0]


def broken(results: list[dict[str, Any]], **change: Any) -> list[dict[str, Any]]:
    return [*results[:3], {**results[3], **change}, *results[4:]]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"score": float("nan")}, r"score that is not a finite number: entry 3 \(image id 1\)"),
        ({"image_id": 999}, r"`image_id` that the annotations do not have: 999"),
        ({"category_id": 44}, r"`category_id` that the annotations do not have: 44"),
        ({"bbox": [1.0, 2.0, float("inf"), 3.0]}, r"box that is not finite: entry 3"),
        ({"bbox": [1.0, 2.0, -4.0, 3.0]}, r"negative width or height: entry 3"),
        ({"bbox": [1.0, 2.0, 3.0]}, r"entry 3: `bbox` must be \[x, y, width, height\]"),
        ({"score": "high"}, r"entry 3: `score` must be numbers, found 'high'"),
    ],
)
def test_bad_detections_are_named(change: dict[str, Any], message: str) -> None:
    content, results = make_scene(0)
    truth = check_annotations(content, "truth")
    with pytest.raises(AnalysisError, match=message):
        check_detections(broken(results, **change), truth, "predictions.json")


def test_missing_field_is_named() -> None:
    content, results = make_scene(0)
    del results[5]["score"]
    with pytest.raises(AnalysisError, match="entry 5 has no `score`"):
        check_detections(results, check_annotations(content, "truth"), "predictions.json")


def test_boxes_outside_are_counted_not_refused() -> None:
    content, results = make_scene(0)
    results[2]["bbox"] = [190.0, 10.0, 60.0, 20.0]
    truth = check_annotations(content, "truth")
    inside = check_detections(make_scene(0)[1], truth, "found").warnings
    warned = check_detections(results, truth, "found").warnings
    assert warned != inside
    assert "leave their image" in warned[0]


@pytest.mark.parametrize(
    ("limits", "message"),
    [
        ({"small": [0, 10]}, "info.area_limits"),
        ({"small": [5, 1]} | LIMITS | {"small": [5, 1]}, "low < high"),
    ],
)
def test_bad_area_limits_are_named(limits: Any, message: str) -> None:
    content, _ = make_scene(0)
    with pytest.raises(AnalysisError, match=message):
        check_annotations({**content, "info": {"area_limits": limits}}, "truth.json")


def write_scene(folder: Path, seed: int = 0) -> tuple[Path, Path]:
    content, results = make_scene(seed)
    truth, predictions = folder / "test.json", folder / "predictions.json.gz"
    truth.write_text(json.dumps(content))
    predictions.write_bytes(gzip.compress(json.dumps(results).encode(), mtime=0))
    return truth, predictions


def arguments(truth: Path, predictions: Path, out: Path, *more: str) -> list[str]:
    return [
        "--predictions",
        str(predictions),
        "--annotations",
        str(truth),
        "--out",
        str(out),
        *more,
    ]


def test_command_line_writes_metrics(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    truth, predictions = write_scene(tmp_path)
    out = tmp_path / "deep" / "metrics.json"
    assert main(arguments(truth, predictions, out)) == 0
    metrics = json.loads(out.read_text())
    assert metrics["images"] == 12
    assert metrics["engine"].startswith("hotcoco ")
    assert len(metrics["predictions_sha256"]) == 64
    assert "AP50" in capsys.readouterr().out
    assert main(arguments(truth, predictions, out, "--engine", "pycocotools")) == 0
    assert json.loads(out.read_text())["AP"] == pytest.approx(metrics["AP"], abs=TOLERANCE)
    assert [p.name for p in out.parent.iterdir()] == ["metrics.json"]


@pytest.mark.parametrize("damage", ["gzip", "json", "missing", "object"])
def test_command_line_ends_on_one_line(
    damage: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    truth, predictions = write_scene(tmp_path)
    if damage == "gzip":
        predictions.write_bytes(predictions.read_bytes()[:-200])
    elif damage == "json":
        predictions.write_bytes(gzip.compress(gzip.decompress(predictions.read_bytes())[:-200]))
    elif damage == "object":
        predictions.write_bytes(b"{}")
    else:
        predictions.unlink()
    out = tmp_path / "metrics.json"
    assert main(arguments(truth, predictions, out)) == 2
    errors = capsys.readouterr().err.strip().splitlines()
    assert len(errors) == 1
    assert str(predictions) in errors[0]
    assert not out.exists()


def test_order_of_equal_scores_is_the_files(tmp_path: Path) -> None:
    """With equal scores the file's order decides who takes a box: both engines keep it."""
    content, results = make_scene(4, score_levels=1, classes=1)
    there, there_reference = both_engines(content, results)
    back, back_reference = both_engines(content, results[::-1])
    assert_same(there, there_reference)
    assert_same(back, back_reference)
    assert not np.isclose(there["AP"], back["AP"], atol=TOLERANCE)

"""TIDE's error types against tidecv, and where one knows the answer."""

from __future__ import annotations

from typing import Any

import pytest

from analysis.evaluate_input import check_annotations, check_detections
from analysis.tide import KINDS, error_types

from .scenes import make_scene


def of(content: dict[str, Any], results: list[dict[str, Any]]) -> Any:
    annotations = check_annotations(content, "truth")
    return error_types(annotations, check_detections(results, annotations, "found"))


def scene_of_one(boxes: list[tuple[int, list[float], float]]) -> Any:
    """One image with a box of class 1 and one of class 2; (class, box, score) are found."""
    truth = [(1, [10.0, 10.0, 20.0, 20.0]), (2, [60.0, 60.0, 20.0, 20.0])]
    content = {
        "images": [{"id": 1, "width": 100, "height": 100}],
        "categories": [{"id": 1, "name": "one"}, {"id": 2, "name": "two"}],
        "annotations": [
            {"image_id": 1, "category_id": label, "bbox": box, "area": 400.0, "iscrowd": 0}
            for label, box in truth
        ],
    }
    found = [
        {"image_id": 1, "category_id": label, "bbox": box, "score": score}
        for label, box, score in boxes
    ]
    return of(content, found)


RIGHT = (1, [10.0, 10.0, 20.0, 20.0], 0.9)
RIGHT_TOO = (2, [60.0, 60.0, 20.0, 20.0], 0.8)


@pytest.mark.parametrize(
    ("found", "kind"),
    [
        ((1, [60.0, 60.0, 20.0, 20.0], 0.7), "Cls"),
        ((2, [70.0, 60.0, 20.0, 20.0], 0.7), "Loc"),
        ((1, [70.0, 60.0, 20.0, 20.0], 0.7), "Both"),
        ((1, [10.0, 10.0, 20.0, 20.0], 0.7), "Dupe"),
        ((1, [0.0, 80.0, 10.0, 10.0], 0.7), "Bkg"),
    ],
)
def test_a_single_mistake_is_named(found: tuple[int, list[float], float], kind: str) -> None:
    second = [] if kind in ("Cls", "Loc", "Both") else [RIGHT_TOO]
    counts = scene_of_one([RIGHT, *second, found]).counts
    assert counts[kind] == 1
    others = {name: count for name, count in counts.items() if name not in (kind, "Miss")}
    assert set(others.values()) == {0}


def test_what_nothing_found_is_missed_and_mending_it_gives_all_of_its_ap() -> None:
    content, _ = make_scene(0, images=1, boxes_per_image=2, classes=1)
    content["annotations"][0]["bbox"] = RIGHT[1]
    content["annotations"][1]["bbox"] = RIGHT_TOO[1]
    entry = {"image_id": 1, "category_id": 1, "bbox": RIGHT[1], "score": 0.9}
    errors = of(content, [entry])
    assert errors.counts == {**dict.fromkeys(KINDS, 0), "Miss": 1}
    assert errors.ap50 == pytest.approx(100 * 51 / 101)
    assert errors.costs["Miss"] == pytest.approx(100 * 50 / 101)


def test_without_mistakes_nothing_is_lost() -> None:
    errors = scene_of_one([RIGHT, RIGHT_TOO])
    assert errors.ap50 == pytest.approx(100.0)
    assert set(errors.costs.values()) == {0.0}


@pytest.mark.parametrize("lacking", [None, 2])
@pytest.mark.parametrize("seed", range(3))
def test_the_same_as_tidecv(seed: int, lacking: int | None) -> None:
    """`lacking`: a class that nothing is found of."""
    tidecv = pytest.importorskip("tidecv", reason="tidecv is not installed")
    from tidecv.data import Data

    content, results = make_scene(seed, images=20)
    results = [entry for entry in results if entry["category_id"] != lacking]
    annotations = check_annotations(content, "truth")
    ours = of(content, results)
    truth, found = Data("truth"), Data("found")
    for category in content["categories"]:
        truth.add_class(category["id"], category["name"])
    for image in content["images"]:
        truth.add_image(image["id"], image["file_name"])
    for box in annotations.truth["annotations"]:
        truth.add_ground_truth(box["image_id"], box["category_id"], box["bbox"])
    for entry in results:
        found.add_detection(entry["image_id"], entry["category_id"], entry["score"], entry["bbox"])
    theirs = tidecv.TIDE().evaluate(truth, found, mode=tidecv.TIDE.BOX)
    assert {kind.short_name: len(own) for kind, own in theirs.error_dict.items()} == ours.counts
    assert theirs.ap == pytest.approx(ours.ap50, abs=0.1)
    mended = {
        kind.short_name: gain
        for kind, gain in theirs.fix_main_errors().items()
        if kind.short_name in KINDS
    }
    assert mended == pytest.approx({kind: ours.costs[kind] for kind in KINDS}, abs=0.1)

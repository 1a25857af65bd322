"""Detections of a finished run, at both fidelities."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import pytest

from tests.running.tiny import Tiny, record, schedule
from workflow import predict, train
from workflow.data.catalogue import describe
from workflow.models.schema import DetectorDefinition
from workflow.spec import RunSpec


def read(folder: Path) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(
        gzip.decompress((folder / "predictions.json.gz").read_bytes())
    )
    return found


def test_predictions_are_coco_results_and_always_the_same_bytes(tiny: Tiny) -> None:
    # Two stages, whose scores start at one class in eleven, above the threshold.
    spec = tiny.student("baseline", model={"architecture": "faster-rcnn"})
    arguments, folder = tiny.arguments(spec), tiny.root / spec.id
    assert train.main(arguments) == 0
    assert predict.main(arguments) == 0
    first = (folder / "predictions.json.gz").read_bytes()
    found = read(folder)
    truth = json.loads(
        describe(tiny.data, tiny.data_root).splits["test"].annotations.read_text(encoding="utf-8")
    )
    assert {one["image_id"] for one in found} <= {image["id"] for image in truth["images"]}
    assert {one["category_id"] for one in found} <= {c["id"] for c in truth["categories"]}
    for one in found:
        assert 0.05 <= one["score"] <= 1
        assert min(one["bbox"][2:]) >= 0
    assert len(found) > 0
    assert predict.main(arguments) == 0
    assert (folder / "predictions.json.gz").read_bytes() == first


def test_an_unfinished_run_is_not_predicted(tiny: Tiny, capsys: pytest.CaptureFixture[str]) -> None:
    assert predict.main(tiny.arguments(tiny.student("baseline", seed=77))) == 2
    assert "is not complete" in capsys.readouterr().err


def test_a_full_size_detector_goes_the_same_way(tiny: Tiny) -> None:
    """mmdet's packaged RetinaNet with its own pipeline, at a small image scale."""
    model = DetectorDefinition(
        name="retinanet-r18",
        fidelity="coco",
        family="one-stage",
        config="retinanet/retinanet_r18_fpn_1x_coco.py",
        # Nothing is downloaded; and an untrained head's scores are below the threshold.
        options={"model": {"backbone": {"init_cfg": None}, "test_cfg": {"score_thr": 0.0}}},
    )
    spec = RunSpec(
        kind="student",
        group="packaged",
        row="baseline",
        seed=0,
        data=tiny.data,
        model=model.model_dump(mode="json"),
        family="one-stage",
        schedule=schedule(iterations=2, batch_size=2, image_scale=((160, 96), (192, 128))),
    )
    assert train.main(tiny.arguments(spec)) == 0
    assert predict.main(tiny.arguments(spec)) == 0
    assert record(tiny.root / spec.id)["status"] == "complete"
    found = read(tiny.root / spec.id)
    truth = describe(tiny.data, tiny.data_root).splits["test"].annotations.read_text("utf-8")
    sides = {one["id"]: (one["width"], one["height"]) for one in json.loads(truth)["images"]}
    assert {one["image_id"] for one in found} == set(sides)
    for one in found:  # in pixels of the file, not of the scale it was seen at
        x, y, width, height = one["bbox"]
        assert x + width <= sides[one["image_id"]][0] + 0.1
        assert y + height <= sides[one["image_id"]][1] + 0.1

"""The classification teacher of the small benchmark, and a student that it teaches."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest

from tests.running.test_classify import classifier
from tests.running.tiny import Tiny, record, weights
from workflow import classify, train
from workflow.data.make import ensure
from workflow.models import catalogue
from workflow.suite import load

PAIR = "mini-retinanet-r34-r18"


def test_a_student_is_taught_by_a_classifier_and_by_a_detector(tiny: Tiny) -> None:
    teacher = classifier(tiny)
    assert classify.main(tiny.arguments(teacher)) == 0
    spec = tiny.student("icd+fkd", classifier=teacher)
    assert train.main(tiny.arguments(spec)) == 0
    folder = tiny.root / spec.id
    assert record(folder)["status"] == "complete"
    with (folder / "history.csv").open(newline="") as file:
        lines = list(csv.DictReader(file))
    for term in ("classes", "pixels", "features"):
        assert any(float(line[f"distill.icd.{term}"] or 0) > 0 for line in lines)
    assert any(float(line["distill.fkd.relation"] or 0) > 0 for line in lines)
    assert not any("classifier" in name for name in weights(folder))


@pytest.mark.slow
def test_the_classification_teacher_knows_95_of_100_unseen_crops(tmp_path: Path) -> None:
    suite = tmp_path / "crops.yaml"
    suite.write_text(f"title: Crops\ndata: digits\npairs: [{PAIR}]\nrows: [icd]\n")
    name = catalogue.pair(PAIR).classifier
    (spec,) = [run for run in load(str(suite)).runs if run.group == name]
    ensure(spec.data, tmp_path / "data")
    places = ["--root", str(tmp_path / "runs"), "--data", str(tmp_path / "data")]
    assert classify.main(["--suite", str(suite), "--run", spec.id, *places]) == 0
    found = json.loads((tmp_path / "runs" / spec.id / "metrics.json").read_text())
    assert found["crops"] > 1000
    assert found["top1"] >= 95

"""A classifier of crops, and the detector whose backbone starts from it."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

import pytest
import torch
from mmengine.runner import checkpoint as official

from tests.running.tiny import Tiny, record, same, schedule, weights
from workflow import classify, train
from workflow.data.catalogue import describe
from workflow.models.classifier import ClassifierOptions
from workflow.models.schema import DetectorDefinition
from workflow.running import networks
from workflow.running.crop_loading import Crops
from workflow.spec import RunSpec

OPTIONS = {"architecture": "resnet18", "width": 8, "start": "random", "input_size": 32}


def classifier(tiny: Tiny, **options: Any) -> RunSpec:
    model = DetectorDefinition(name="tiny-crops", fidelity="mini", options={**OPTIONS, **options})
    return RunSpec(
        kind="classifier",
        group="tiny-crops",
        row="classifier",
        seed=0,
        data=tiny.data,
        model=model.model_dump(mode="json"),
        schedule=schedule(),
    )


@pytest.fixture(scope="module")
def trained(tiny: Tiny) -> Path:
    spec = classifier(tiny)
    assert classify.main(tiny.arguments(spec)) == 0
    return tiny.root / spec.id


def test_a_classifier_leaves_the_same_kind_of_folder(trained: Path) -> None:
    assert record(trained)["status"] == "complete"
    assert {"student.pth", "history.csv", "cost.json", "metrics.json"} <= {
        path.name for path in trained.iterdir()
    }
    metrics = json.loads((trained / "metrics.json").read_text())
    assert 0 <= metrics["top1"] <= metrics["top5"] <= 100
    assert len(metrics["per_class"]) == 10
    assert metrics["crops"] > 0
    header = (trained / "history.csv").read_text().splitlines()[0]
    assert "loss_cross_entropy" in header
    assert "loss_binary" in header


def test_accuracy_is_measured_again_where_it_is_missing(tiny: Tiny, trained: Path) -> None:
    before = (trained / "metrics.json").read_bytes()
    (trained / "metrics.json").unlink()
    assert classify.main(tiny.arguments(classifier(tiny))) == 0
    assert (trained / "metrics.json").read_bytes() == before


def test_a_detector_starts_from_the_trained_trunk(tiny: Tiny, trained: Path) -> None:
    spec = tiny.student("baseline", backbone=classifier(tiny))
    options = argparse.Namespace(root=tiny.root, rehearsal=False)
    network = networks.student_network(options, spec, describe(tiny.data, tiny.data_root))
    started = {f"backbone.{n}": v for n, v in network.backbone.state_dict().items()}
    taken = {n: v for n, v in weights(trained).items() if n.startswith("backbone.")}
    assert same(started, taken)


def test_train_and_classify_send_to_each_other(
    tiny: Tiny, capsys: pytest.CaptureFixture[str]
) -> None:
    assert train.main(tiny.arguments(classifier(tiny))) == 2
    assert "workflow.classify" in capsys.readouterr().err
    assert classify.main(tiny.arguments(tiny.teacher)) == 2
    assert "not a classifier" in capsys.readouterr().err


@pytest.mark.parametrize("program", [classify, train])
def test_absent_weights_of_imagenet_are_told_in_one_line(
    program: Any, tiny: Tiny, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(official, "get_torchvision_models", dict)
    if program is classify:
        spec = classifier(tiny, start="imagenet", width=64)
    else:
        spec = tiny.student("baseline", seed=7)
        init = {"type": "Pretrained", "checkpoint": "torchvision://resnet18"}
        build = networks.build_config

        def pretrained(*given: Any) -> Any:
            config = build(*given)
            config.model.backbone.init_cfg = init
            return config

        monkeypatch.setattr(networks, "build_config", pretrained)
    assert program.main(tiny.arguments(spec)) == 2
    said = capsys.readouterr().err
    assert said.startswith(f"error: {spec.id}: torchvision://resnet18: no such model")
    assert said.count("\n") == 1


def test_only_training_crops_are_moved(tiny: Tiny) -> None:
    data = describe(tiny.data, tiny.data_root)
    options = ClassifierOptions.model_validate({**OPTIONS, "jitter": 0.2, "mirror": False})
    for training in (False, True):
        crops = Crops(data, "test", options, training)
        first, again = crops[0]["inputs"], crops[0]["inputs"]
        assert first.shape == (3, 32, 32)
        assert torch.equal(first, again) is not training

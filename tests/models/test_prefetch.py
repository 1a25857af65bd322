"""All weights of a suite, fetched before any node without a network needs them."""

from __future__ import annotations

import hashlib
import http.server
import threading
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
from mmengine.runner import checkpoint as official

from workflow import prefetch
from workflow.data.catalogue import resolve
from workflow.models import catalogue, weights
from workflow.models.zoo import ZooModel
from workflow.spec import RunSpec
from workflow.suite import load


def _run(model: str, checkpoint: str | None = None) -> RunSpec:
    definition = catalogue.detector(model)
    return RunSpec(
        kind="teacher" if checkpoint else "student",
        group=model,
        row="teacher" if checkpoint else "baseline",
        seed=0,
        data=resolve("coco", {}),
        model=definition.model_dump(mode="json"),
        family=definition.family,
        checkpoint=checkpoint,
        schedule=None if checkpoint else catalogue.schedule("1x", model),
    )


class Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, format: str, *arguments: object) -> None:
        assert format


@pytest.fixture
def address(tmp_path: Path) -> Iterator[str]:
    (tmp_path / "served").mkdir()
    handler = partial(Quiet, directory=str(tmp_path / "served"))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()


def test_teachers_and_backbones_are_fetched(
    tmp_path: Path,
    address: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(torch.hub, "_hub_dir", None)

    def serve(name: str) -> str:
        path = tmp_path / "served" / name
        torch.save({"state_dict": {"a": torch.ones(1)}}, path)
        digits = hashlib.sha256(path.read_bytes()).hexdigest()[:8]
        return f"{address}/{path.rename(path.with_name(f'{name}-{digits}.pth')).name}"

    teacher, backbone = serve("teacher"), serve("resnet50")
    monkeypatch.setattr(official, "get_torchvision_models", lambda: {"resnet50": backbone})
    digits = teacher.removesuffix(".pth")[-8:]
    monkeypatch.setattr(
        weights, "zoo_model", lambda name: ZooModel(name, "", teacher, digits, None)
    )
    runs = (
        _run("retinanet-x101", "zoo:retinanet_x101-64x4d_fpn_1x_coco"),
        _run("retinanet-r50"),
        _run("faster-rcnn-r50"),
    )
    monkeypatch.setattr(prefetch.suites, "load", lambda name: SimpleNamespace(runs=runs))
    assert prefetch.main(["--suite", "any", "--data", str(tmp_path / "data")]) == 0
    said = capsys.readouterr().out
    assert said.count("torchvision://resnet50") == 1
    folder = tmp_path / "data" / "weights"
    assert [path.name for path in folder.glob("*.pth")] == [teacher.rsplit("/", 1)[1]]
    kept = [path.name for path in (folder / "checkpoints").glob("*.pth")]
    assert kept == [backbone.rsplit("/", 1)[1]]


def test_classification_teachers_start_from_imagenet_too() -> None:
    runs = load("papers/icd").runs
    classifiers = [run for run in runs if run.kind == "classifier"]
    architectures = {run.model["options"]["architecture"] for run in classifiers}
    assert len(architectures) > 1
    found = {prefetch.backbone(run) for run in classifiers}
    assert found == {f"torchvision://{name}" for name in architectures}
    # Those of the digits learn from nothing.
    own = [run for run in load("mini").runs if run.kind == "classifier"]
    assert own
    assert {prefetch.backbone(run) for run in own} == {None}


def test_weights_nobody_publishes_are_asked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(torch.hub, "_hub_dir", None)
    runs = (_run("faster-rcnn-qr50"),)
    monkeypatch.setattr(prefetch.suites, "load", lambda name: SimpleNamespace(runs=runs))
    assert prefetch.main(["--suite", "any", "--data", str(tmp_path)]) == 2
    assert "put your own at" in capsys.readouterr().err


def test_an_unknown_suite_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    assert prefetch.main(["--suite", "none-of-these"]) == 2
    assert "none-of-these" in capsys.readouterr().err

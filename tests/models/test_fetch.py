"""A teacher from a file, through the program, into a run folder like a training's."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest
import torch

from workflow import fetch
from workflow.data.catalogue import describe, resolve
from workflow.models import catalogue
from workflow.models.build import build_config, build_detector
from workflow.spec import RunSpec


@pytest.fixture
def saved(tmp_path: Path) -> Path:
    """Somebody's own teacher."""
    definition = catalogue.detector("mini-retinanet-r34")
    config = build_config(definition, describe(resolve("digits", {}), tmp_path))
    path = tmp_path / "mine.pth"
    torch.save({"state_dict": build_detector(config, 3, pretrained=False).state_dict()}, path)
    return path


def _spec(folder: Path, checkpoint: str | None, model: str = "mini-retinanet-r34") -> Path:
    definition = catalogue.detector(model)
    spec = RunSpec(
        kind="teacher",
        group=model,
        row="teacher",
        seed=0,
        data=resolve("digits", {}),
        model=definition.model_dump(mode="json"),
        family=definition.family,
        checkpoint=checkpoint,
    )
    path = folder / "spec.json"
    path.write_text(spec.model_dump_json(), encoding="utf-8")
    return path


def _fetch(spec: Path) -> int:
    folders = ["--root", str(spec.parent / "runs"), "--data", str(spec.parent / "data")]
    return fetch.main(["--spec", str(spec), *folders])


def test_the_run_folder_is_a_trainings(saved: Path, tmp_path: Path) -> None:
    digits = hashlib.sha256(saved.read_bytes()).hexdigest()
    spec = _spec(tmp_path, f"{saved}#sha256={digits}")
    assert _fetch(spec) == 0
    run = RunSpec.model_validate_json(spec.read_text(encoding="utf-8"))
    folder = tmp_path / "runs" / run.id
    record = json.loads((folder / "run.json").read_text(encoding="utf-8"))
    assert record["status"] == "complete"
    written = (folder / "student.pth").read_bytes()
    assert record["student_sha256"] == hashlib.sha256(written).hexdigest()
    content = torch.load(folder / "student.pth", weights_only=True)
    own = torch.load(saved, weights_only=True)["state_dict"]
    assert all(torch.equal(own[name], value) for name, value in content["state_dict"].items())
    assert content["meta"]["dataset_meta"]["classes"]
    before = (folder / "student.pth").stat().st_mtime_ns
    assert _fetch(spec) == 0  # complete already
    assert (folder / "student.pth").stat().st_mtime_ns == before


def test_mistakes_are_told_in_one_line(
    saved: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert _fetch(_spec(tmp_path, f"{saved}#sha256={'0' * 64}")) == 2
    assert f"the suite says {'0' * 64}" in capsys.readouterr().err
    assert _fetch(_spec(tmp_path, str(saved), "mini-retinanet-r18")) == 2
    error = capsys.readouterr().err
    assert "not the weights of this RetinaNet" in error
    assert error.count("\n") == 1
    assert _fetch(_spec(tmp_path, "zoo:retinanet_r9")) == 2
    assert "no model `retinanet_r9`" in capsys.readouterr().err
    assert _fetch(_spec(tmp_path, None)) == 2
    assert "is trained by workflow.train" in capsys.readouterr().err

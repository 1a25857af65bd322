"""A whole run on a GPU: what the host and the device exchange on the way, nothing else shows."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch

from tests.running.tiny import Tiny
from workflow import attend, predict, rehearse, trace, train
from workflow.spec import RunSpec

pytestmark = [
    pytest.mark.gpu,
    pytest.mark.skipif(
        not torch.cuda.is_available(), reason="needs a CUDA device, and `pytest -m gpu`"
    ),
]


def carried_out(tiny: Tiny, spec: RunSpec) -> Path:
    """Trained, and judged and looked at where it was trained."""
    assert train.main(tiny.arguments(spec, "--snapshots", "2")) == 0
    for program, *more in (
        (predict, "--split", "test"),
        (attend, "--images", "2"),
        (trace, "--split", "tune"),
    ):
        assert program.main(tiny.arguments(spec, *more)) == 0
    return tiny.root / spec.id


@pytest.mark.parametrize("row", ["baseline", "amd", "fkd", "fgfi"])
def test_a_student_is_trained_judged_and_looked_at(tiny: Tiny, row: str) -> None:
    folder = carried_out(tiny, tiny.student(row, seed=7))
    cost = json.loads((folder / "cost.json").read_text(encoding="utf-8"))
    assert cost["device"] == torch.cuda.get_device_name()
    assert cost["peak_device_bytes"] > 0
    assert cost["gpu_hours"] > 0
    with np.load(folder / "attention.npz") as arrays:
        assert np.isfinite(arrays["student/0"]).all()


def test_points_learn_as_boxes_do(tiny: Tiny) -> None:
    points = {"architecture": "reppoints", "strides": (8, 16, 32, 64, 128)}
    folder = carried_out(tiny, tiny.student("baseline", seed=7, model=points))
    with np.load(folder / "attention.npz") as arrays:
        assert np.isfinite(arrays["student/0"]).all()
        assert not np.allclose(arrays["student/0"], arrays["before/0"])


def test_a_rehearsal_in_full_tells_the_memory(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    suite = tmp_path / "own.yaml"
    suite.write_text(
        "title: Own\ndata: digits\nseeds: [0]\n"
        "pairs: [mini-retinanet-r34-r18]\nrows: [baseline, mgd]\n"
    )
    assert rehearse.main(["--suite", str(suite), "--full"]) == 0
    told = [line for line in capsys.readouterr().out.splitlines() if ": loss " in line]
    assert len(told) == 3
    assert all(float(line.removesuffix(" GiB").split()[-1]) > 0 for line in told)

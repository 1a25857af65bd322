"""AP over a training: every point is what the evaluation says of its detections."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pandas as pd
import pytest

from analysis import curve
from analysis.evaluate import AP_METRICS, evaluate_files

from .scenes import make_scene


@pytest.fixture
def way(tmp_path: Path) -> Path:
    """Nothing, half and all of what is found, listed out of order."""
    truth, results = make_scene(0, images=12, detections_per_image=10)
    (tmp_path / "tune_truth.json").write_text(json.dumps(truth))
    points = []
    for iteration, share in ((40, 1.0), (0, 0.0), (20, 0.5)):
        kept = results[: int(share * len(results))]
        name = f"tune-{iteration:07d}.json.gz"
        (tmp_path / name).write_bytes(gzip.compress(json.dumps(kept).encode(), mtime=0))
        points.append({"iteration": iteration, "predictions": name})
    (tmp_path / "tune.json").write_text(json.dumps({"split": "tune", "points": points}))
    return tmp_path


def program(way: Path) -> int:
    arguments = ["--predictions", str(way / "tune.json"), "--out", str(way / "curve.csv")]
    return curve.main([*arguments, "--annotations", str(way / "tune_truth.json")])


def test_a_line_is_an_evaluation(way: Path) -> None:
    assert program(way) == 0
    found = pd.read_csv(way / "curve.csv")
    assert list(found.columns) == list(curve.COLUMNS)
    assert list(found["iteration"]) == [0, 20, 40]
    assert set(found["split"]) == {"tune"}
    assert set(found["images"]) == {12}
    assert found["AP"].iloc[0] == 0 < found["AP"].iloc[1] < found["AP"].iloc[2]
    for _, line in found.iterrows():
        predictions = way / f"tune-{line['iteration']:07d}.json.gz"
        whole = evaluate_files(predictions, way / "tune_truth.json", way / "metrics.json")
        expected = [float("nan") if whole[key] is None else whole[key] for key in AP_METRICS]
        assert line[list(AP_METRICS)].tolist() == pytest.approx(expected, rel=1e-5, nan_ok=True)


def test_a_list_that_is_none_is_named(way: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (way / "tune.json").write_text('{"split": "tune", "points": [{"iteration": 3}]}')
    assert program(way) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith(f"error: {way / 'tune.json'}: expected `split` and `points`")

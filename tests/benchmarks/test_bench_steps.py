"""The bench of whole steps, at a size that takes seconds."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

from benchmarks import bench_steps


def test_rows_are_timed_against_the_baseline(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    target = tmp_path / "steps.csv"
    rows = ["teacher", "pkd", "icd+fkd"]
    words = ["--rows", *rows, "--batch", "1", "--repeats", "1", "--csv", str(target)]
    assert bench_steps.main([*words, "--image", "96x128"]) == 0
    with target.open(newline="") as file:
        lines = {line["row"]: line for line in csv.DictReader(file)}
    assert list(lines) == ["baseline", *rows]
    assert all(float(line["seconds"]) > 0 for line in lines.values())
    assert float(lines["baseline"]["teacher_share"]) == 0
    assert 0 < float(lines["teacher"]["teacher_share"]) < 1
    assert lines["baseline"]["of_teacher"] == ""  # not yet known when the baseline is timed
    assert float(lines["teacher"]["of_teacher"]) == 1
    ratios = [float(lines[row]["ratio"]) for row in ("icd+fkd", "teacher")]
    assert float(lines["icd+fkd"]["of_teacher"]) == pytest.approx(ratios[0] / ratios[1])
    assert 0 < float(lines["icd+fkd"]["loss_share"]) < 1
    assert "icd+fkd" in capsys.readouterr().out


def test_a_row_that_cannot_run_is_told_and_the_others_go_on(
    capsys: pytest.CaptureFixture[str],
) -> None:
    bench_steps.main(["--rows", "no-such-row", "--batch", "1", "--repeats", "1"])
    assert "unknown row `no-such-row`" in capsys.readouterr().out

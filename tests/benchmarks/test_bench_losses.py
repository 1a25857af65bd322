"""The bench of the losses runs, and its table and file say the same."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

from benchmarks import bench_losses
from methods.settings.resolve import resolve

SMALL = ["--size", "64x96", "--channels", "8", "--images", "1", "--repeats", "1"]


def test_rows_are_measured_and_written(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "losses.csv"
    lines = bench_losses.main([*SMALL, "--rows", "l2-raw", "ssim", "mgd", "--csv", str(path)])
    parts = ["plain 3x3 convolution", "attention masks alone"]
    assert [line.row for line in lines] == [*parts, "l2-raw", "ssim", "mgd"]
    assert all(line.seconds > 0 and line.ratio > 0 for line in lines)
    printed = capsys.readouterr().out
    with path.open(newline="") as file:
        written = list(csv.DictReader(file))
    for line, row in zip(lines, written, strict=True):
        assert row["row"] == line.row
        assert float(row["ratio"]) == line.ratio
        assert f"{line.ratio:8.2f}" in printed


def test_operations_are_those_of_the_convolutions() -> None:
    (convolution, masks, mgd) = bench_losses.main([*SMALL, "--rows", "mgd"])
    cells = sum((64 // s) * (96 // s) for s in (8, 16, 32)) + 1 * 2 + 1 * 1
    # forward, and gradients of weights and input: three times two per product
    assert convolution.gflop == pytest.approx(6 * 9 * 8 * 8 * cells / 1e9)
    assert masks.gflop == 0
    assert mgd.gflop == pytest.approx(2 * convolution.gflop)


def test_shipped_rows_exist() -> None:
    for row in bench_losses.ROWS:
        assert len(resolve(row, "one-stage").methods) == 1


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--rows", "nonsense"], "unknown row `nonsense`"),
        (["--size", "800"], "HEIGHTxWIDTH"),
        (["--rows", "icd+fkd"], "only single methods"),
    ],
)
def test_mistakes_are_told(words: list[str], said: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stop:
        bench_losses.main(words)
    assert stop.value.code == 2
    assert said in capsys.readouterr().err

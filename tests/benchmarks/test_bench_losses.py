"""The bench of the losses runs, and its table and file say the same."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest
import torch

from benchmarks import bench_losses
from benchmarks.kernels import kernels
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


def test_kernels_are_what_a_device_is_asked_for() -> None:
    maps = torch.empty(2, 3, 4, 4, device="meta", requires_grad=True)
    assert kernels(lambda: (maps.flatten(2) * 2).transpose(1, 2)[:, 0]) == 1
    assert kernels(lambda: (maps * 2).sum().backward()) == 4  # times two, sum, 1, times two


def test_anchors_of_all_shapes_are_taken_together() -> None:
    """FGFI asked for four times as many operations when each shape was asked for alone."""
    counts = [line.kernels for line in bench_losses.main([*SMALL, "--rows", "l2", "fgfi"])]
    assert counts[-1] < 3 * counts[-2]


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

"""The program that writes a suite's tables."""

from __future__ import annotations

import csv
import shutil
from pathlib import Path

import pytest

from analysis.tables.__main__ import main

from ..factory import make_suite
from .asked import CLEAR


def test_command_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    suite = make_suite(tmp_path, rows=CLEAR, seeds=(0,), predictions=True)
    places = ["--suite-dir", str(suite.suite_dir), "--runs", str(suite.runs_dir)]
    places += ["--data", str(tmp_path / "data")]
    assert main([*places, "--table", "main"]) == 0
    made = sorted(path.name for path in (suite.suite_dir / "tables").iterdir())
    assert made == ["main.csv", "main.html", "main.md", "main.tex"]
    text = (suite.suite_dir / "tables" / "main.md").read_text()
    assert text.count("nothing about training again") == 1
    head = next(line for line in text.splitlines() if line.startswith("| Method"))
    assert "| AP over images | ΔAP over images |" in head
    with (suite.suite_dir / "tables" / "main.csv").open(newline="") as file:
        mgd = next(line for line in csv.DictReader(file) if line["row"] == "mgd")
    low, high = float(mgd["delta_images_low"]), float(mgd["delta_images_high"])
    assert low < float(mgd["delta"]) < high
    row = next(line for line in text.splitlines() if line.startswith("| [MGD]"))
    half = (float(mgd["AP_images_high"]) - float(mgd["AP_images_low"])) / 2
    assert f"| ± {half:.1f} |" in row
    assert f"{high:+.2f}".replace("-", "−") in row
    assert main([*places, "--table", "mian"]) == 2
    assert "no table 'mian'; it has: main, parts, costs, published" in capsys.readouterr().err
    assert main(places) == 0
    assert len(list((suite.suite_dir / "tables").iterdir())) == 16


def test_tables_of_a_suite_that_has_not_run(tmp_path: Path) -> None:
    suite = make_suite(tmp_path, pairs=2, rows=CLEAR)
    shutil.rmtree(suite.runs_dir)
    assert main(["--suite-dir", str(suite.suite_dir), "--runs", str(suite.runs_dir)]) == 0
    assert "No run has finished yet" in (suite.suite_dir / "tables" / "main.md").read_text()

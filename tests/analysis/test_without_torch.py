"""This room needs nothing but the result files: it runs where torch and mm* cannot be imported."""

from __future__ import annotations

import json
import pkgutil
import subprocess
import sys
from pathlib import Path

import analysis

from .factory import make_suite

ROOT = Path(__file__).parents[2]
FORBIDDEN = ("torch", "torchvision", "mmcv", "mmdet", "mmengine", "mmrazor", "methods", "workflow")
BLOCKED = """
import sys

class Blocker:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in {forbidden}:
            raise ImportError(f"{{name}} is not installed here")

sys.meta_path.insert(0, Blocker())
"""


def run_blocked(program: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    code = BLOCKED.format(forbidden=set(FORBIDDEN)) + program
    command = [sys.executable, "-c", code, *arguments]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True)


def test_the_blocker_blocks() -> None:
    done = run_blocked("import torch")
    assert done.returncode == 1
    assert "torch is not installed here" in done.stderr


def test_every_module_imports() -> None:
    names = [
        module.name
        for module in pkgutil.walk_packages(analysis.__path__, "analysis.")
        if not module.name.endswith("__main__")
    ]
    assert len(names) > 30
    program = "import importlib\nfor name in sys.argv[1:]: importlib.import_module(name)"
    done = run_blocked(program, *names)
    assert done.returncode == 0, done.stderr


def test_programs_do_not_wait_for_packages_that_they_may_not_need() -> None:
    """One after the other: what asks, what makes tables, what draws."""
    program = (
        "import importlib, sys\n"
        "heavy = ('pandas', 'matplotlib', 'scipy.stats', 'seaborn')\n"
        "for name in sys.argv[1:]:\n"
        "    importlib.import_module(name)\n"
        "    print(*(package for package in heavy if package in sys.modules))\n"
    )
    done = run_blocked(
        program, "analysis.figures.__main__", "analysis.tables.__main__", "analysis.figures.make"
    )
    assert done.stdout.splitlines() == ["", "pandas", "pandas matplotlib"], done.stderr


def test_from_predictions_to_tables(tmp_path: Path) -> None:
    suite = make_suite(tmp_path, seeds=(0,), predictions=True)
    folder = suite.folder("pair-a", "mgd", 0)
    before = json.loads((folder / "metrics.json").read_text())
    (folder / "metrics.json").unlink()
    truth = next((tmp_path / "data").glob("*/annotations/test.json"))
    program = "import runpy\nrunpy.run_module(sys.argv.pop(1), run_name='__main__')"
    places = ["--suite-dir", str(suite.suite_dir), "--runs", str(suite.runs_dir)]
    data = ["--data", str(tmp_path / "data")]
    evaluation = ["--predictions", str(folder / "predictions.json.gz"), "--annotations", str(truth)]
    for module, arguments in (
        ("analysis.evaluate", [*evaluation, "--out", str(folder / "metrics.json")]),
        ("analysis.records", places),
        ("analysis.statistics", [*places, *data]),
        ("analysis.tables", [*places, *data]),
    ):
        done = run_blocked(program, module, *arguments)
        assert done.returncode == 0, done.stderr
    assert json.loads((folder / "metrics.json").read_text()) == before
    made = {path.name for path in suite.suite_dir.iterdir()}
    assert {"records.csv", "folders.csv", "statistics.json", "tables"} <= made

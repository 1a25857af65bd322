"""Results in the compact form that the repository keeps, and those that it does keep."""

from __future__ import annotations

import csv
import shutil
from pathlib import Path

import pytest

from analysis.records import main as make_records
from analysis.reference import main
from analysis.statistics.__main__ import main as make_statistics
from analysis.tables.__main__ import main as make_tables
from tests.analysis.drawn import draw
from tests.analysis.factory import MadeSuite, make_suite
from workflow.suite import load

ROOT = Path(__file__).parents[2]
KEPT = sorted((ROOT / "results" / "reference").glob("*/records.csv"))


def made(root: Path) -> MadeSuite:
    suite = make_suite(root, rows={"baseline": 40.0, "mgd": 41.5})
    draw(suite, {"atlas": (9, 9)})
    suite.save_plan()
    places = ["--suite-dir", str(suite.suite_dir), "--runs", str(suite.runs_dir)]
    data = ["--data", str(root / "data")]
    assert make_records(places) == make_statistics([*places, *data]) == 0
    for table in suite.plan["tables"]:
        assert make_tables([*places, *data, "--table", table["name"]]) == 0
    return suite


def keep(suite: MadeSuite, out: Path) -> int:
    places = ["--suite-dir", str(suite.suite_dir), "--runs", str(suite.runs_dir)]
    return main([*places, "--out", str(out)])


def test_all_that_can_be_read_and_nothing_heavy(tmp_path: Path) -> None:
    suite, out = made(tmp_path), tmp_path / "reference"
    assert keep(suite, out) == 0
    found = {str(path.relative_to(out)) for path in out.rglob("*") if path.is_file()}
    assert {"README.md", "records.csv", "folders.csv", "statistics.json"} < found
    assert {"tables/main.md", "tables/main.tex", "tables/main.csv", "figures/atlas.png"} < found
    assert {Path(name).suffix for name in found} <= {".md", ".csv", ".json", ".tex", ".png"}
    assert "runs/" in (suite.suite_dir / "tables" / "main.md").read_text()
    for table in (out / "tables").glob("*.md"):
        assert "](../" not in table.read_text(), "a link to a folder that is not there"
    page = (out / "README.md").read_text()
    runs = len(suite.plan["runs"])
    assert f"{runs} of {runs} planned runs stand" in page
    assert str(tmp_path) not in page


def test_another_suites_folders_are_not_listed(tmp_path: Path) -> None:
    suite, out = made(tmp_path), tmp_path / "reference"
    shutil.copytree(next(suite.runs_dir.iterdir()), suite.runs_dir / "of-another-suite")
    assert make_records(["--suite-dir", str(suite.suite_dir), "--runs", str(suite.runs_dir)]) == 0
    assert "of-another-suite" in (suite.suite_dir / "folders.csv").read_text()
    assert keep(suite, out) == 0
    assert "of-another-suite" not in (out / "folders.csv").read_text()


def test_a_later_call_replaces_the_earlier_one(tmp_path: Path) -> None:
    suite, out = made(tmp_path), tmp_path / "reference"
    (out / "tables").mkdir(parents=True)
    (out / "tables" / "gone.md").write_text("of a table that the suite has no more")
    assert keep(suite, out) == 0
    assert not (out / "tables" / "gone.md").exists()


def test_a_figure_that_cannot_be_drawn_any_more_stays_as_it_was(tmp_path: Path) -> None:
    suite, out = made(tmp_path), tmp_path / "reference"
    assert keep(suite, out) == 0
    before = (out / "figures" / "atlas.png").read_bytes()
    (out / "figures" / "gone.png").write_bytes(b"of a figure that the suite has no more")
    figures = suite.suite_dir / "figures"
    shutil.rmtree(figures)
    suite.plan["figures"].clear()
    draw(suite, {"atlas": None})
    (figures / "atlas.png").write_bytes(b"says that there is nothing to draw")
    assert keep(suite, out) == 0
    assert (out / "figures" / "atlas.png").read_bytes() == before
    assert not (out / "figures" / "gone.png").exists()
    assert "Drawn earlier" in (out / "README.md").read_text()


def test_runs_can_be_added_while_tables_stay_as_they_are(tmp_path: Path) -> None:
    suite, out = made(tmp_path), tmp_path / "reference"
    places = ["--suite-dir", str(suite.suite_dir), "--runs", str(suite.runs_dir)]
    earlier = out / "runs" / "digits" / "pair" / "row" / "seed7-0123456789" / "run.json"
    earlier.parent.mkdir(parents=True)
    earlier.write_text("{}")
    assert main([*places, "--out", str(out), "--runs-alone"]) == 0
    kept = {path.parent.relative_to(out / "runs") for path in out.glob("runs/**/metrics.json")}
    assert {str(path) for path in kept} == {run["id"] for run in suite.plan["runs"]}
    assert earlier.is_file()
    assert not (out / "tables").exists()


def test_a_suite_without_its_report(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    suite = make_suite(tmp_path)
    assert keep(suite, tmp_path / "reference") == 2
    assert "has no records.csv, folders.csv, statistics.json" in capsys.readouterr().err


@pytest.mark.parametrize("path", KEPT, ids=lambda path: path.parent.name)
def test_what_is_kept_is_what_the_suite_would_run_today(path: Path) -> None:
    """Or it says something about another suite than the one that carries its name."""
    suite = load(path.parent.name)
    with path.open(newline="") as file:
        kept = {line["id"]: line["hash"] for line in csv.DictReader(file)}
    assert kept
    assert {id: suite.by_id[id].hash for id in kept if id in suite.by_id} == kept

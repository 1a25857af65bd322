"""From made-up run folders to the statements of a table."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from analysis.plan import read_plan
from analysis.records import read_records
from analysis.statistics.__main__ import main
from analysis.statistics.best import leaders
from analysis.statistics.images import ImageUncertainty
from analysis.statistics.paired import holm
from analysis.statistics.tables import TableStatistics, table_statistics

from ..factory import MadeSuite, make_suite, two_schedules


def statistics(
    suite: MadeSuite, table: str = "main", images: ImageUncertainty | None = None
) -> TableStatistics:
    plan = read_plan(suite.suite_dir)
    return table_statistics(read_records(plan, suite.runs_dir), plan.table(table), images)


def test_cells_carry_mean_and_paired_difference(tmp_path: Path) -> None:
    suite = make_suite(tmp_path, rows={"baseline": 40.0, "mgd": 42.0}, noise=0.05)
    baseline, mgd = statistics(suite).cells
    values = [suite.value("pair-a", "mgd", seed) for seed in range(3)]
    assert mgd.estimates["AP"].mean == pytest.approx(sum(values) / 3)
    assert mgd.deltas["AP"].mean == pytest.approx(2.0, abs=0.15)
    # The seeds' own luck is ten times larger than the noise: pairing takes it out.
    assert mgd.deltas["AP"].sd < mgd.estimates["AP"].sd
    assert (baseline.verdict(), mgd.verdict()) == ("baseline", "better")
    assert baseline.deltas == {}


def test_small_differences_are_not_resolved(tmp_path: Path) -> None:
    suite = make_suite(tmp_path, rows={"baseline": 40.0, "mgd": 40.2, "fgd": 37.0})
    for seed, value in enumerate([40.5, 40.9, 40.2]):
        suite.edit("pair-a", "mgd", seed, "metrics.json", AP=value)
        suite.edit("pair-a", "baseline", seed, "metrics.json", AP=[40.0, 41.0, 40.0][seed])
        suite.edit("pair-a", "fgd", seed, "metrics.json", AP=[37.0, 38.1, 37.1][seed])
    verdicts = [cell.verdict() for cell in statistics(suite).cells]
    assert verdicts == ["baseline", "not resolved", "worse"]


def test_correction_is_over_the_rows_of_a_pair(tmp_path: Path) -> None:
    cells = statistics(make_suite(tmp_path, pairs=2)).of_group("pair-a")
    delta = min((c.deltas["AP"] for c in cells if c.deltas), key=lambda d: d.p)
    assert delta.p_holm == pytest.approx(delta.p * 4)


def test_missing_seed_leaves_the_others_and_says_why(tmp_path: Path) -> None:
    suite = make_suite(tmp_path, rows={"baseline": 40.0, "mgd": 42.0})
    suite.edit("pair-a", "mgd", 1, status="failed", reason="loss became NaN")
    cell = statistics(suite).cells[1]
    assert (cell.n, cell.deltas["AP"].seeds) == (2, (0, 2))
    assert cell.missing == {suite.id("pair-a", "mgd", 1): "failed: loss became NaN"}


def test_missing_cell_has_no_number(tmp_path: Path) -> None:
    suite = make_suite(tmp_path, rows={"baseline": 40.0, "mgd": 42.0})
    for seed in range(3):
        shutil.rmtree(suite.folder("pair-a", "mgd", seed))
    cell = statistics(suite).cells[1]
    assert (cell.n, cell.estimates, cell.verdict()) == (0, {}, "")
    assert set(cell.missing.values()) == {"not run yet"}


def test_over_pairs(tmp_path: Path) -> None:
    found = statistics(make_suite(tmp_path, pairs=3))
    effects = {row.row: row for row in found.across_pairs()}
    assert set(effects) == {"mgd", "amd", "amd-mask-only", "fgd"}
    assert effects["amd"].effect.mean == pytest.approx(2.0, abs=0.15)
    assert effects["amd"].effect.pairs == 3
    assert effects["amd"].improvement.wins == 9
    assert effects["amd"].improvement.resolved
    assert found.ranks()[0].row == "amd"
    assert found.ranks()[-1].row == "baseline"
    assert found.difference_groups().blocks == 9


def test_leaders_only_where_resolved() -> None:
    clear = {
        "a": {0: 44.0, 1: 45.1, 2: 43.9},
        "b": {0: 42.0, 1: 43.0, 2: 42.0},
        "c": {0: 40.0, 1: 41.1, 2: 39.9},
    }
    assert (leaders(clear).best, leaders(clear).second) == ("a", "b")
    noisy = {**clear, "b": {0: 46.0, 1: 43.0, 2: 42.0}}
    assert leaders(noisy).best is None
    tied_below = {**clear, "d": {0: 42.2, 1: 42.8, 2: 42.1}}
    assert (leaders(tied_below).best, leaders(tied_below).second) == ("a", None)
    assert leaders({"a": {0: 44.0}, "b": {0: 1.0}}).best is None


def test_single_seed_gets_the_images_kind_of_interval(tmp_path: Path) -> None:
    suite = make_suite(tmp_path, rows={"baseline": 40.0, "mgd": 42.0}, seeds=(0,), predictions=True)
    images = ImageUncertainty(tmp_path / "data", tmp_path / "cache", resamples=100)
    baseline, mgd = statistics(suite, images=images).cells
    assert images.problems == {}
    assert mgd.images.kind == "images"
    assert mgd.images.value == pytest.approx(mgd.estimates["AP"].mean, abs=1e-4)
    assert mgd.image_delta.value == pytest.approx(mgd.deltas["AP"].mean, abs=1e-4)
    assert mgd.estimates["AP"].low is None
    assert mgd.verdict() == "not resolved"
    assert baseline.image_delta is None
    kept = sorted((tmp_path / "cache").iterdir())
    assert len(kept) == 2
    again = ImageUncertainty(tmp_path / "nowhere", tmp_path / "cache", resamples=100)
    assert statistics(suite, images=again).cells[1].images == mgd.images


def test_unknown_annotations_are_told(tmp_path: Path) -> None:
    suite = make_suite(tmp_path, rows={"baseline": 40.0, "mgd": 42.0}, seeds=(0,))
    images = ImageUncertainty(tmp_path / "data", tmp_path / "cache")
    assert statistics(suite, images=images).cells[0].images is None
    assert "no annotation file with SHA-256 aaaaaaaaaa" in next(iter(images.problems.values()))


def test_command_line(tmp_path: Path) -> None:
    suite = make_suite(tmp_path, pairs=2)
    places = ["--suite-dir", str(suite.suite_dir), "--runs", str(suite.runs_dir)]
    assert main([*places, "--data", str(tmp_path)]) == 0
    content = json.loads((suite.suite_dir / "statistics.json").read_text())
    table = content["tables"]["main"]
    assert len(table["cells"]) == 10
    assert table["cells"][2]["estimates"]["AP"]["kind"] == "seeds"
    assert len(table["ranks"]) == 5


def test_over_pairs_p_is_corrected_for_the_rows(tmp_path: Path) -> None:
    """Many rows of nothing: what a single test calls a finding, the family does not."""
    rows = {"baseline": 40.0} | {f"mgd-{place}": 40.0 for place in range(12)}
    found = statistics(make_suite(tmp_path, pairs=2, rows=rows, noise=0.5)).across_pairs()
    p_values = [row.effect.p for row in found]
    assert min(p_values) < 0.05
    assert [row.p_holm for row in found] == holm(p_values)
    assert not any(row.resolved for row in found)


def test_a_training_that_stands_twice_is_tested_once(tmp_path: Path) -> None:
    """Beside two printed numbers, say. Counted twice, it would be a pair more."""
    suite = make_suite(tmp_path, pairs=2)
    before = statistics(suite)
    cells = suite.plan["tables"][0]["cells"]
    twice = [cell | {"runs": cell["runs"][::-1]} for cell in cells if cell["row"] == "mgd"]
    cells += twice
    suite.save_plan()
    after = statistics(suite)
    assert len(after.cells) == len(before.cells) + 2
    assert after.cells[-1].deltas == before.of_group("pair-b")[1].deltas
    assert after.of_group("pair-a")[2].deltas == before.of_group("pair-a")[2].deltas
    assert after.across_pairs() == before.across_pairs()


def test_every_row_is_held_against_the_baseline_of_its_schedule(tmp_path: Path) -> None:
    rows = {"baseline": 40.0, "mgd": 42.0, "baseline-long": 45.0, "amd-long": 44.0}
    suite = make_suite(tmp_path, pairs=2, rows=rows, noise=0.05)
    two_schedules(suite)
    found = {row.row: row for row in statistics(suite).across_pairs()}
    assert set(found) == {"mgd", "amd-long"}
    assert (found["mgd"].improvement.wins, found["amd-long"].improvement.wins) == (6, 0)
    assert found["amd-long"].effect.mean == pytest.approx(-1.0, abs=0.1)


def test_students_are_rivals_without_a_baseline_too(tmp_path: Path) -> None:
    suite = make_suite(tmp_path, rows={"baseline": 40.0, "mgd": 42.0, "amd": 44.0}, noise=0.05)
    teacher = suite.plan["runs"][0]["id"]
    cells = [cell | {"baseline": []} for cell in suite.plan["tables"][0]["cells"][1:]]
    of_teacher = {"row": "teacher", "methods": [], "runs": [teacher], "title": "Teacher"}
    suite.plan["tables"][0]["cells"] = [*cells, cells[0] | of_teacher]
    suite.save_plan()
    found = statistics(suite)
    assert found.leaders("pair-a", "AP").best == "amd"
    assert [rank.row for rank in found.ranks()] == ["amd", "mgd"]

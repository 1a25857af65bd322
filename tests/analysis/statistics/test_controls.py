"""What a row gains beyond inheriting alone: against scipy, in tables and in sentences."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest
from scipy import stats

from analysis.figures.compared import effect_of
from analysis.figures.options import EffectsOptions
from analysis.findings.headline import summary
from analysis.findings.pairs import PairAnswer, pair_answers
from analysis.findings.pooled import pooled
from analysis.findings.sentences import sentences
from analysis.plan import read_plan
from analysis.records import read_records
from analysis.statistics.tables import CellStatistics, table_statistics
from analysis.tables.__main__ import main
from analysis.tables.build import build_document

from ..factory import MadeSuite, make_suite
from ..figures import made

ROWS = {"baseline": 40.0, "baseline-inherit": 43.0, "mgd": 43.0, "fgd": 45.0, "amd": 42.0}
INHERITING = ("baseline-inherit", "mgd", "fgd")


@pytest.fixture
def suite(tmp_path: Path) -> MadeSuite:
    return make_suite(tmp_path, rows=ROWS, noise=0.05, inheriting=INHERITING)


def cells(suite: MadeSuite) -> dict[str, CellStatistics]:
    plan = read_plan(suite.suite_dir)
    found = table_statistics(read_records(plan, suite.runs_dir), plan.tables[0])
    return {cell.cell.row: cell for cell in found.cells}


def test_rows_that_inherit_are_paired_with_inheriting_alone(suite: MadeSuite) -> None:
    found = cells(suite)
    assert {row for row, cell in found.items() if cell.own_deltas} == {"mgd", "fgd"}
    p_values = {}
    for row in ("mgd", "fgd"):
        ours, alone = (
            [suite.value("pair-a", name, seed) for seed in range(3)]
            for name in (row, "baseline-inherit")
        )
        delta = found[row].own_deltas["AP"]
        assert delta.mean == pytest.approx(sum(ours) / 3 - sum(alone) / 3)
        p_values[row] = stats.ttest_rel(ours, alone).pvalue
        assert delta.p == pytest.approx(p_values[row])
    # Two rows in the family, whatever is compared with the baseline besides.
    assert found["fgd"].own_deltas["AP"].p_holm == pytest.approx(2 * p_values["fgd"])


def test_the_control_that_clips_alike_comes_first(tmp_path: Path) -> None:
    rows = {
        "baseline": 40.0,
        "baseline-inherit": 43.0,
        "baseline-inherit-clip35": 44.0,
        "fgd": 45.0,
    }
    inheriting = ("baseline-inherit", "baseline-inherit-clip35", "fgd")
    suite = make_suite(tmp_path, rows=rows, noise=0.01, inheriting=inheriting)
    assert cells(suite)["fgd"].own_deltas["AP"].mean == pytest.approx(2.0, abs=0.05)
    for row in ("baseline-inherit-clip35", "fgd"):
        for seed in range(3):
            spec = {"options": {"inherit": True, "clip": 35.0}}
            suite.edit("pair-a", row, seed, spec=spec)
    assert cells(suite)["fgd"].own_deltas["AP"].mean == pytest.approx(1.0, abs=0.05)


def test_the_control_starts_from_the_same_teacher(tmp_path: Path) -> None:
    """A student that is its own teacher inherits less than one of the pair's, and gains less."""
    own = {"baseline-inherit-self": 40.5, "mgd-self": 42.0}
    rows = {"baseline": 40.0, "baseline-inherit": 43.0, "mgd": 44.0, **own}
    suite = make_suite(tmp_path, rows=rows, noise=0.01, inheriting=(*rows,)[1:])
    for run in suite.plan["runs"]:
        if run["row"] in own:
            run["teacher"] = suite.id("pair-a", "baseline", run["seed"])
    suite.save_plan()
    found = cells(suite)
    assert found["mgd"].own_deltas["AP"].mean == pytest.approx(1.0, abs=0.05)
    assert found["mgd-self"].own_deltas["AP"].mean == pytest.approx(1.5, abs=0.05)
    # Nor does it wait for a student that starts from elsewhere.
    for seed in range(3):
        suite.edit("pair-a", "baseline-inherit-self", seed, status="failed", reason="stopped")
    waiting = cells(suite)
    assert waiting["mgd-self"].uncontrolled
    assert not waiting["mgd-self"].own_deltas
    assert not waiting["mgd"].uncontrolled


def test_without_such_a_student_there_is_no_column(tmp_path: Path) -> None:
    rows = {"baseline": 40.0, "fgd": 45.0}
    suite = make_suite(tmp_path, rows=rows, inheriting=("fgd",))
    plan = read_plan(suite.suite_dir)
    table = build_document(read_records(plan, suite.runs_dir), plan.tables[0]).tables[0]
    assert "own" not in {column.key for column in table.columns}
    assert "inheriting" not in table.caption


def test_the_table_has_both_comparisons_and_names_their_families(suite: MadeSuite) -> None:
    plan = read_plan(suite.suite_dir)
    table = build_document(read_records(plan, suite.runs_dir), plan.tables[0]).tables[0]
    keys = [column.key for column in table.columns]
    rows = {row.entries[0].raw["row"]: row for row in table.rows()}
    own, p = keys.index("own"), keys.index("p_own")
    assert rows["fgd"].entries[own].text.endswith("]")
    assert rows["fgd"].entries[p].value is not None
    assert rows["amd"].entries[own].text == "–"
    assert "and apart from these over its rows that are compared with inheriting" in table.caption


def test_one_seed_has_the_interval_over_images(tmp_path: Path) -> None:
    suite = make_suite(tmp_path, rows=ROWS, seeds=(0,), predictions=True, inheriting=INHERITING)
    places = ["--suite-dir", str(suite.suite_dir), "--runs", str(suite.runs_dir)]
    assert main([*places, "--data", str(tmp_path / "data"), "--table", "main"]) == 0
    with (suite.suite_dir / "tables" / "main.csv").open(newline="") as file:
        lines = {line["row"]: line for line in csv.DictReader(file)}
    fgd = lines["fgd"]
    assert float(fgd["own_images_low"]) < float(fgd["own"]) < float(fgd["own_images_high"])
    assert lines["amd"]["own_images_low"] == ""
    assert "p_own" not in fgd


def test_what_is_only_inherited_is_not_praised(suite: MadeSuite) -> None:
    plan = read_plan(suite.suite_dir)
    records = read_records(plan, suite.runs_dir)
    (pair,) = pair_answers(records, [table_statistics(records, plan.tables[0])])
    assert [gain.row for gain in pair.inherited] == ["mgd"]
    told = " ".join(map(str, sentences(pair)))
    better = told.split("Better than the baseline: ")[1].split(". ")[0]
    assert "FGD +" in better
    assert "over inheriting alone" in better
    assert "MGD" not in better
    headline = summary(records)
    praised, rest = headline.split("; better, but not shown to gain more than inheriting alone: ")
    assert "FGD" in praised
    assert "MGD" not in praised
    assert rest.startswith("MGD (+")


def test_one_seed_counts_those_that_beat_inheriting_alone(tmp_path: Path) -> None:
    suite = make_suite(tmp_path, rows=ROWS, seeds=(0,), noise=0.0, inheriting=INHERITING)
    told = summary(read_records(read_plan(suite.suite_dir), suite.runs_dir))
    assert "from FGD (+5.00 AP, +2.00 over inheriting alone)" in told
    assert told.endswith("neck and head: 1 of them (FGD) ended above inheriting alone.")


def test_the_forest_plot_can_show_the_own_control(suite: MadeSuite) -> None:
    found = cells(suite)
    plain, own = EffectsOptions(), EffectsOptions(against="own-control")
    assert effect_of(found["fgd"], plain).delta == found["fgd"].deltas["AP"]
    assert effect_of(found["fgd"], own).delta == found["fgd"].own_deltas["AP"]
    assert effect_of(found["fgd"], own).title == "FGD (inherits)"
    assert effect_of(found["amd"], own).delta == found["amd"].deltas["AP"]
    assert effect_of(found["baseline"], own) is None


def answer(suite: MadeSuite) -> PairAnswer:
    plan = read_plan(suite.suite_dir)
    records = read_records(plan, suite.runs_dir)
    return pair_answers(records, [table_statistics(records, plan.tables[0])])[0]


@pytest.mark.parametrize("lost", [(0, 1, 2), (2,)])
def test_without_the_controls_result_nothing_is_praised(
    suite: MadeSuite, lost: tuple[int, ...]
) -> None:
    """It failed, or has other seeds than the row: what the row gains beyond it is not known."""
    for seed in lost:
        suite.edit("pair-a", "baseline-inherit", seed, status="failed", reason="stopped")
    for seed in {0, 1, 2} - set(lost) if len(lost) == 1 else ():
        suite.edit("pair-a", "fgd", seed, status="failed", reason="stopped")
    found = cells(suite)
    assert found["fgd"].own_deltas == {}
    assert found["fgd"].uncontrolled
    assert not found["amd"].uncontrolled
    pair = answer(suite)
    assert "fgd" not in [gain.row for gain in pair.better]
    assert "fgd" not in [row.row for row in pooled([pair]) if row.verdict == "better"]
    if len(lost) == 3:
        assert {gain.row for gain in pair.inherited} == {"fgd", "mgd"}
        told = " ".join(map(str, sentences(pair)))
        assert "but not shown to gain more than inheriting alone: FGD +" in told
    made.wish(suite, "effects", against="own-control")
    assert made.draw(suite) == 0
    (page,) = made.entries(suite)
    assert "FGD" not in page.alt
    assert "Without a student that inherits alone to be held against: " in page.caption
    assert "FGD." in page.caption


def test_on_how_many_pairs_a_row_was_held_against_its_control(tmp_path: Path) -> None:
    suite = make_suite(tmp_path, pairs=2, rows=ROWS, noise=0.05, inheriting=INHERITING)
    told = summary(read_records(read_plan(suite.suite_dir), suite.runs_dir))
    assert "over inheriting alone)" in told
    for row in INHERITING:
        for seed in range(3):
            suite.edit("pair-b", row, seed, spec={"options": {"inherit": False}})
    told = summary(read_records(read_plan(suite.suite_dir), suite.runs_dir))
    assert "over inheriting alone in 1 pair)" in told

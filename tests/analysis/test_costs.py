"""What a row costs, from the measured costs of its runs."""

from __future__ import annotations

from pathlib import Path

import pytest

from analysis.costs import Costs, costs, costs_of, elsewhere, unrest, unsteady
from analysis.plan import read_plan
from analysis.records import read_records
from analysis.statistics.tables import table_statistics

from .factory import MadeSuite, make_suite

ROWS = {"baseline": 40.0, "mgd": 42.0}


def of_row(suite: MadeSuite, row: str) -> Costs:
    plan = read_plan(suite.suite_dir)
    records = read_records(plan, suite.runs_dir)
    cells = table_statistics(records, plan.table("costs")).cells
    return costs(records, next(cell for cell in cells if cell.cell.row == row))


@pytest.fixture
def suite(tmp_path: Path) -> MadeSuite:
    return make_suite(tmp_path, rows=ROWS, noise=0.0)


def test_known_costs(suite: MadeSuite) -> None:
    found = of_row(suite, "mgd")
    assert (found.hours, found.on_gpu, found.n) == (0.75, True, 3)
    assert found.overhead == pytest.approx(0.5)
    assert found.gain == pytest.approx(2.0)
    assert found.gain_per_hour == pytest.approx(2.0 / 0.75)
    assert found.process_gib == pytest.approx(900 / 1024)
    assert found.device_gib is None
    assert (found.teacher_share, found.loss_share) == pytest.approx((0.2, 0.1))


def test_baseline_has_no_overhead_and_no_gain(suite: MadeSuite) -> None:
    found = of_row(suite, "baseline")
    assert (found.overhead, found.gain, found.gain_per_hour) == (None, None, None)


def test_overhead_is_not_taken_across_devices(suite: MadeSuite) -> None:
    for seed in range(3):
        suite.edit("pair-a", "baseline", seed, "cost.json", device="H100")
    assert of_row(suite, "mgd").overhead is None


def test_rows_are_compared_on_one_machine(suite: MadeSuite) -> None:
    """One seed of one row was trained on a machine that is ten times slower."""
    suite.edit("pair-a", "mgd", 2, "cost.json", device="old", wall_seconds=27000.0, gpu_hours=7.5)
    plan = read_plan(suite.suite_dir)
    records = read_records(plan, suite.runs_dir)
    cells = table_statistics(records, plan.table("costs")).cells
    found = costs_of(records, cells)
    baseline, mgd = (found[id(cell)] for cell in cells)
    assert (baseline.hours, mgd.hours) == (0.5, 0.75)
    assert (baseline.devices, mgd.devices) == (("cpu",), ("cpu",))
    assert (baseline.n, mgd.n) == (3, 2)
    assert elsewhere(found, cells).startswith("Costs of 1 run on other")
    assert mgd.gain == pytest.approx(2.0)  # of all seeds


def test_overhead_is_paired_by_seed(suite: MadeSuite) -> None:
    """A slow machine at one seed slows both rows: the ratio within the seed stays."""
    suite.edit("pair-a", "baseline", 0, "cost.json", images_per_second=4.0)
    suite.edit("pair-a", "mgd", 0, "cost.json", images_per_second=4.0 / 1.5)
    assert of_row(suite, "mgd").overhead == pytest.approx(0.5)


def test_a_machine_that_was_not_quiet_is_told(suite: MadeSuite) -> None:
    def told() -> str:
        plan = read_plan(suite.suite_dir)
        records = read_records(plan, suite.runs_dir)
        cells = table_statistics(records, plan.table("costs")).cells
        return unsteady(unrest(records, costs_of(records, cells), cells))

    assert told() == ""
    suite.edit("pair-a", "mgd", 1, "cost.json", device="other", images_per_second=0.1)
    assert told() == ""  # another device may be slower
    suite.edit("pair-a", "mgd", 0, "cost.json", images_per_second=40.0 / 1.5 / 4)
    assert "up to 4.0 times as long" in told()


def test_missing_measurements_stay_unknown(suite: MadeSuite) -> None:
    for seed in range(3):
        (suite.folder("pair-a", "mgd", seed) / "cost.json").unlink()
    found = of_row(suite, "mgd")
    assert (found.hours, found.overhead, found.gain_per_hour) == (None, None, None)
    assert found.gain == pytest.approx(2.0)

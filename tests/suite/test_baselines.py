"""What gains are over: a student with nothing added, whatever a row is called."""

from __future__ import annotations

import pytest

from tests.suite.own import MINIMAL
from workflow.spec import RunSpec
from workflow.suite import Suite, load

CONTROL = "tables:\n  main: {}\n  control: {rows: [{row: baseline, %s}, mgd]}\n"


def baselines(suite: Suite, table: str, row: str = "mgd") -> list[RunSpec]:
    (cell,) = [cell for cell in suite.tables[table].cells if cell.row == row]
    return [suite.run(id) for id in cell.baseline]


@pytest.mark.parametrize(
    "added",
    ["run: {inherit: true}", "run: {clip: 1}", "run: {inherit: true, teacher: untrained}"],
)
def test_a_baseline_with_something_added_is_a_control(write, added):
    plain = load(write(MINIMAL + "tables: {main: {}}\n", "plain.yaml"))
    suite = load(write(MINIMAL + CONTROL % added))
    expected = baselines(plain, "main")
    assert len(expected) == 2
    assert baselines(suite, "main") == expected
    assert baselines(suite, "control") == expected
    # The control is compared with it too.
    control = next(cell for cell in suite.tables["control"].cells if cell.row == "baseline")
    assert [suite.run(id) for id in control.baseline] == expected
    assert not set(control.runs) & set(control.baseline)


def test_controls_have_gains_and_give_none(write):
    rows = "  - baseline-inherit\n  - baseline-clip35\n  - baseline-inherit-clip35\n"
    suite = load(write(MINIMAL + rows + "tables: {main: {}}\n"))
    for cell in suite.tables["main"].cells:
        assert [suite.run(id).row for id in cell.baseline] == ["baseline", "baseline"]


def test_a_method_that_is_called_baseline_is_none(write):
    text = MINIMAL.replace("  - mgd\n", "  - {row: mgd, name: also}\n")
    text += "tables:\n  main: {}\n  odd: {rows: [{row: mgd, name: baseline}, ssim]}\n"
    suite = load(write(text))
    assert all(not run.methods for run in baselines(suite, "odd", "ssim"))
    assert baselines(suite, "main", "also") == baselines(suite, "odd", "ssim")


def test_a_baseline_may_have_another_name(write):
    text = MINIMAL.replace("- baseline", "- {row: baseline, name: student}")
    suite = load(write(text + "tables: {main: {}}\n"))
    assert [run.row for run in baselines(suite, "main")] == ["student", "student"]
    own = next(cell for cell in suite.tables["main"].cells if cell.row == "student")
    assert own.baseline == own.runs


def test_of_two_names_the_tables_own_counts(write):
    named = "{row: baseline, name: student}"
    text = MINIMAL + f"tables:\n  main: {{}}\n  own: {{rows: [{named}, mgd]}}\n"
    suite = load(write(text + f"  both: {{rows: [{named}, baseline, mgd]}}\n"))
    found = {table: {run.row for run in baselines(suite, table)} for table in suite.tables}
    assert found == {"main": {"baseline"}, "own": {"student"}, "both": {"baseline"}}


def test_a_baseline_of_another_schedule_is_named_and_counts_there(write):
    blocks = """\
tables:
  lengths:
    blocks:
      - {rows: [baseline, mgd]}
      - schedule: {iterations: 9}
        rows: [{row: baseline, name: baseline-short}, {row: mgd, name: mgd-short}]
"""
    suite = load(write(MINIMAL + blocks))
    assert {run.row for run in baselines(suite, "lengths")} == {"baseline"}
    assert {run.row for run in baselines(suite, "lengths", "mgd-short")} == {"baseline-short"}

"""What the verdict forgets: a teacher that failed once must not fail its students for ever."""

from __future__ import annotations

from pathlib import Path

import pytest

from workflow import outcome, verdict
from workflow.outcome import Outcome
from workflow.suite import load

TINY = Path(__file__).parents[1] / "suites" / "tiny.yaml"
SCOPES = ("table_main", "tables", "students", "all")


@pytest.fixture(scope="module")
def suite():
    return load(TINY)


def judge(runs: Path, scope: str, *more: str) -> int:
    return verdict.main(["--suite", str(TINY), "--runs", str(runs), "--scope", scope, *more])


def by_row(suite, row: str):
    return next(run for run in suite.runs if run.row == row)


def end_all(runs: Path, suite) -> None:
    for run in suite.runs:
        outcome.write(runs, Outcome(run.id, "complete"))


@pytest.mark.parametrize("scope", SCOPES)
def test_a_teacher_that_failed_is_tried_again_with_its_student(suite, scope, tmp_path, capsys):
    teacher, student = by_row(suite, "teacher"), by_row(suite, "mgd")
    end_all(tmp_path, suite)
    outcome.write(tmp_path, Outcome(teacher.id, "failed", "no network", "fetch"))
    outcome.write(tmp_path, Outcome(student.id, "failed", f"needs {teacher.id}", "needs"))
    assert judge(tmp_path, scope) == 1
    assert outcome.read(tmp_path, teacher.id) is None
    assert outcome.read(tmp_path, student.id) is None
    said = capsys.readouterr().err
    assert f"  {teacher.id}: fetch: no network\n" in said
    assert f"  {student.id}: needs: needs {teacher.id}\n" in said
    count = "1 of 2" if "table" in scope else f"2 of {len(suite.runs)}"
    assert said.startswith(f"{count} runs have no result:\n")
    assert ("what they learn from" in said) == ("table" in scope)


def test_so_is_the_backbone_that_the_teacher_starts_from(suite, tmp_path, capsys):
    student = by_row(suite, "mgd")
    backbone, teacher = student.teacher.backbone, student.teacher
    end_all(tmp_path, suite)
    for run, why in ((backbone, "no network"), (teacher, "needs"), (student, "needs")):
        outcome.write(tmp_path, Outcome(run.id, "failed", why, "train"))
    assert judge(tmp_path, "table_main", "--partial") == 1
    assert not any(outcome.read(tmp_path, run.id) for run in (backbone, teacher, student))
    said = capsys.readouterr().err
    assert all(f"  {run.id}: train: " in said for run in (backbone, teacher, student))
    # What ended well is left alone.
    assert outcome.read(tmp_path, by_row(suite, "baseline").id)


def test_a_failed_teacher_of_finished_students_fails_no_table(suite, tmp_path, capsys):
    teacher = by_row(suite, "teacher")
    end_all(tmp_path, suite)
    outcome.write(tmp_path, Outcome(teacher.id, "failed", "no network", "fetch"))
    assert judge(tmp_path, "table_main") == 0
    assert outcome.read(tmp_path, teacher.id) is None
    said = capsys.readouterr()
    assert said.out.startswith("table_main: all 2 runs complete\n")
    assert f"  {teacher.id}: fetch: no network\n" in said.out
    assert not said.err


def test_failures_that_nothing_in_the_scope_needs_are_left_alone(suite, tmp_path, capsys):
    student = by_row(suite, "mgd")
    end_all(tmp_path, suite)
    outcome.write(tmp_path, Outcome(student.id, "failed", "loss is nan", "train"))
    assert judge(tmp_path, "teachers") == 0
    assert outcome.read(tmp_path, student.id) is not None
    assert student.id not in "".join(capsys.readouterr())


def test_partial_still_overlooks_what_was_not_carried_out(suite, tmp_path, capsys):
    teacher, student = by_row(suite, "teacher"), by_row(suite, "mgd")
    end_all(tmp_path, suite)
    outcome.write(tmp_path, Outcome(teacher.id, "failed", "no network", "fetch"))
    outcome.path_of(tmp_path, student.id).unlink()
    assert judge(tmp_path, "table_main", "--partial") == 0
    assert outcome.read(tmp_path, teacher.id) is None
    said = capsys.readouterr().out
    assert said.startswith("table_main: 1 of 2 runs complete; the 1 that were not carried out")
    assert f"  {teacher.id}: fetch: no network\n" in said

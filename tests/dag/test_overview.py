"""Verdict, status and plan, on run folders written by hand."""

from __future__ import annotations

import os
import subprocess
import sys
import time

import pytest

from analysis.plan import read_plan
from tests.dag.finished import TINY, finish
from workflow import outcome, plan, status, verdict
from workflow.command import NOBODY_READS
from workflow.costs import iterations
from workflow.outcome import Outcome
from workflow.scopes import scopes
from workflow.suite import load


@pytest.fixture(scope="module")
def suite():
    return load(TINY)


def test_the_verdict_lists_what_failed_and_lets_it_be_tried_again(suite, tmp_path, capsys):
    *others, student = suite.runs
    for run in others:
        finish(tmp_path, run, 1)
    outcome.write(tmp_path, Outcome(student.id, "failed", "loss is nan", "train"))
    asked = ["--suite", str(TINY), "--runs", str(tmp_path), "--scope", "all"]
    assert verdict.main(asked) == 1
    said = capsys.readouterr().err
    assert f"{student.id}: train: loss is nan" in said
    assert f"1 of {len(suite.runs)} runs" in said
    assert outcome.read(tmp_path, student.id) is None
    assert verdict.main([*asked[:-1], "teachers"]) == 0
    assert verdict.main([*asked, "--partial"]) == 0
    assert "the 1 that were not carried out are left out" in capsys.readouterr().out
    finish(tmp_path, student, 1)
    assert verdict.main(asked) == 0


def test_scopes_name_the_runs_of_each_table(suite):
    found = scopes(suite)
    assert found["all"] == list(suite.by_id)
    assert {suite.run(id).kind for id in found["teachers"]} == {"teacher", "classifier"}
    assert {suite.run(id).row for id in found["table_main"]} == {"baseline", "mgd"}


def test_status_tells_the_states_apart(suite, tmp_path):
    done, failed, running, stale, left = suite.runs
    finish(tmp_path, done, 1)
    outcome.write(tmp_path, Outcome(failed.id, "failed", "no luck", "train"))
    for run in (running, stale):
        (tmp_path / run.id / "work").mkdir(parents=True)
        (tmp_path / run.id / "history.csv").write_text("iteration,epoch\n1,0\n2,0\n")
    old = time.time() - 2 * status.FRESH_SECONDS
    os.utime(tmp_path / stale.id / "history.csv", (old, old))
    found = {one.id: one for one in status.table(suite, tmp_path)}
    assert [found[run.id].state for run in suite.runs] == [
        "done",
        "failed",
        "running",
        "interrupted",
        "left",
    ]
    assert found[running.id].detail == f"iteration 2 of {iterations(running):.0f}, 67%"
    said = status.text(suite, list(found.values()), 1.5)
    assert "1 done, 1 running, 1 interrupted, 1 failed, 1 left of 5 runs" in said
    assert left.id not in said


def test_a_reader_that_has_seen_enough_is_no_error():
    ended = subprocess.run(
        [
            "bash",
            "-c",
            '"$0" -m workflow.suite "$1" | true; exit ${PIPESTATUS[0]}',
            sys.executable,
            str(TINY),
        ],
        cwd=TINY.parents[2],
        capture_output=True,
        text=True,
    )
    assert ended.returncode == NOBODY_READS
    assert "BrokenPipe" not in ended.stderr


def test_a_sign_that_the_locale_lacks_stops_nothing():
    code = "from workflow.command import speaking\nspeaking(lambda _=None: print('a → b') or 0)()"
    ended = subprocess.run(
        [sys.executable, "-c", code],
        cwd=TINY.parents[2],
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONIOENCODING": "latin-1"},
    )
    assert (ended.stdout, ended.stderr) == ("a ? b\n", "")


@pytest.mark.parametrize("name", [str(TINY), "papers/fgd", "coco"])
def test_analysis_understands_the_plan(name, tmp_path):
    assert plan.main(["--suite", name, "--out", str(tmp_path / "plan.json")]) == 0
    found = read_plan(tmp_path)
    suite = load(name)
    assert [run.id for run in found.runs] == list(suite.by_id)
    assert [table.name for table in found.tables] == list(suite.tables)

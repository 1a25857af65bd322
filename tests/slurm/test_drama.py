"""All that happens to jobs on a cluster, in one suite: it ends complete, in the same numbers, and
no step of any training was done twice."""

from __future__ import annotations

import time

import pytest

from tests.slurm.conftest import (
    Submitter,
    carried_out_here,
    prepared,
    record,
    run_ids,
    slowed,
    students,
    until,
)
from tests.slurm.freezer import Freezer, waits_its_turn
from workflow.suite import load

pytestmark = [pytest.mark.slurm, pytest.mark.slow, pytest.mark.timeout(1800)]
STEPS = 20
"""Of every training; each is stopped after a few, and so in the middle."""


def longer(text: str) -> str:
    for few in ("iterations: 4", "iterations: 3"):
        text = text.replace(few, f"iterations: {STEPS}")
    return text


@pytest.fixture(scope="module")
def played(slurm, tmp_path_factory):
    """The suite after everything has happened to it."""
    checkout = prepared(tmp_path_factory.mktemp("cluster"), longer)
    suite = load(checkout.root / "tiny.yaml")
    mgd = next(run for run in suite.runs if run.row == "mgd")
    baseline = next(run for run in suite.runs if run.row == "baseline")
    teacher, small, large = mgd.teacher.id, baseline.backbone.id, mgd.teacher.backbone.id
    # Whoever ends the processes of a job must wait until the training has saved.
    slowed(checkout, "self.folder.checkpoints.save(", seconds=4)
    node = ("update", f"NodeName={slurm.node}")
    freezing = Freezer(checkout.root, list(suite.by_id), steps=5)
    with Submitter(slurm, checkout) as submitter, freezing as freezer:
        snakemake = submitter.start("tables")

        # One job is queued again, one is cancelled: Slurm wakes, warns and ends the processes.
        freezer.wait(large)
        requeued = submitter.job(large)
        slurm.command("scontrol", "requeue", str(requeued))
        freezer.wait(small)
        cancelled = submitter.job(small)
        slurm.command("scancel", str(cancelled))

        # The teacher comes near its time limit.
        training = freezer.wait(teacher)
        assert slurm.job(requeued)["Restarts"] == "1"
        limited = submitter.job(teacher)
        slurm.command("scontrol", "update", f"JobId={limited}", "TimeLimit=3")
        until("Slurm's warning", lambda: not training.is_running())

        # The node is drained while a student is trained there; the teacher's next attempt waits.
        student = freezer.wait(baseline.id)
        slurm.command("scontrol", *node, "State=DRAIN", "Reason=test")
        until("the next attempt", lambda: any(_named(slurm, "PENDING", teacher)))
        assert "DRAIN" in slurm.state()
        student.resume()
        until("the student's end", lambda: not _named(slurm, "RUNNING", baseline.id))
        slurm.command("scontrol", *node, "State=RESUME")
        assert submitter.job(teacher) != limited

        # Snakemake is killed while the last student is trained, and is called again.
        student = freezer.wait(mgd.id)
        snakemake.kill()
        snakemake.wait()
        first = submitter.job(mgd.id)
        assert submitter.start("tables").wait(timeout=60) == 1
        assert "--unlock" in submitter.said()
        submitter.finish(submitter.start("--unlock"), seconds=60)
        # The job that goes on is told, and nothing is submitted beside it ...
        assert submitter.start("tables").wait(timeout=60) == 2
        assert f"`scancel {first}`" in submitter.said()
        assert set(_named(slurm, "all", mgd.id)) == {first}
        # ... unless the site has put words of its own in its comment: then the next one waits.
        slurm.command("scontrol", "update", f"JobId={first}", "Comment=rewritten")
        snakemake = submitter.start("tables")
        second = submitter.job(mgd.id, first)
        started = time.time()
        until("the second job's turn", lambda: waits_its_turn(checkout.root, mgd.id, started))
        student.resume()
        submitter.finish(snakemake, seconds=240)
    ends = {name: slurm.job(n)["JobState"] for name, n in
            {"requeued": requeued, "cancelled": cancelled, "limited": limited, "first": first,
             "second": second}.items()}  # fmt: skip
    attempts = {large: 2, small: 2, teacher: 2, baseline.id: 1, mgd.id: 1}
    return checkout, ends, attempts


def _named(slurm, state: str, id: str) -> list[int]:
    return [n for n, comment in slurm.jobs(state).items() if id.replace("/", "_") in comment]


def test_the_suite_ends_complete(played):
    checkout, ends, _ = played
    assert {record(checkout, id, "outcome.json")["status"] for id in run_ids(checkout)} == {
        "complete"
    }
    assert (checkout.root / "results" / "suites" / "tiny" / "tables" / "main.html").is_file()
    assert ends == {
        "requeued": "COMPLETED",
        "cancelled": "CANCELLED",
        "limited": "FAILED",  # by saying 'resume me'; it was not killed at its limit
        "first": "COMPLETED",
        "second": "COMPLETED",
    }


def test_no_step_was_done_twice(played):
    checkout, _, attempts = played
    suite = load(checkout.root / "tiny.yaml")
    for id, run in suite.by_id.items():
        assert record(checkout, id, "cost.json")["attempts"] == attempts[id], id
        images = record(checkout, id, "work/cost.json")["images"]
        assert images == STEPS * run.schedule.batch_size, id


def test_the_numbers_are_those_of_a_quiet_run(played, tmp_path_factory):
    checkout, _, _ = played
    here = carried_out_here(tmp_path_factory.mktemp("here"), checkout)
    assert students(checkout) == students(here)
    for id in run_ids(checkout):
        assert record(checkout, id, "metrics.json") == record(here, id, "metrics.json")

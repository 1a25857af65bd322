"""A training on two GPUs, by torchrun inside one job, is warned of its time limit and resumes."""

from __future__ import annotations

import pytest

from tests.slurm.conftest import Submitter, prepared, record, slowed, until
from workflow.suite import load

pytestmark = [pytest.mark.slurm, pytest.mark.slow, pytest.mark.timeout(1200)]
STEPS = 60


def one_student(text: str) -> str:
    text = text.replace("rows: [baseline, mgd]", "rows: [baseline]")
    return text.replace("iterations: 4", f"iterations: {STEPS}")


def test_all_processes_save_before_the_time_limit(slurm, tmp_path_factory):
    checkout = prepared(tmp_path_factory.mktemp("cluster"), one_student)
    # Slurm looks at time limits every half a minute: the training must take longer than that.
    slowed(checkout, "done: int = runner.train_loop.iter", seconds=1)
    student = next(run for run in load(checkout.root / "tiny.yaml").runs if run.kind == "student")
    with Submitter(slurm, checkout) as submitter:
        snakemake = submitter.start("students", gpus=2)
        history = submitter.folder(student.id) / "history.csv"
        until("the training", history.is_file, seconds=240)
        first = submitter.job(student.id)
        assert slurm.job(first)["TresPerNode"] == "gres:gpu:2"
        slurm.command("scontrol", "update", f"JobId={first}", "TimeLimit=3")
        until("the job's end", lambda: slurm.job(first)["JobState"] != "RUNNING")
        assert slurm.job(first)["JobState"] == "FAILED"  # it said 'resume me'
        assert record(checkout, student.id)["status"] == "running"
        submitter.finish(snakemake, seconds=300)
    assert record(checkout, student.id)["status"] == "complete"
    assert record(checkout, student.id)["hardware"]["processes"] == 2
    assert record(checkout, student.id, "cost.json")["attempts"] == 2
    images = record(checkout, student.id, "work/cost.json")["images"]
    assert images == STEPS * student.schedule.batch_size

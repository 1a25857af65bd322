"""Runs go through a real Slurm, ask for what they should, and end in the same numbers."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.dag.conftest import ROOT
from tests.slurm.conftest import Submitter, prepared, record, run_ids, students
from tests.slurm.local import LocalSlurm
from workflow.account import refusal

pytestmark = pytest.mark.slurm


def test_the_local_slurm_hands_out_its_gpus(slurm):
    asked = ("srun", "--gres=gpu:2", "--mem=10", "printenv", "CUDA_VISIBLE_DEVICES")
    assert slurm.command(*asked) == "0,1"
    with pytest.raises(RuntimeError, match="Requested node configuration is not available"):
        slurm.command("srun", "--gres=gpu:3", "--mem=10", "true")


def test_without_a_database_any_account_passes(slurm, monkeypatch):
    for name, value in slurm.environment.items():
        monkeypatch.setenv(name, value)
    assert refusal("somebody") is None
    assert slurm.command("srun", "--account=somebody", "--mem=10", "echo", "ran") == "ran"


def test_the_script_starts_a_second_slurm_and_ends_that_one_only(slurm):
    second = LocalSlurm(slurm.folder / "second")
    call = [sys.executable, "-m", "tests.slurm.local"]
    told = subprocess.run(
        [*call, "start", str(second.folder)], cwd=ROOT, capture_output=True, text=True, check=True
    )
    try:
        assert f"export SLURM_CONF={second.folder / 'slurm.conf'}" in told.stdout
        assert second.state() == "IDLE"
        pids = [int(path.read_text()) for path in second.folder.glob("*.started")]
        assert len(pids) == 3
    finally:
        subprocess.run([*call, "stop", str(second.folder)], cwd=ROOT, check=True)
    assert not any(Path(f"/proc/{pid}").exists() for pid in pids)
    assert second.state() == ""
    assert slurm.state() == "IDLE"


def test_a_suite_goes_through(slurm, tmp_path_factory, request):
    only_one = ("rows: [baseline, mgd]", "rows: [baseline]")
    checkout = prepared(tmp_path_factory.mktemp("cluster"), lambda text: text.replace(*only_one))
    before = set(slurm.jobs("all"))
    with Submitter(slurm, checkout) as submitter:
        submitter.finish(submitter.start("tables", max_hours=0.1), seconds=480)

    ids = run_ids(checkout)
    jobs = {n: comment for n, comment in slurm.jobs("all").items() if n not in before}
    assert len(jobs) == 1 + len(ids)  # the data set's, and one a run
    for id in ids:
        (number,) = (n for n, comment in jobs.items() if id.replace("/", "_") in comment)
        job = slurm.job(number)
        assert job["JobState"] == "COMPLETED"
        assert job["TresPerNode"] == "gres:gpu:1"
        assert job["TimeLimit"] == "00:06:00"  # the forecast's ten minutes were too many
        assert job["Restarts"] == "0"
        assert record(checkout, id, "outcome.json")["status"] == "complete"
        assert record(checkout, id, "cost.json")["attempts"] == 1
    tables = checkout.root / "results" / "suites" / "tiny" / "tables"
    assert "baseline" in (tables / "main.csv").read_text(encoding="utf-8").lower()

    # Asked for only now: another worker makes it while Slurm is at work.
    here = students(request.getfixturevalue("finished"))
    assert students(checkout) == {id: here[id] for id in ids}

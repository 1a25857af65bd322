"""What Slurm says of a job's end is shown, wherever results go."""

from __future__ import annotations

import pytest

from tests.slurm.conftest import Submitter, prepared, until

pytestmark = [pytest.mark.slurm, pytest.mark.timeout(600)]


def test_slurm_s_own_words_are_shown_with_results_elsewhere(slurm, tmp_path_factory):
    checkout = prepared(tmp_path_factory.mktemp("cluster"), lambda text: text)
    # A data set of digits is made before anybody could cancel its job.
    program = checkout.root / "workflow" / "data" / "make.py"
    text = program.read_text(encoding="utf-8")
    start = "    options = _parser().parse_args(arguments)\n"
    assert start in text
    slow = f"{start}    __import__('time').sleep(300)\n"
    program.write_text(text.replace(start, slow), encoding="utf-8")
    with Submitter(slurm, checkout) as submitter:
        snakemake = submitter.start("data", results=tmp_path_factory.mktemp("results"))
        log = lambda: [*(checkout.root / "results" / "logs" / "slurm").rglob("*.log")]  # noqa: E731
        until("the job's log", log)
        (job,) = slurm.jobs("RUNNING")
        slurm.command("scancel", str(job))
        assert snakemake.wait(timeout=240) == 1
        said = [line for line in submitter.said().splitlines() if "slurmstepd" in line]
    assert any(f"slurm/rule_data/{job}.log: slurmstepd" in line for line in said), said

"""What the cluster profile promises, held against Snakemake's plugin; no Slurm is needed."""

from __future__ import annotations

import asyncio
import logging
from fractions import Fraction
from types import SimpleNamespace
from typing import Any

import pytest
import snakemake_executor_plugin_slurm as plugin
import yaml
from throttler import Throttler

from tests.dag.conftest import ROOT

HOUR = 3600


@pytest.fixture(scope="module")
def profile() -> dict[str, Any]:
    text = (ROOT / "slurm" / "config.yaml").read_text(encoding="utf-8")
    content: dict[str, Any] = yaml.safe_load(text)
    return content


def executor(attempts: int) -> plugin.Executor:
    """As much of one as asks how jobs fare; a throttle that holds up nobody."""
    made = plugin.Executor.__new__(plugin.Executor)
    settings = plugin.ExecutorSettings(status_attempts=attempts, status_command="squeue")
    made.workflow = SimpleNamespace(executor_settings=settings)
    made.logger = logging.getLogger(__name__)
    made.run_uuid = "distillation_1"
    made.status_rate_limiter = Throttler(rate_limit=1, period=1e-6)
    made.next_seconds_between_status_checks = 20
    made._status_query_calls = made._status_query_failures = 0
    made._status_query_total_seconds = made._status_query_max_seconds = 0.0
    made._status_query_min_seconds = None
    made._status_query_cycle_rows = []
    return made


def still_active(failures: int, attempts: int, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The jobs that are known after a look for which Slurm had no answer so many times."""
    answers = iter([(None, None)] * failures + [({"7": "RUNNING", "8": "PENDING"}, 0.01)])

    async def answer(*_: object) -> object:
        return next(answers)

    monkeypatch.setattr(plugin, "query_job_status", answer)
    monkeypatch.setattr(plugin, "get_min_job_age", lambda: 300)
    jobs = [SimpleNamespace(external_jobid=number, aux={}) for number in ("7", "8")]
    asked = executor(attempts)

    async def look() -> list[str]:
        return [job.external_jobid async for job in asked.check_active_jobs(jobs)]

    return asyncio.run(look())


def test_no_job_is_forgotten_while_slurm_does_not_answer(profile, monkeypatch):
    attempts = profile["slurm-status-attempts"]
    assert still_active(2000, attempts, monkeypatch) == ["7", "8"]
    # Otherwise the profile need not say anything.
    assert still_active(5, plugin.ExecutorSettings().status_attempts, monkeypatch) == []


def test_slurm_may_be_away_for_a_day(profile):
    # As Snakemake makes its throttle of the number.
    rate = Fraction(profile["max-status-checks-per-second"]).limit_denominator()
    seconds_between = rate.denominator / rate.numerator
    assert profile["slurm-status-attempts"] * seconds_between >= 24 * HOUR
    assert seconds_between <= profile["seconds-between-status-checks"]

"""What jobs ask for on a cluster, as a dry run lists it."""

from __future__ import annotations

import re
import shutil

import pytest

from tests.dag.conftest import ROOT, Checkout, copy


@pytest.fixture(scope="module")
def checkout(tmp_path_factory) -> Checkout:
    made = copy(tmp_path_factory.mktemp("resources"))
    shutil.copytree(ROOT / "slurm", made.root / "slurm")
    return made


def asked_for(checkout: Checkout, *config: str) -> dict[str, dict[str, int]]:
    """Rule -> the largest number of each resource that one of its jobs asks for."""
    words = ("students", "--profile", "slurm", "--dry-run", "--quiet", "host")
    found: dict[str, dict[str, int]] = {}
    rule = ""
    for line in checkout.snakemake(*words, config=config).stdout.splitlines():
        if (named := re.match(r"rule (\w+):$", line)) is not None:
            rule = named[1]
        elif line.strip().startswith("resources:"):
            most = found.setdefault(rule, {})
            for name, number in re.findall(r"(\w+)=(\d+)\b", line):
                most[name] = max(most.get(name, 0), int(number))
    return found


def test_speed_and_memory_reach_the_jobs(checkout):
    plain = asked_for(checkout)
    assert plain["data"]["runtime"] == 240
    changed = asked_for(checkout, "speed=0.0001", "memory_gb=2.5")
    assert changed["student"]["mem_mb"] == changed["teacher"]["mem_mb"] == 2500
    assert plain["student"]["mem_mb"] != 2500
    # Slow devices need longer limits.
    assert changed["student"]["runtime"] > 2 * plain["student"]["runtime"]
    assert changed["data"] == plain["data"]


def test_no_job_asks_for_more_time_than_the_partition_takes(checkout):
    found = asked_for(checkout, "speed=0.0001", "max_hours=0.75")
    assert {found[rule]["runtime"] for rule in ("data", "teacher", "student")} == {45}

"""What is told of jobs that an earlier call left in the queue; a stand-in answers for Slurm."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from tests.dag.conftest import ROOT, Checkout, copy
from workflow.queued import queued, told
from workflow.suite import load

RUN, OTHER = "coco/pair/mgd/seed0-0123456789", "coco/pair/fkd/seed0-abcdef0123"
COMMENT = "rule_student_wildcards_coco_pair_mgd_seed0-0123456789"


def stand_in(folder: Path, lines: str, code: int = 0) -> None:
    """A `squeue` in `folder` that prints these lines."""
    (folder / "lines").write_text(lines, encoding="utf-8")
    path = folder / "squeue"
    path.write_text(f'#!/bin/sh\ncat "{folder}/lines"\nexit {code}\n')
    path.chmod(0o755)


@pytest.fixture
def answer(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    return lambda lines, code=0: stand_in(tmp_path, lines, code)


def test_own_jobs_of_these_runs_are_found(answer, tmp_path):
    here = tmp_path / "checkout"
    here.mkdir()
    (tmp_path / "link").symlink_to(here)
    answer(
        f"11|RUNNING|{COMMENT}|{here}\n"
        f"12|PENDING|{COMMENT}|{tmp_path / 'link'}\n"
        f"13|COMPLETING|{COMMENT}|{here}\n"
        f"14|RUNNING|{COMMENT}|{tmp_path / 'elsewhere'}\n"
        f"15|RUNNING|rule_student_wildcards_coco_pair_cwd_seed0-0|{here}\n"
        f"16|RUNNING|rule_data|{here}\n"
        f"17|RUNNING|(null)|{here}\n"
    )
    found = queued([RUN, OTHER], here)
    assert [(job.number, job.state, job.run) for job in found] == [
        ("11", "RUNNING", RUN),
        ("12", "PENDING", RUN),
    ]
    assert queued([OTHER], here) == []
    assert queued([], here) == []


@pytest.mark.parametrize(
    ("lines", "code"), [("", 1), (f"11|RUNNING|{COMMENT}|/x", 1), ("what?\n||\n|||\n\n", 0)]
)
def test_what_slurm_does_not_say_stops_nobody(answer, lines, code):
    answer(lines, code)
    assert queued([RUN], Path("/x")) == []


def test_without_slurm_nothing_is_queued(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    assert queued([RUN], Path("/x")) == []


def test_the_message_is_one_line_with_both_ways_on(answer):
    answer("".join(f"{n}|RUNNING|{COMMENT}|/x\n" for n in range(5)))
    found = queued([RUN], Path("/x"))
    said = told(found)
    assert "\n" not in said
    assert said.startswith("5 jobs of an earlier call still carry out")
    assert f"0 (running: {RUN})" in said
    assert " and 2 more" in said
    assert "call again when they have ended" in said
    assert "`scancel 0 1 2 3 4`" in said
    assert "a job of an earlier call still carries out" in told(found[:1])


@pytest.fixture(scope="module")
def checkout(tmp_path_factory) -> Checkout:
    made = copy(tmp_path_factory.mktemp("queued"))
    shutil.copytree(ROOT / "slurm", made.root / "slurm")
    return made


def test_a_call_to_slurm_ends_before_it_submits_them_again(checkout, tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    teacher = next(run for run in load(checkout.root / "tiny.yaml").runs if run.kind == "teacher")
    comment = f"rule_teacher_wildcards_{teacher.id.replace('/', '_')}"
    stand_in(tmp_path, f"7|RUNNING|{comment}|{checkout.root}\n")
    # Before its first look at jobs the executor pauses, by the profile for a minute.
    at_once = ("--slurm-init-seconds-before-status-checks", "1")
    ended = checkout.snakemake("students", "--profile", "slurm", *at_once, check=False)
    assert ended.returncode == 2, ended.stderr
    (message,) = (line for line in ended.stderr.splitlines() if "scancel" in line)
    assert message.startswith("error: a job of an earlier call still carries out")
    assert f"7 (running: {teacher.id})" in message
    assert "Traceback" not in ended.stderr
    # What would submit none of these runs is not held up.
    checkout.snakemake("status", "--profile", "slurm", *at_once)

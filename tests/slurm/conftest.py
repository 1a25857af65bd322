"""A cluster of one machine, and a copy of the project that hands its runs to it."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import pytest

from tests.dag.conftest import ROOT, Checkout, copy, finished
from tests.slurm.local import LocalSlurm, missing
from workflow.suite import load

__all__ = ["finished"]  # a fixture here too

T = TypeVar("T")
SUITE = "tiny.yaml"
# The profile as it stands, but less patient.
OPTIONS = ("--slurm-init-seconds-before-status-checks", "3", "--seconds-between-status-checks", "2",
           "--max-status-checks-per-second", "10", "--latency-wait", "20")  # fmt: skip


@contextmanager
def running(with_accounting: bool) -> Iterator[LocalSlurm]:
    problem = missing(with_accounting)
    if problem is not None:
        pytest.skip(f"no such Slurm can be started here: {problem}")
    # Not pytest's own folder: munged refuses a socket that not everybody could reach.
    folder = Path(tempfile.mkdtemp(prefix="slurm-"))
    try:
        with LocalSlurm(folder, with_accounting) as started:
            yield started
    finally:
        shutil.rmtree(folder)


@pytest.fixture(scope="session")
def slurm() -> Iterator[LocalSlurm]:
    with running(with_accounting=False) as started:
        yield started


@dataclass(frozen=True)
class Submitter:
    """Calls snakemake in a checkout as somebody would who sits at a cluster."""

    slurm: LocalSlurm
    checkout: Checkout
    started: list[subprocess.Popen[bytes]] = field(default_factory=list)

    def __enter__(self) -> Submitter:
        return self

    def __exit__(self, *_: object) -> None:
        """Nothing goes on when a test has failed."""
        for process in self.started:
            if process.poll() is None:
                process.kill()
                process.wait()
        self.slurm.command("scancel", "--user=root", check=False)

    def start(self, *targets: str, **config: object) -> subprocess.Popen[bytes]:
        """`snakemake --profile slurm TARGET`, in the background; what it says goes to `said`."""
        command = [sys.executable, "-m", "snakemake", "--profile", "slurm", *targets, *OPTIONS]
        command += ["--config", f"suite={SUITE}", "gpus=1"]
        command += [f"{key}={value}" for key, value in config.items()]
        environment = {**self.slurm.environment, "PYTHONPATH": str(self.checkout.root)}
        with (self.checkout.root / "said.log").open("ab") as log:
            process = subprocess.Popen(
                command, cwd=self.checkout.root, env=environment, stdout=log, stderr=log
            )
        self.started.append(process)
        return process

    def said(self) -> str:
        return (self.checkout.root / "said.log").read_text(errors="replace")

    def finish(self, process: subprocess.Popen[bytes], seconds: float) -> None:
        try:
            code = process.wait(timeout=seconds)
        except subprocess.TimeoutExpired:
            raise AssertionError(f"not done after {seconds} s\n{self.said()}") from None
        assert code == 0, self.said()

    def folder(self, id: str) -> Path:
        return self.checkout.root / "results" / "runs" / id

    def job(self, id: str, *but: int, seconds: float = 120) -> int:
        """The number of the run's job, once Slurm runs it."""
        name = id.replace("/", "_")

        def running() -> int | None:
            jobs = self.slurm.jobs("RUNNING")
            return next(
                (n for n, comment in jobs.items() if name in comment and n not in but), None
            )

        return until(f"{id} runs", running, seconds)


def until(what: str, look: Callable[[], T | None], seconds: float = 120) -> T:
    deadline = time.monotonic() + seconds
    while True:
        found = look()
        if found:
            return found
        assert time.monotonic() < deadline, f"still waiting after {seconds} s: {what}"
        time.sleep(0.2)


def record(checkout: Checkout, id: str, name: str = "run.json") -> dict[str, Any]:
    path = checkout.root / "results" / "runs" / id / name
    content: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return content


def prepared(root: Path, change: Callable[[str], str]) -> Checkout:
    """A copy of the project with its cluster profile and a changed tiny suite."""
    checkout = copy(root)
    shutil.copytree(ROOT / "slurm", root / "slurm")
    path = root / SUITE
    path.write_text(change(path.read_text(encoding="utf-8")), encoding="utf-8")
    return checkout


def run_ids(checkout: Checkout) -> list[str]:
    return list(load(checkout.root / SUITE).by_id)


def students(checkout: Checkout) -> dict[str, str]:
    """Run id -> hash of the weights that it ended in."""
    return {id: record(checkout, id)["student_sha256"] for id in run_ids(checkout)}


def carried_out_here(root: Path, like: Checkout) -> Checkout:
    """The same suite without any Slurm, for comparison."""
    text = (like.root / SUITE).read_text(encoding="utf-8")
    checkout = prepared(root, lambda _: text)
    checkout.snakemake("students")
    return checkout


def slowed(checkout: Checkout, before: str, seconds: float) -> None:
    """Makes the checkout's trainings wait before a line: as large models take their time."""
    path = checkout.root / "workflow" / "running" / "conduct.py"
    text = path.read_text(encoding="utf-8")
    (line,) = (line for line in text.splitlines() if line.strip() == before)
    wait = f"{line[: len(line) - len(line.lstrip())]}time.sleep({seconds})"
    path.write_text(text.replace(line, f"{wait}\n{line}"), encoding="utf-8")

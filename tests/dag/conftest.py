"""One suite that goes the whole way for real, at the smallest size, for all tests of the DAG."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from workflow.data.folder import only_one

ROOT = Path(__file__).parents[2]
COPIED = (
    "Snakefile",
    "environment.yml",
    "profiles",
    "workflow",
    "methods",
    "analysis",
    "results/published",
)
TINY = ROOT / "tests" / "suites" / "tiny.yaml"


@dataclass(frozen=True)
class Checkout:
    """A copy of the project in which a test may edit files and run snakemake."""

    root: Path

    def snakemake(
        self, *arguments: str, suite: str = "tiny.yaml", config: tuple[str, ...] = (), check=True
    ) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "snakemake", *arguments]
        command += ["--config", f"suite={suite}", *config]
        ended = subprocess.run(
            command,
            cwd=self.root,
            capture_output=True,
            text=True,
            env={**os.environ, "PYTHONPATH": str(self.root), "OMP_NUM_THREADS": "1"},
        )
        if check:
            assert ended.returncode == 0, ended.stdout + ended.stderr
        return ended

    def jobs(
        self, *targets: str, suite: str = "tiny.yaml", config: tuple[str, ...] = ()
    ) -> dict[str, int]:
        """Rule -> number of jobs that a dry run lists."""
        ended = self.snakemake("--dry-run", *targets, suite=suite, config=config)
        return jobs_in(ended.stdout + ended.stderr)


def jobs_in(text: str) -> dict[str, int]:
    """Rule -> number of jobs, from snakemake's own table."""
    found: dict[str, int] = {}
    for line in text.split("Job stats:\n")[1].splitlines()[2:]:
        if not line.strip():
            break
        rule, count = line.split()
        found[rule] = int(count)
    del found["total"]
    return found


def copy(target: Path) -> Checkout:
    for name in COPIED:
        source = ROOT / name
        (target / name).parent.mkdir(parents=True, exist_ok=True)
        if source.is_dir():
            shutil.copytree(source, target / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy2(source, target / name)
    shutil.copy2(TINY, target / "tiny.yaml")
    return Checkout(target)


@pytest.fixture(scope="session")
def finished(tmp_path_factory) -> Checkout:
    """The tiny suite with everything that it asks for done: made once for all workers of a test
    run, so only to be read."""
    base = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        base = base.parent
    root, done = base / "finished", base / "finished.done"
    with only_one(root):
        if not done.is_file():
            shutil.rmtree(root, ignore_errors=True)  # what a failed attempt left
            copy(root).snakemake("tables")
            done.touch()
    return Checkout(root)


@pytest.fixture(scope="session")
def carried_out(finished, tmp_path_factory) -> Checkout:
    """A copy of it, times of files and all, for those who edit and go on."""
    root = tmp_path_factory.mktemp("checkout")
    shutil.copytree(finished.root, root, symlinks=True, dirs_exist_ok=True)
    return Checkout(root)

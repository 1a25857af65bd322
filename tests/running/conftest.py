"""The smallest true training there is: a few digits, a narrow RetinaNet, six steps."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.running.tiny import ITERATIONS, Tiny
from workflow import train
from workflow.data.make import ensure
from workflow.stages import launcher

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="session")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Tiny:
    """The data set and its trained teacher, made once."""
    made = Tiny(tmp_path_factory.mktemp("tiny"))
    ensure(made.data, made.data_root)
    assert train.main(made.arguments(made.teacher)) == 0
    return made


@pytest.fixture(scope="session")
def baseline(tiny: Tiny) -> Path:
    """The run folder of an undistilled student."""
    spec = tiny.student("baseline")
    assert train.main(tiny.arguments(spec)) == 0
    return tiny.root / spec.id


@pytest.fixture(scope="session")
def distilled(tiny: Tiny) -> Path:
    """The run folder of an MGD student that nothing interrupted."""
    spec = tiny.student("mgd")
    assert train.main(tiny.arguments(spec)) == 0
    return tiny.root / spec.id


def start(program: str, *arguments: str, processes: int = 1) -> subprocess.Popen[str]:
    """A program as the rules start it."""
    several = launcher(processes) if processes > 1 else ()
    return subprocess.Popen(
        [sys.executable, *several, "-m", program, *arguments],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


assert ITERATIONS >= 6  # a run must be long enough to be killed in its middle

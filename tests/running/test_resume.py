"""Killed with -9 or told to stop, started again: the same student, bit by bit."""

from __future__ import annotations

import csv
import json
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

from tests.running.conftest import start
from tests.running.tiny import ITERATIONS, Tiny, record, same, weights
from workflow import train
from workflow.running.folder import RunFolder

PATIENCE = 240.0  # seconds; a busy machine imports slowly
LONGER = 60


def test_a_distilled_run_survives_kill_9_at_any_moment(tiny: Tiny, distilled: Path) -> None:
    """Killed twice, at no particular point of a step, then left to end."""
    spec, root = tiny.student("mgd"), tiny.elsewhere("killed")
    arguments = tiny.arguments(spec, "--checkpoint-every", "1", root=root)
    folder = RunFolder(root, spec)
    for moment in (2, 5):
        process = start("workflow.train", *arguments)
        _wait_for_iteration(folder, moment, process)
        process.kill()
        process.communicate()
        assert not folder.student.exists()
        assert record(folder.path)["status"] == "running"
    assert train.main(arguments) == 0
    assert same(weights(folder.path), weights(distilled))
    assert _losses(folder.path) == _losses(distilled)
    assert json.loads(folder.cost.read_text())["attempts"] >= 2


def test_slurm_s_warning_saves_and_asks_to_be_resumed(tiny: Tiny) -> None:
    # So many steps that none of the signals can come after the last.
    spec = tiny.student("baseline", schedule={"iterations": LONGER})
    assert train.main(tiny.arguments(spec)) == 0
    root, saved = tiny.elsewhere("warned"), [0]
    arguments = tiny.arguments(spec, root=root)
    folder = RunFolder(root, spec)
    for number in (signal.SIGUSR1, signal.SIGTERM):
        process = start("workflow.train", *arguments)
        _wait_for_history(folder, process)
        process.send_signal(number)
        output, _ = process.communicate(timeout=PATIENCE)
        assert process.returncode == 75, output
        assert "start again to go on" in output
        saved.append(max(map(_number, folder.checkpoints.paths())))
        assert f"saved at iteration {saved[-1]} of {LONGER}" in output
    assert 0 < saved[1] < saved[2] < LONGER
    assert train.main(arguments) == 0
    assert same(weights(folder.path), weights(tiny.root / spec.id))
    assert _losses(folder.path, LONGER) == _losses(tiny.root / spec.id, LONGER)


def _wait_for_iteration(folder: RunFolder, iteration: int, process: subprocess.Popen[str]) -> None:
    _wait(process, lambda: any(_number(path) >= iteration for path in folder.checkpoints.paths()))


def _wait_for_history(folder: RunFolder, process: subprocess.Popen[str]) -> None:
    seen = folder.history.stat().st_mtime_ns if folder.history.exists() else 0
    _wait(process, lambda: folder.history.exists() and folder.history.stat().st_mtime_ns > seen)


def _wait(process: subprocess.Popen[str], come: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE
    while not come():
        assert time.monotonic() < deadline, "nothing happened"
        assert process.poll() is None, process.communicate()[0]
        time.sleep(0.002)


def _number(path: Path) -> int:
    return int(path.stem.split("-")[1])


def _losses(folder: Path, iterations: int = ITERATIONS) -> list[dict[str, str]]:
    """All of the history but the times."""
    with (folder / "history.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == iterations
    return [{n: v for n, v in row.items() if not n.endswith("seconds")} for row in rows]

"""Two processes with half a batch each learn what one learns with the whole."""

from __future__ import annotations

import csv
import signal
import subprocess
import time
from pathlib import Path

import pytest
import torch

from tests.running.conftest import start
from tests.running.tiny import Tiny, record, weights
from workflow import train
from workflow.running.folder import RunFolder


@pytest.mark.parametrize("row", ["baseline", "fitnet"])
def test_two_processes_one_interruption_and_the_losses_of_one(tiny: Tiny, row: str) -> None:
    # A student whose statistics differ between the halves of a batch would differ: the real
    # pairs freeze theirs, so does this one. Equal to 1e-7 for a dozen steps; then what the order
    # of a sum leaves open grows with every step.
    spec = tiny.student(
        row, model={"frozen_statistics": True}, schedule={"iterations": 20, "milestones": ()}
    )
    folders = {}
    for count in (1, 2):
        root = tiny.elsewhere(f"{row}-{count}")
        arguments = tiny.arguments(spec, root=root)
        folders[count] = root / spec.id
        if count == 1:
            assert train.main(arguments) == 0
            continue
        _interrupt(start("workflow.train", *arguments, processes=count), RunFolder(root, spec))
        process = start("workflow.train", *arguments, processes=count)
        output, _ = process.communicate(timeout=300)
        assert process.returncode == 0, output
    alone, together = (_history(folders[count]) for count in (1, 2))
    assert len(alone) == len(together) > 0
    terms = [name for name in alone[0] if name.startswith(("loss", "distill."))]
    assert any(name.startswith(f"distill.{row}.") for name in terms) == (row != "baseline")
    for one, other in zip(alone, together, strict=True):
        for name in terms:
            assert float(other[name]) == pytest.approx(float(one[name]), rel=1e-4), name
    assert record(folders[2])["hardware"]["processes"] == 2
    first, second = (weights(folders[count]) for count in (1, 2))
    for name, value in first.items():
        assert torch.allclose(second[name].float(), value.float(), atol=2e-3), name


def _interrupt(process: subprocess.Popen[str], folder: RunFolder) -> None:
    """As a cluster does: the launcher is told, and passes it on."""
    while not folder.history.exists():
        assert process.poll() is None, process.communicate()[0]
        time.sleep(0.002)
    process.send_signal(signal.SIGUSR1)
    output, _ = process.communicate(timeout=300)
    assert process.returncode != 0
    assert "start again to go on" in output
    assert len(folder.checkpoints.paths()) == 1


def _history(folder: Path) -> list[dict[str, str]]:
    with (folder / "history.csv").open(newline="") as file:
        return list(csv.DictReader(file))

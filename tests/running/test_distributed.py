"""Two processes with half a batch each learn what one learns with the whole."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

from tests.running.conftest import start
from tests.running.tiny import Tiny, record, weights


def test_two_processes_have_the_losses_of_one(tiny: Tiny) -> None:
    # A student whose statistics differ between the halves of a batch would differ: the real
    # pairs freeze theirs, so does this one.
    spec = tiny.student("baseline", model={"frozen_statistics": True})
    folders = {}
    for count in (1, 2):
        root = tiny.elsewhere(f"processes-{count}")
        process = start("workflow.train", *tiny.arguments(spec, root=root), processes=count)
        output, _ = process.communicate(timeout=300)
        assert process.returncode == 0, output
        folders[count] = root / spec.id
    alone, together = (_history(folders[count]) for count in (1, 2))
    assert len(alone) == len(together) > 0
    for one, other in zip(alone, together, strict=True):
        for name in ("loss", "loss_cls", "loss_bbox"):
            assert float(other[name]) == pytest.approx(float(one[name]), rel=2e-4), name
    assert record(folders[2])["hardware"]["processes"] == 2
    first, second = (weights(folders[count]) for count in (1, 2))
    for name, value in first.items():
        assert second[name] == pytest.approx(value, abs=2e-3), name


def _history(folder: Path) -> list[dict[str, str]]:
    with (folder / "history.csv").open(newline="") as file:
        return list(csv.DictReader(file))

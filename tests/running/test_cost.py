"""What a training on GPUs costs whose attempts had different numbers of them."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch

from workflow.running import cost
from workflow.running.cost import CostMeter

HOUR = 3600.0


@pytest.fixture
def attempt(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """An attempt of so many hours on so many GPUs; the `cost.json` after it."""
    monkeypatch.setattr(torch.cuda, "reset_peak_memory_stats", lambda device: None)
    monkeypatch.setattr(torch.cuda, "max_memory_allocated", lambda device: 7)
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda device: "Tesla V100")
    monkeypatch.setattr(cost, "EnergyMeter", lambda device: SimpleNamespace(joules=lambda: None))
    clock = [0.0]
    monkeypatch.setattr(cost, "time", SimpleNamespace(monotonic=lambda: clock[0]))

    def carried_out(hours: float, gpus: int) -> dict[str, float]:
        monkeypatch.setattr(cost, "get_world_size", lambda: gpus)
        meter = CostMeter(tmp_path / "tally.json", torch.device("cuda", 0))
        clock[0] += hours * HOUR
        meter.write(tmp_path / "cost.json", 1, {})
        found: dict[str, float] = json.loads((tmp_path / "cost.json").read_text())
        return found

    return carried_out


def test_every_attempt_counts_with_its_own_gpus(attempt) -> None:
    assert attempt(3, gpus=8)["gpu_hours"] == pytest.approx(24)
    found = attempt(2, gpus=4)
    assert found["gpu_hours"] == pytest.approx(24 + 8)
    assert found["wall_seconds"] == pytest.approx(5 * HOUR)


def test_a_tally_from_before_is_counted_with_today_s(attempt, tmp_path: Path) -> None:
    (tmp_path / "tally.json").write_text(json.dumps({"wall_seconds": 3 * HOUR, "attempts": 1}))
    found = attempt(2, gpus=4)
    assert found["gpu_hours"] == pytest.approx(5 * 4)
    assert found["attempts"] == 2

"""What only a machine with GPUs does, as far as it can be seen without one.

The driver's counters are written by hand. Float16 with its scaled losses is real, but for two of
mmengine's names: its scaler and its autocast are the processor's here.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from unittest import mock

import pynvml
import pytest
import torch
from mmengine.optim.optimizer import amp_optimizer_wrapper
from mmengine.runner import amp

from tests.running.tiny import ITERATIONS, Tiny, same, weights
from workflow import train
from workflow.data.folder import only_one
from workflow.running import cost, environment, runner
from workflow.running.cost import CostMeter, EnergyMeter
from workflow.running.errors import UserError
from workflow.running.folder import RunFolder
from workflow.running.session import carry_out
from workflow.running.signals import RESUME_ME, StopRequest

GPU = torch.device("cuda", 1)
FIRST_SCALE = 2.0**18
"""Of float16's losses: the first gradients must overflow, those after some halvings not."""


@pytest.fixture
def spend(monkeypatch: pytest.MonkeyPatch) -> Callable[[int, float], None]:
    """Four GPUs; tells that one of them has used so many joules more."""
    used = {f"GPU-{number}": 1_000_000 for number in range(4)}

    def properties(device: int) -> SimpleNamespace:
        return SimpleNamespace(uuid=str(torch.device("cuda", device).index))

    monkeypatch.setattr(torch.cuda, "get_device_properties", properties)
    monkeypatch.setattr(pynvml, "nvmlInit", lambda: None)
    monkeypatch.setattr(pynvml, "nvmlDeviceGetHandleByUUID", lambda uuid: uuid)
    monkeypatch.setattr(pynvml, "nvmlDeviceGetTotalEnergyConsumption", used.__getitem__)

    def more(number: int, joules: float) -> None:
        used[f"GPU-{number}"] += round(1000 * joules)

    return more


def several(monkeypatch: pytest.MonkeyPatch, here: int, everywhere: int) -> None:
    names = {"LOCAL_RANK": 0, "LOCAL_WORLD_SIZE": here, "RANK": 0, "WORLD_SIZE": everywhere}
    for name, value in names.items():
        monkeypatch.setenv(name, str(value))


def test_energy_is_that_of_the_gpu_in_use(spend: Callable[[int, float], None]) -> None:
    meter = EnergyMeter(GPU)
    spend(1, 12.5)
    spend(0, 100)
    assert meter.joules() == pytest.approx(12.5)


def test_energy_of_all_gpus_that_train(
    spend: Callable[[int, float], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    several(monkeypatch, here=3, everywhere=3)
    meter = EnergyMeter(torch.device("cuda", 0))
    for number in range(4):
        spend(number, 10.0**number)
    assert meter.joules() == pytest.approx(111)


def test_energy_of_other_machines_is_not_guessed(
    spend: Callable[[int, float], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    several(monkeypatch, here=2, everywhere=4)
    assert EnergyMeter(torch.device("cuda", 0)).joules() is None


def test_a_card_without_a_counter_is_no_mistake(
    spend: Callable[[int, float], None], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unsupported(handle: str) -> int:
        raise pynvml.NVMLError(pynvml.NVML_ERROR_NOT_SUPPORTED)

    monkeypatch.setattr(pynvml, "nvmlDeviceGetTotalEnergyConsumption", unsupported)
    monkeypatch.setattr(torch.cuda, "reset_peak_memory_stats", lambda device: None)
    monkeypatch.setattr(torch.cuda, "max_memory_allocated", lambda device: 7)
    found = CostMeter(tmp_path / "tally.json", GPU).mark({})
    assert found["energy_joules"] is None
    assert found["peak_device_bytes"] == 7


def test_the_cost_names_kind_and_number_of_gpus(
    spend: Callable[[int, float], None], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch.cuda, "reset_peak_memory_stats", lambda device: None)
    monkeypatch.setattr(torch.cuda, "max_memory_allocated", lambda device: 7)
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda device: "Tesla V100")
    path = tmp_path / "cost.json"
    for count, name in ((1, "Tesla V100"), (8, "8 x Tesla V100")):
        monkeypatch.setattr(cost, "get_world_size", lambda count=count: count)
        meter = CostMeter(tmp_path / f"tally-{count}.json", GPU)
        meter.step(images=16, seconds=1.0, data_seconds=0.0)
        spend(1, 3)
        meter.write(path, 1, {})
        found = json.loads(path.read_text())
        assert found["device"] == name
        assert found["energy_joules"] == pytest.approx(3)
        assert found["gpu_hours"] == pytest.approx(found["wall_seconds"] * count / 3600, abs=1e-5)


def test_more_processes_than_gpus_are_refused_in_words(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    several(monkeypatch, here=4, everywhere=4)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    monkeypatch.setattr(torch.cuda, "set_device", lambda _: pytest.fail("there is none"))
    with pytest.raises(UserError, match="4 processes want a GPU each, and 2 can be used"):
        environment.prepare(tmp_path)


def test_processes_with_siblings_do_not_wait_for_somebody_else_s_training(
    tiny: Tiny, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    several(monkeypatch, here=2, everywhere=2)
    folder = RunFolder(tmp_path, tiny.student("baseline"))
    with (
        only_one(folder.work / "run"),
        pytest.raises(UserError, match="trained by another process; start it again"),
    ):
        carry_out(argparse.Namespace(), folder, mock.Mock(), mock.Mock(), mock.Mock())


@pytest.fixture
def float16_here(monkeypatch: pytest.MonkeyPatch) -> None:
    configured = runner.optimiser_config

    def as_on_a_gpu(*arguments: object) -> dict[str, object]:
        with mock.patch("torch.cuda.is_available", return_value=True):
            return configured(*arguments)

    monkeypatch.setattr(runner, "optimiser_config", as_on_a_gpu)
    monkeypatch.setattr(amp_optimizer_wrapper, "is_cuda_available", lambda: True)
    monkeypatch.setattr(
        amp_optimizer_wrapper,
        "GradScaler",
        lambda: torch.amp.GradScaler("cpu", init_scale=FIRST_SCALE),
    )
    monkeypatch.setattr(amp, "autocast", lambda dtype: torch.autocast("cpu", dtype))


@pytest.mark.parametrize("row", ["baseline", "fkd"])
def test_float16_scales_its_losses_and_resumes_exactly(
    row: str, tiny: Tiny, float16_here: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first scale is too large for float16: steps are skipped, and the run goes on."""
    spec = tiny.student(row, schedule={"precision": "float16"})
    roots = {name: tiny.elsewhere(f"float16-{row}-{name}") for name in ("whole", "halves")}
    assert train.main(tiny.arguments(spec, root=roots["whole"])) == 0
    asked = iter([False] * (ITERATIONS // 2) + [True])
    with monkeypatch.context() as patch:
        patch.setattr(StopRequest, "agreed", lambda *_: next(asked))
        assert train.main(tiny.arguments(spec, root=roots["halves"])) == RESUME_ME
    (saved, *_) = (roots["halves"] / spec.id / "work" / "checkpoints").iterdir()
    state = torch.load(saved, weights_only=True)
    assert state["optimiser"]["loss_scaler"]["scale"] < FIRST_SCALE
    steps = [float(one["step"]) for one in state["optimiser"]["state"].values()]
    assert all(0 < step < ITERATIONS // 2 + 1 for step in steps)
    assert train.main(tiny.arguments(spec, root=roots["halves"])) == 0
    first, second = (weights(root / spec.id) for root in roots.values())
    assert same(first, second)
    assert all(value.dtype != torch.float16 for value in first.values())

"""What a run costs: time, its parts, memory, energy; over all attempts, lost work included."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import torch
from mmengine.dist import get_world_size

from workflow.machine import peak_bytes
from workflow.running.environment import launched, processes, processes_here, processor_name
from workflow.running.folder import write_text

PEAKS = ("peak_device_bytes", "peak_process_bytes")
PARTS = ("teacher", "student", "loss")


class CostMeter:
    """Adds to what `tally`, a file beside the checkpoints, says of earlier attempts.

    `mark` writes it at every logged step, so the work that a kill throws away still counts.
    """

    def __init__(self, tally: Path, device: torch.device) -> None:
        self.tally, self.device = tally, device
        self.before = json.loads(tally.read_text()) if tally.is_file() else {}
        # Of attempts before this was counted nothing else is known than that they had as many.
        if "wall_seconds" in self.before:
            before = self.before["wall_seconds"] * self._devices()
            self.before.setdefault("device_seconds", before)
        self.began = time.monotonic()
        self.energy = EnergyMeter(device)
        self.step_seconds = self.data_seconds = 0.0
        self.images = 0
        if device.type == "cuda":
            torch.cuda.reset_peak_memory_stats(device)

    def _devices(self) -> int:
        """GPUs of this attempt; the next one may have more or fewer."""
        return get_world_size() if self.device.type == "cuda" else 0

    def step(self, images: int, seconds: float, data_seconds: float) -> None:
        """`seconds` is a whole step's, its waiting for data included."""
        self.images += images
        self.step_seconds += seconds
        self.data_seconds += data_seconds

    def mark(self, parts: dict[str, float]) -> dict[str, Any]:
        """Sums over all attempts so far; `parts` are seconds in teacher and loss, this attempt."""
        cuda = self.device.type == "cuda"
        wall = time.monotonic() - self.began
        current: dict[str, float | None] = {
            "wall_seconds": wall,
            "device_seconds": wall * self._devices(),
            "step_seconds": self.step_seconds,
            "data_seconds": self.data_seconds,
            "images": self.images,
            "energy_joules": self.energy.joules(),
            "peak_device_bytes": torch.cuda.max_memory_allocated(self.device) if cuda else None,
            "peak_process_bytes": peak_bytes(),
            "attempts": 1,
        }
        current |= {f"{name}_seconds": parts.get(name, 0.0) for name in PARTS}
        total: dict[str, Any] = {}
        for name, value in current.items():
            earlier = self.before.get(name)
            known = [number for number in (earlier, value) if number is not None]
            combine = max if name in PEAKS else sum
            total[name] = combine(known) if known else None
        write_text(self.tally, json.dumps(total, indent=2) + "\n")
        return total

    def write(self, path: Path, iterations: int, parts: dict[str, float]) -> None:
        total = self.mark(parts)
        steps = total["step_seconds"]
        computing = steps - total["data_seconds"]
        shares = {name: total[f"{name}_seconds"] / computing if computing else None
                  for name in ("teacher", "loss")}  # fmt: skip
        distilled = total["teacher_seconds"] + total["loss_seconds"]
        cuda = self.device.type == "cuda"
        cost = {
            "wall_seconds": round(total["wall_seconds"], 3),
            "gpu_hours": total["device_seconds"] / 3600 if cuda else None,
            "images_per_second": total["images"] / steps if steps else None,
            "data_wait_share": total["data_seconds"] / steps if steps else None,
            "peak_device_bytes": total["peak_device_bytes"],
            "peak_process_bytes": total["peak_process_bytes"],
            "energy_joules": total["energy_joules"],
            # Forward passes of teacher and distillers; all else of a step is the student's: its
            # forward pass, the one backward pass through everything, and the update.
            "teacher_share": shares["teacher"],
            "student_share": (computing - distilled) / computing if computing else None,
            "loss_share": shares["loss"],
            "device": device_name(
                torch.cuda.get_device_name(self.device) if cuda else f"cpu ({processor_name()})"
            ),
            "iterations": iterations,
            "attempts": total["attempts"],
        }
        write_text(path, json.dumps(cost, indent=2) + "\n")


def device_name(one: str) -> str:
    """Runs are compared in speed with those on the same kind and number of devices."""
    count = get_world_size()
    return one if count == 1 else f"{count} x {one}"


class EnergyMeter:
    """Joules of the training's GPUs since it was made; None where NVML does not tell."""

    def __init__(self, device: torch.device) -> None:
        self._handles: list[Any] = []
        if device.type != "cuda" or processes() > processes_here():
            return  # of other machines' GPUs nothing is known here
        import pynvml

        # torchrun's processes take the first GPUs that they see, one each.
        indices = range(processes_here()) if launched() else [device.index]
        try:
            pynvml.nvmlInit()
            self._handles = [
                pynvml.nvmlDeviceGetHandleByUUID(f"GPU-{torch.cuda.get_device_properties(i).uuid}")
                for i in indices
            ]
            self._first = self._read()
        except pynvml.NVMLError:
            self._handles = []  # an old card, a part of one, no library of the driver

    def joules(self) -> float | None:
        return self._read() - self._first if self._handles else None

    def _read(self) -> float:
        import pynvml

        thousandths = map(pynvml.nvmlDeviceGetTotalEnergyConsumption, self._handles)
        return float(sum(thousandths)) / 1000

"""Peak memory of one action, beyond what was occupied before it."""

from __future__ import annotations

import ctypes
import gc
from collections.abc import Callable
from pathlib import Path

import torch


def peak_mib(device: torch.device, action: Callable[[], object]) -> float | None:
    """Of the device where it is one, of the process elsewhere; None where nobody can tell."""
    gc.collect()
    if device.type == "cuda":
        torch.cuda.reset_peak_memory_stats()
        before = torch.cuda.memory_allocated()
        action()
        torch.cuda.synchronize()
        return (torch.cuda.max_memory_allocated() - before) / 2**20
    try:
        Path("/proc/self/clear_refs").write_text("5")  # Linux: resets the high-water mark
    except OSError:
        return None
    # What was freed before still lies with the allocator; the action would hide in it.
    ctypes.CDLL(None).malloc_trim(0)
    resident = _kib("VmRSS")
    action()
    return (_kib("VmHWM") - resident) / 2**10


def _kib(field: str) -> int:
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(f"{field}:"))

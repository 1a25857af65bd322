"""SIGTERM and SIGUSR1 (Slurm's warning) mean: save, and say 'resume me'."""

from __future__ import annotations

import signal
from types import FrameType

import torch
from mmengine.dist import all_reduce, is_distributed

RESUME_ME = 75
"""Exit code EX_TEMPFAIL of sysexits.h: nothing is wrong, try again."""


class Interrupted(Exception):
    """Raised between two steps, after the state was saved."""


class StopRequest:
    """Remembers that a signal came; the training asks between two steps."""

    def __init__(self) -> None:
        self.received: int | None = None
        self._before = {
            number: signal.signal(number, self._remember)
            for number in (signal.SIGTERM, signal.SIGUSR1)
        }

    def close(self) -> None:
        """Signals mean again what they meant before."""
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def _remember(self, number: int, frame: FrameType | None) -> None:
        self.received = number

    def agreed(self, device: torch.device) -> bool:
        """Whether any process was told to stop: all must stop after the same step."""
        if not is_distributed():
            return self.received is not None
        told = torch.tensor(float(self.received is not None), device=device)
        all_reduce(told, op="max")
        return bool(told.item())

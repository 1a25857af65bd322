"""Seconds spent in the parts of a step, without making the device wait."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager

import torch


class Stopwatch:
    """On CUDA, events are recorded in the stream and read only when they have passed; on CPU the
    clock is read directly. Forward passes only: one backward pass serves all parts at once."""

    def __init__(self) -> None:
        self._seconds: dict[str, float] = defaultdict(float)
        self._pending: list[tuple[str, torch.cuda.Event, torch.cuda.Event]] = []

    @contextmanager
    def part(self, name: str, device: torch.device) -> Iterator[None]:
        if device.type == "cuda":
            start = torch.cuda.Event(enable_timing=True)
            end = torch.cuda.Event(enable_timing=True)
            start.record()
            yield
            end.record()
            self._pending.append((name, start, end))
            self._collect()
        else:
            begun = time.perf_counter()
            yield
            self._seconds[name] += time.perf_counter() - begun

    def seconds(self) -> dict[str, float]:
        """Totals so far by part; events that have not passed yet count the next time."""
        self._collect()
        return dict(self._seconds)

    def _collect(self) -> None:
        waiting = []
        for name, start, end in self._pending:
            if end.query():
                self._seconds[name] += start.elapsed_time(end) / 1000
            else:
                waiting.append((name, start, end))
        self._pending = waiting

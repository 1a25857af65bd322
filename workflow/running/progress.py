"""One tidy line: how far, how fast, what loss, how long still."""

from __future__ import annotations

import sys
import time
from typing import TextIO

SECONDS_BETWEEN_LINES = 30.0
"""In a log file; a terminal's line is overwritten every second."""


class Progress:
    def __init__(
        self, title: str, total: int, start: int = 0, stream: TextIO | None = None
    ) -> None:
        self.title, self.total, self.first = title, total, start
        self.stream = stream or sys.stderr
        self.terminal = self.stream.isatty()
        self.began = self.last = time.monotonic()

    def show(self, done: int, loss: float | None = None) -> None:
        now = time.monotonic()
        wait = 1.0 if self.terminal else SECONDS_BETWEEN_LINES
        if now - self.last < wait and done < self.total:
            return
        self.last = now
        speed = (done - self.first) / max(now - self.began, 1e-9)
        left = clock((self.total - done) / speed) if speed > 0 else "?"
        line = f"{self.title}  {done}/{self.total} ({done / self.total:.0%})  "
        line += f"loss {loss:.4f}  " if loss is not None else ""
        line += f"{speed:.2f}/s  {left} left"
        if self.terminal:
            end = "\n" if done >= self.total else ""
            self.stream.write(f"\r\x1b[2K{line}{end}")
        else:
            self.stream.write(line + "\n")
        self.stream.flush()


def clock(seconds: float) -> str:
    """`1:02:03`, `2:03`."""
    minutes, second = divmod(round(seconds), 60)
    hours, minute = divmod(minutes, 60)
    return f"{hours}:{minute:02d}:{second:02d}" if hours else f"{minute}:{second:02d}"

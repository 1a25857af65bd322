"""The program of a job's current step, which gets the signals that reach the job. No torch."""

from __future__ import annotations

import signal
import subprocess
from types import FrameType
from typing import IO

WARNING = signal.SIGUSR1
"""What Slurm sends before a time limit; anything else means that somebody wants us gone."""


class Child:
    """Signals that come here, a lost terminal's too, are passed on to the program that runs."""

    def __init__(self) -> None:
        self.process: subprocess.Popen[bytes] | None = None
        self.received: int | None = None
        for number in (signal.SIGTERM, signal.SIGINT, WARNING):
            signal.signal(number, self._pass_on)
        if signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:  # as under nohup
            signal.signal(signal.SIGHUP, self._pass_on)

    def run(self, words: tuple[str, ...], environment: dict[str, str], log: IO[bytes]) -> int:
        # A group of its own: a signal reaches it once, through us, and not from the terminal too.
        # The locks of its GPUs go with it: were we killed, they would be held as long as it lives.
        self.process = subprocess.Popen(
            words, env=environment, stdout=log, stderr=log, start_new_session=True, close_fds=False
        )
        if self.received is not None:
            self._send(self.received)
        code = self.process.wait()
        self.process = None
        return code

    def _pass_on(self, number: int, frame: FrameType | None) -> None:
        self.received = number
        self._send(number)

    def _send(self, number: int) -> None:
        if self.process is not None and self.process.poll() is None:
            # The programs save on TERM and USR1 alike; INT would end them on the spot.
            self.process.send_signal(WARNING if number == WARNING else signal.SIGTERM)

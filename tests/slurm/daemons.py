"""Processes that serve in the background, each with its log and its number in one folder.

The number stands in a file, so that another call can end them; nothing else is ever ended.
"""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Mapping
from pathlib import Path

DAEMONS = ("mariadbd", "munged", "slurmdbd", "slurmctld", "slurmd")
"""Ended in the opposite order, so that each can rely on those before it."""


def program(name: str) -> str | None:
    """Where a program lies; those of administrators are not on everybody's PATH."""
    return shutil.which(name, path=f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin")


class Daemons:
    def __init__(self, folder: Path, environment: Callable[[], Mapping[str, str]]) -> None:
        self.folder, self.environment = folder, environment

    def launch(self, name: str, *options: str, **variables: str) -> None:
        path = program(name)
        assert path is not None, f"not installed: {name}"
        with (self.folder / f"{name}.out").open("ab") as log:
            # A session of its own: Ctrl+C in a terminal ends the caller, who then stops us.
            process = subprocess.Popen(
                [path, *options],
                env={**self.environment(), **variables},
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        self._pid_file(name).write_text(str(process.pid), encoding="utf-8")

    def wait(self, problem: str, ready: Callable[[], bool], seconds: float = 60) -> None:
        deadline = time.monotonic() + seconds
        while not ready():
            dead = [name for name in DAEMONS if self._pid(name) and not self.alive(name)]
            if dead or time.monotonic() > deadline:
                said = "\n".join(
                    f"--- {path}\n{path.read_text(errors='replace')[-2000:]}"
                    for path in sorted(self.folder.glob("*.out"))
                )
                raise RuntimeError(f"{problem}; ended: {dead or 'none'}\n{said}")
            time.sleep(0.2)

    def alive(self, name: str) -> bool:
        return _alive(self._pid(name))

    def stop(self) -> None:
        for name in reversed(DAEMONS):
            _end(self._pid(name))
            self._pid_file(name).unlink(missing_ok=True)

    def _pid_file(self, name: str) -> Path:
        return self.folder / f"{name}.started"

    def _pid(self, name: str) -> int:
        path = self._pid_file(name)
        return int(path.read_text()) if path.is_file() else 0


def _alive(pid: int) -> bool:
    """Whether a process runs; one of ours that has ended is no longer there either."""
    if not pid:
        return False
    try:
        if os.waitpid(pid, os.WNOHANG)[0] == pid:
            return False
    except ChildProcessError:
        pass  # started by an earlier call of this program
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def _end(pid: int) -> None:
    for number, seconds in ((signal.SIGTERM, 10.0), (signal.SIGKILL, 5.0)):
        if not _alive(pid):
            return
        os.kill(pid, number)
        deadline = time.monotonic() + seconds
        while _alive(pid) and time.monotonic() < deadline:
            time.sleep(0.1)


def free_ports(count: int) -> list[int]:
    sockets = [socket.socket() for _ in range(count)]
    try:
        for one in sockets:
            one.bind(("127.0.0.1", 0))
        return [one.getsockname()[1] for one in sockets]
    finally:
        for one in sockets:
            one.close()

"""Stops trainings in the middle, so that something can happen to them there."""

from __future__ import annotations

import threading
import time
from pathlib import Path

import psutil

PROGRAMS = ("workflow.chain", "workflow.train", "workflow.classify")


class Freezer:
    """Stops the first training of every run after some steps, until told to let it go on.

    However fast the machine is, nothing ends before its event has happened.
    """

    def __init__(self, root: Path, ids: list[str], steps: int) -> None:
        self.root, self.steps = root, steps
        self.frozen: dict[str, psutil.Process] = {}
        self._waiting = set(ids)
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def __enter__(self) -> Freezer:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()
        for process in self.frozen.values():
            if process.is_running():
                process.resume()

    def wait(self, id: str, seconds: float = 180) -> psutil.Process:
        deadline = time.monotonic() + seconds
        while id not in self.frozen:
            assert time.monotonic() < deadline, f"{id} was not in training within {seconds} s"
            time.sleep(0.1)
        return self.frozen[id]

    def _watch(self) -> None:
        while self._waiting and not self._over.wait(0.05):
            for id in sorted(self._waiting):
                if self._done(id) >= self.steps and (process := trainer(self.root, id)) is not None:
                    process.suspend()
                    self.frozen[id] = process
                    self._waiting.remove(id)

    def _done(self, id: str) -> int:
        path = self.root / "results" / "runs" / id / "history.csv"
        return len(path.read_text(encoding="utf-8").splitlines()) - 1 if path.is_file() else 0


def trainer(root: Path, id: str, *but: psutil.Process) -> psutil.Process | None:
    """The process that trains a run of the checkout `root`; not the one that watches it."""
    for process in psutil.process_iter(["cmdline", "cwd"]):
        words = " ".join(process.info["cmdline"] or ())
        ours = process.info["cwd"] == str(root) and id in words and process not in but
        if ours and any(program in words for program in PROGRAMS):
            return process
    return None


def waits_its_turn(root: Path, id: str, since: float) -> bool:
    """Whether anybody has tried to take the run since then, while its first training holds it.

    A job opens the lock at each of its looks, and lets it go again at once."""
    return (root / "results" / "runs" / id / "work" / ".run.lock").stat().st_mtime > since

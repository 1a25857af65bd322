"""Resumable checkpoints: atomic, tensors and plain data only, one good one always stands."""

from __future__ import annotations

import os
import re
import sys
from pathlib import Path
from typing import Any

import torch

from workflow.data.folder import flush

KEPT = 2


def save_atomically(content: Any, path: Path) -> None:
    """`path` is either what it was or the whole new file, whatever kills this process."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    with temporary.open("wb") as file:
        torch.save(content, file)
        file.flush()
        os.fsync(file.fileno())
    os.replace(temporary, path)
    flush(path.parent)  # the new name must survive a power cut too


class Checkpoints:
    """`iteration-<n>.pth` files of one run in one folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def paths(self) -> list[Path]:
        """Newest first."""
        found = {
            int(match[1]): path
            for path in self.folder.glob("iteration-*.pth")
            if (match := re.fullmatch(r"iteration-(\d+)\.pth", path.name))
        }
        return [found[iteration] for iteration in sorted(found, reverse=True)]

    def save(self, state: dict[str, Any]) -> Path:
        path = self.folder / f"iteration-{state['iteration']:07d}.pth"
        save_atomically(state, path)
        for old in self.paths()[KEPT:]:
            old.unlink()
        for leftover in self.folder.glob(".iteration-*"):  # of attempts killed while writing
            leftover.unlink()
        return path

    def newest(self, run_hash: str) -> dict[str, Any] | None:
        """The last state of this very run that can be read; None to start from nothing."""
        for path in self.paths():
            try:
                state = torch.load(path, map_location="cpu", weights_only=True)
            except (RuntimeError, EOFError, ValueError, OSError) as error:
                print(f"{path}: unreadable, trying the one before ({error})", file=sys.stderr)
                continue
            if state["run"] != run_hash:
                raise ValueError(f"{path} belongs to another run ({state['run'][:10]})")
            return state
        return None

    def clear(self) -> None:
        """Once the student stands, nothing is resumed any more."""
        for path in self.paths():
            path.unlink()

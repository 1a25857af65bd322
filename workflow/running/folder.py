"""The run folder: the only thing that a run leaves behind, and all that later stages read."""

from __future__ import annotations

import hashlib
import json
import os
import shlex
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, BinaryIO, Literal

from workflow.outcome import WEIGHTS
from workflow.running.checkpoints import Checkpoints, save_atomically
from workflow.running.environment import code_revision, hardware, versions
from workflow.spec import RunSpec

Status = Literal["running", "complete", "failed"]


class RunFolder:
    def __init__(self, root: str | Path, spec: RunSpec) -> None:
        self.spec = spec
        self.root = Path(root)
        self.path = self.root / spec.id
        self.work = self.path / "work"
        self.student = self.path / WEIGHTS
        self.record = self.path / "run.json"
        self.history = self.path / "history.csv"
        self.cost = self.path / "cost.json"
        self.methods = self.work / "methods.pth"
        """The distillers' own weights (generators, gates), for drawing what they saw."""
        self.checkpoints = Checkpoints(self.work / "checkpoints")

    def read(self) -> dict[str, Any]:
        """`run.json`, empty where there is none yet."""
        if not self.record.is_file():
            return {}
        content: dict[str, Any] = json.loads(self.record.read_text(encoding="utf-8"))
        return content

    def is_complete(self) -> bool:
        record = self.read()
        return (
            record.get("status") == "complete"
            and self.student.is_file()
            and record.get("student_sha256") == file_sha256(self.student)
        )

    def begin(self, dataset_fingerprint: str | None) -> None:
        started = self.read().get("started") if self.checkpoints.paths() else None
        self._write(
            {
                "id": self.spec.id,
                "hash": self.spec.hash,
                "spec": self.spec.model_dump(mode="json"),
                "status": "running",
                "reason": None,
                "started": started or now(),
                "finished": None,
                "versions": versions(),
                "hardware": hardware(),
                "code_revision": code_revision(),
                "dataset_fingerprint": dataset_fingerprint,
                "learned_from": self._learned_from(),
                "student_sha256": None,
                "command": shlex.join([sys.executable, *sys.orig_argv[1:]]),
            }
        )

    def _learned_from(self) -> dict[str, str | None]:
        """The very weights of teacher and backbones: trained again on another kind of processor,
        the same run ends in slightly different ones."""
        needed = (RunFolder(self.root, run) for run in self.spec.dependencies())
        return {one.spec.id: one.read().get("student_sha256") for one in needed}

    def finish(self, student: dict[str, Any]) -> None:
        """Student first, then the record that vouches for it, then the resumable state goes."""
        save_atomically(student, self.student)
        self._end("complete", student_sha256=file_sha256(self.student))
        self.checkpoints.clear()

    def snapshots(self) -> list[Path]:
        """Students on their way, oldest first; where the training was asked to keep some."""
        return sorted((self.work / "snapshots").glob("iteration-*.pth"))

    def fail(self, reason: str) -> None:
        self._end("failed", reason=reason)

    def _end(self, status: Status, **changes: Any) -> None:
        self._write({**self.read(), "status": status, "finished": now(), **changes})

    def _write(self, record: dict[str, Any]) -> None:
        write_text(self.record, json.dumps(record, indent=2) + "\n")


def write_bytes(path: Path, write: Callable[[BinaryIO], object]) -> None:
    """Whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    with temporary.open("wb") as file:
        write(file)
    os.replace(temporary, path)


def write_text(path: Path, text: str) -> None:
    write_bytes(path, lambda file: file.write(text.encode()))


def file_sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")

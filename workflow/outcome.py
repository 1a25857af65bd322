"""How a run ended, in a file that is there whether it ended well or not.

Snakemake stops everything behind a job that fails, tables included. So the job that carries out a
run always ends well once nothing more can be tried, and `outcome.json` says how it went; whoever
needs the run reads that. Imports no torch.
"""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

FILE = "outcome.json"
WEIGHTS = "student.pth"
"""What others learn from; results that were restored come without."""


@dataclass(frozen=True)
class Outcome:
    id: str
    status: Literal["complete", "failed"]
    reason: str = ""
    stage: str = ""
    """Where it failed: `train`, `predict`, `attend`, `curve`, `evaluate`, `check`, or `needs`."""

    @property
    def complete(self) -> bool:
        return self.status == "complete"


def path_of(runs: Path, id: str) -> Path:
    return runs / id / FILE


def without_weights(runs: Path, id: str) -> bool:
    """Whether the run is done, and its results were kept without what others could learn from."""
    ended = read(runs, id)
    return ended is not None and ended.complete and not (runs / id / WEIGHTS).is_file()


def read(runs: Path, id: str) -> Outcome | None:
    """None where the run has not ended yet, or its file cannot be read."""
    try:
        content: dict[str, Any] = json.loads(path_of(runs, id).read_text(encoding="utf-8"))
        return Outcome(**content)
    except (OSError, ValueError, TypeError):
        return None


def write(runs: Path, outcome: Outcome) -> None:
    """Whole or not at all."""
    path = path_of(runs, outcome.id)
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f".{FILE}.{os.getpid()}")
    partial.write_text(json.dumps(asdict(outcome), indent=1) + "\n", encoding="utf-8")
    partial.replace(path)

"""Run folders written by hand, as far as those who count and list look at them."""

from __future__ import annotations

import json
from pathlib import Path

from workflow import outcome
from workflow.outcome import Outcome

TINY = Path(__file__).parents[1] / "suites" / "tiny.yaml"


def finish(runs: Path, run, seconds: float) -> None:
    folder = runs / run.id
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "student.pth").write_bytes(b"weights")
    (folder / "cost.json").write_text(json.dumps({"wall_seconds": seconds}))
    outcome.write(runs, Outcome(run.id, "complete"))

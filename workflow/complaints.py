"""What programs said that failed, for whoever called snakemake.

Snakemake's own words about failed jobs are as quiet as its words about rules, and on a cluster they
stand in a job's log only. Imports no torch.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

SAID = "error: "
"""How our programs begin the line about a mistake."""
ENDED = "slurmstepd"
"""Who writes that a job was cancelled, or ran out of time or memory."""


def complaints(folders: list[Path], since: float) -> Iterator[str]:
    """`file: its last complaint`, for the logs that were written after `since`."""
    # By where they lie: one folder may be inside another, under another name.
    logs = {path.resolve(): path for folder in reversed(folders) for path in folder.rglob("*.log")}
    for path in sorted(logs.values()):
        try:
            if path.stat().st_mtime < since:
                continue
            text = path.read_text(encoding="utf-8", errors="replace")
        except OSError:
            continue  # Snakemake clears logs away while we look
        lines = [line.strip() for line in text.splitlines() if line.strip()]
        said = [line for line in lines if _complains(line)]
        if said:
            yield f"{path}: {said[-1]}"
        elif "Traceback (most recent call last):" in lines:
            yield f"{path}: {lines[-1]}"


def _complains(line: str) -> bool:
    return line.startswith(SAID) or (line.startswith(ENDED) and "***" in line)

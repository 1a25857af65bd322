"""Jobs of an earlier call, told before this one submits the same runs once more.

Where snakemake was killed its jobs go on. A second job of a run would only wait for the first, on
GPUs of its own. Imports no torch.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

SECONDS = 60
"""As long as Slurm may take to answer, before the call goes on as if nothing were queued."""
ENDING = "COMPLETING"
"""What such a job still holds nobody can hurry, and on a lost node it may be called so for days."""
SHOWN = 3


@dataclass(frozen=True)
class Queued:
    """A job of Slurm's that carries out a run."""

    number: str
    state: str
    run: str


def queued(runs: Iterable[str], folder: Path) -> list[Queued]:
    """The caller's own jobs of these runs that were submitted from `folder`; none where Slurm does
    not say.

    Snakemake's plugin starts a job in the folder of the call, and ends its comment with the rule's
    wildcards. The same runs of another checkout are other runs.
    """
    known = {run.replace("/", "_"): run for run in runs}
    if not known:
        return []
    own = f"--user={os.getuid()}"
    try:
        asked = subprocess.run(
            ("squeue", "--noheader", own, "--format=%i|%T|%k|%Z"),
            capture_output=True,
            text=True,
            errors="replace",
            timeout=SECONDS,
        )
    except (OSError, subprocess.TimeoutExpired):
        return []
    found = []
    for line in asked.stdout.splitlines() if asked.returncode == 0 else ():
        number, state, comment, lies = (*line.split("|", 3), "", "", "")[:4]
        run = known.get(comment.partition("_wildcards_")[2])
        if run is not None and state != ENDING and _same(Path(lies), folder):
            found.append(Queued(number, state, run))
    return found


def _same(one: Path, other: Path) -> bool:
    # A home may be reached by several names, and the nodes' view of it is not asked for.
    return one == other or os.path.realpath(one) == os.path.realpath(other)


def told(jobs: list[Queued]) -> str:
    """In one line: which they are, and both ways on."""
    shown = ", ".join(f"{job.number} ({job.state.lower()}: {job.run})" for job in jobs[:SHOWN])
    more = f" and {len(jobs) - SHOWN} more" if len(jobs) > SHOWN else ""
    one = len(jobs) == 1
    return (
        f"{'a job' if one else f'{len(jobs)} jobs'} of an earlier call still"
        f" {'carries' if one else 'carry'} out what this call asks for, and new ones would only"
        f" wait beside {'it' if one else 'them'}, with GPUs of their own: {shown}{more}; call again"
        f" when {'it has' if one else 'they have'} ended, or end {'it' if one else 'them'} now:"
        f" `scancel {' '.join(job.number for job in jobs)}`: trainings save, and the next call goes"
        " on from there"
    )

"""How far a suite is: what is done, running, failed and left.

    python -m workflow.status --suite demo

A run counts as running while its history grows: written to in the last ten minutes. Imports no
torch.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from workflow import outcome
from workflow.command import speaking
from workflow.costs import iterations
from workflow.forecast import Forecast
from workflow.spec import RunSpec
from workflow.stages import recorded
from workflow.suite import Suite, load

FRESH_SECONDS = 600
State = Literal["done", "running", "interrupted", "failed", "left"]
ORDER: tuple[State, ...] = ("done", "running", "interrupted", "failed", "left")


@dataclass(frozen=True)
class Standing:
    id: str
    state: State
    detail: str = ""


def standing(runs: Path, run: RunSpec, now: float) -> Standing:
    id = run.id
    ended = outcome.read(runs, id)
    if ended is not None:
        return (
            Standing(id, "done")
            if ended.complete
            else Standing(id, "failed", f"{ended.stage}: {ended.reason}")
        )
    record = recorded(runs / id)
    if record.get("status") == "failed":
        return Standing(id, "failed", str(record.get("reason") or ""))
    last = _last_sign(runs / id)
    if last is None:
        return Standing(id, "left")
    fresh = now - last < FRESH_SECONDS
    return Standing(id, "running" if fresh else "interrupted", _progress(runs / id, run))


def table(suite: Suite, runs: Path, now: float | None = None) -> list[Standing]:
    moment = time.time() if now is None else now
    return [standing(runs, run, moment) for run in suite.runs]


def _last_sign(folder: Path) -> float | None:
    """When anything was last written there."""
    places = (folder, folder / "work", folder / "work" / "checkpoints")
    times = [
        entry.stat().st_mtime
        for place in places
        if place.is_dir()
        for entry in place.iterdir()
        if entry.is_file()
    ]
    return max(times, default=None)


def _progress(folder: Path, run: RunSpec) -> str:
    if (folder / outcome.WEIGHTS).is_file():
        return "trained; predicting"
    try:
        with (folder / "history.csv").open("rb") as history:
            history.seek(0, 2)
            history.seek(max(0, history.tell() - 4096))
            done = int(history.read().splitlines()[-1].split(b",")[0])
    except (OSError, ValueError, IndexError):
        return "starting"
    whole = iterations(run)
    return f"iteration {done} of {whole:.0f}, {done / whole:.0%}" if whole else ""


def text(suite: Suite, standings: list[Standing], hours_left: float) -> str:
    counts = Counter(one.state for one in standings)
    lines = [
        f"{suite.name}: "
        + ", ".join(f"{counts[state]} {state}" for state in ORDER if counts[state])
        + f" of {len(standings)} runs; about {hours_left:.1f} device-hours left"
    ]
    for state in ("running", "interrupted", "failed"):
        found = [one for one in standings if one.state == state]
        lines += [f"  {state}: {one.id}" + (f"  {one.detail}" * bool(one.detail)) for one in found]
    return "\n".join(lines)


@speaking
def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--suite", required=True)
    parser.add_argument("--runs", type=Path, default=Path("results/runs"))
    options = parser.parse_args(arguments)
    suite = load(options.suite)
    left = Forecast(suite, options.runs).total(at_once=1).device_hours_left
    print(text(suite, table(suite, options.runs), left))
    return 0


if __name__ == "__main__":
    sys.exit(main())

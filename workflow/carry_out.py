"""Carries out one run from what it needs to its metrics, and always says how it ended.

    python -m workflow.carry_out --suite demo --run <id> --attempt 1 --attempts 3

Steps that were done before are not done again, so a job that was killed anywhere goes on from
there. Ends with 0 once `outcome.json` is written, be the run complete or given up; with 75 where
the run was interrupted and with 1 where another attempt may help. Imports no torch.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import sys
import time
from pathlib import Path
from typing import Any

from workflow import outcome
from workflow.child import WARNING, Child
from workflow.command import MISTAKE, RESUME_ME, UserError, speaking
from workflow.data.errors import DataError
from workflow.data.folder import Busy, only_one
from workflow.devices import StoppedWaiting, TooFewDevices, devices
from workflow.judged import REPORTED, metrics_of
from workflow.outcome import Outcome
from workflow.spec import RunSpec
from workflow.stages import (
    SECONDS_TO_SAVE,
    Place,
    Stage,
    bundled,
    command,
    recorded,
    stages,
    waiting,
)
from workflow.suite import Suite, load

TRY_AGAIN = 1
SECONDS_BETWEEN_LOOKS = 2.0


@speaking
def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--suite", required=True)
    parser.add_argument("--run", required=True)
    parser.add_argument("--runs", type=Path, default=Path("results/runs"))
    parser.add_argument("--data", type=Path, default=Path("data"))
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--gpus", type=int, default=0)
    parser.add_argument("--attempt", type=int, default=1)
    parser.add_argument("--attempts", type=int, default=1)
    options = parser.parse_args(arguments)
    suite = load(options.suite)
    if options.run not in suite.by_id:
        print(f"suite {suite.name!r} has no run {options.run!r}", file=sys.stderr)
        return MISTAKE
    run = suite.run(options.run)
    runs: Path = options.runs
    missing = _needs(runs, run, suite)
    if missing is not None:
        outcome.write(runs, Outcome(run.id, "failed", missing, "needs"))
        return 0
    child = Child()
    try:
        _wait_for_another_call(runs / run.id, child)
        with devices(options.gpus, told_to_stop=lambda: child.received is not None) as visible:
            return _do_all(child, suite, run, options, visible)
    except TooFewDevices as error:
        return _end(runs, Outcome(run.id, "failed", str(error), "train"))
    except StoppedWaiting:
        return RESUME_ME


def _wait_for_another_call(folder: Path, child: Child) -> None:
    """A job of an earlier call may still train this very run: what it makes is ours too."""
    while True:
        try:
            with only_one(folder / "work" / "run", wait=False):
                return
        except Busy:
            if child.received is not None:
                raise StoppedWaiting from None
            time.sleep(SECONDS_BETWEEN_LOOKS)
        except DataError as error:  # no locks, or no right to write
            raise UserError(str(error)) from error


def _do_all(
    child: Child, suite: Suite, run: RunSpec, options: argparse.Namespace, visible: str
) -> int:
    runs: Path = options.runs
    environment = _environment(options.threads, visible)
    last = options.attempt >= options.attempts
    steps = stages(suite, run, Place(runs, options.data), options.gpus)
    for bundle in bundled(waiting(steps)):
        before = recorded(runs / run.id)
        code, said = _do(child, bundle, environment, runs / run.id)
        if code == 0:
            continue
        record = recorded(runs / run.id)
        # What an earlier attempt said of itself is no news of this one.
        failed = record if record != before and record.get("status") == "failed" else {}
        stage = next((one for one in bundle if not one.done()), bundle[-1])
        reason = _reason(failed, said, code)
        if child.received is not None and child.received != WARNING:
            return RESUME_ME
        hopeless = code == MISTAKE or bool(failed)
        # Torchrun, and a program that was only starting, have codes of their own for a warning.
        interrupted = code == RESUME_ME or (child.received is not None and not hopeless)
        if not last and not hopeless:
            print(f"{run.id}: {stage.name}: {reason}", file=sys.stderr)
            return RESUME_ME if interrupted else TRY_AGAIN
        if interrupted:
            reason = f"out of time in attempt {options.attempt}; call again to go on"
        return _end(runs, Outcome(run.id, "failed", reason, stage.name))
    return _end(runs, Outcome(run.id, "complete"), suite.judged(run)[-1])


def _end(runs: Path, ended: Outcome, split: str = REPORTED) -> int:
    outcome.write(runs, ended)
    told = _result(runs / ended.id, split) if ended.complete else f"{ended.stage}: {ended.reason}"
    print(f"{ended.id}: {told}", file=sys.stderr)
    return 0


def _result(folder: Path, split: str) -> str:
    """What a person who watches wants to know: `AP 41.3`."""
    try:
        metrics = json.loads(metrics_of(folder, split).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return "complete"
    known = [
        f"{name} {metrics[name]:.1f}" for name in ("AP", "top1") if metrics.get(name) is not None
    ]
    where = f" on {split}" if known and split != REPORTED else ""
    return (", ".join(known) or "complete") + where


def _needs(runs: Path, run: RunSpec, suite: Suite) -> str | None:
    """Why the run cannot be done, if what it learns from was given up or has lost its weights."""
    for needed in run.dependencies():
        found = outcome.read(runs, needed.id)
        if found is None or not found.complete:
            why = found.reason if found else "it has not been carried out"
            return f"needs {needed.id}, which failed: {why}"
        if outcome.without_weights(runs, needed.id):
            return (
                f"needs {needed.id}, whose results were kept without its weights; "
                f"`python -m workflow.restore --suite {suite.asked}` lets it be trained again"
            )
    return None


def _environment(threads: int, visible: str) -> dict[str, str]:
    """Waiting OpenMP threads spin: two jobs with two threads each crawl on two cores."""
    names = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")
    # Torchrun's own half a minute is short for a step, a large model and a slow file system.
    patience = {"TORCH_ELASTIC_SHUTDOWN_TIMEOUT": str(SECONDS_TO_SAVE)}
    found = {**patience, **os.environ, **dict.fromkeys(names, str(threads))}
    found["PYTHONUNBUFFERED"] = "1"
    return {**found, "CUDA_VISIBLE_DEVICES": visible} if visible else found


def _do(
    child: Child, bundle: list[Stage], environment: dict[str, str], folder: Path
) -> tuple[int, str]:
    """The program's exit code, and what it said: the log has earlier attempts' words too."""
    path = folder / "work" / f"{bundle[0].name}.log"
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("ab") as log:
        start = log.tell()
        code = child.run(command(bundle), environment, log)
    with path.open("rb") as log:
        log.seek(start)
        return code, log.read().decode("utf-8", errors="replace")


def _reason(failed: dict[str, Any], said: str, code: int) -> str:
    """What the program said of its end, in one line."""
    if failed.get("reason"):
        return str(failed["reason"])
    if code < 0:
        name = signal.Signals(-code).name
        hint = ", out of memory perhaps" if -code == signal.SIGKILL else ""
        return f"killed by {name}{hint}"
    lines = [line.strip() for line in said.replace("\r", "\n").splitlines() if line.strip()]
    told = next((line for line in reversed(lines) if line.startswith("error: ")), None)
    if told is not None:
        return told.removeprefix("error: ")
    return f"ended with {code}: {lines[-1] if lines else 'and said nothing'}"


if __name__ == "__main__":
    sys.exit(main())

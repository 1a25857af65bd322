"""Which run a program was asked for, and where things lie; the arguments all programs share."""

from __future__ import annotations

import argparse
import difflib
import importlib.util
from pathlib import Path

from pydantic import ValidationError

from workflow.data.catalogue import DataSet, describe
from workflow.data.errors import DataError
from workflow.data.state import require_valid
from workflow.running import environment
from workflow.running.errors import UserError
from workflow.running.folder import RunFolder
from workflow.spec import RunSpec, ScheduleSpec


def parser(description: str) -> argparse.ArgumentParser:
    found = argparse.ArgumentParser(
        description=description, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    what = found.add_mutually_exclusive_group(required=True)
    what.add_argument("--suite", help="a shipped suite's name, or the path of your own")
    what.add_argument("--spec", type=Path, help="one run as JSON: a RunSpec, or a run.json")
    found.add_argument("--run", help="the run's id, with --suite")
    found.add_argument("--root", type=Path, default=Path("results/runs"), help="where runs lie")
    found.add_argument("--data", type=Path, default=Path("data"), help="where data sets lie")
    found.add_argument("--workers", type=int, default=None, help="processes that load images")
    found.set_defaults(rehearsal=False)
    return found


def training_parser(description: str) -> argparse.ArgumentParser:
    found = parser(description)
    found.add_argument("--checkpoint-every", type=int, help="steps between resumable checkpoints")
    found.add_argument("--snapshots", type=int, default=0, help="kept for agreement.csv")
    found.add_argument("--wandb", metavar="PROJECT", help="log to Weights & Biases too")
    return found


def asked(options: argparse.Namespace) -> RunSpec:
    if options.spec is not None:
        return _from_file(options.spec)
    if not options.run:
        raise UserError("--suite needs --run <id>; `python -m workflow.suite` lists a suite's runs")
    from workflow import suite

    try:
        runs = suite.load(options.suite).by_id
    except suite.SuiteError as error:
        raise UserError(str(error)) from error
    if options.run not in runs:
        near = difflib.get_close_matches(options.run, runs, n=3, cutoff=0.3)
        raise UserError(
            f"suite {options.suite!r} has no run {options.run!r}; nearest: {', '.join(near) or '-'}"
        )
    found: RunSpec = runs[options.run]
    return found


def folder_of(options: argparse.Namespace, spec: RunSpec, what: str) -> RunFolder:
    """Of a run that this one needs, which must be complete."""
    folder = RunFolder(options.root, spec)
    if not folder.is_complete():
        raise UserError(f"{what} {spec.id} is not complete under {options.root}; make it first")
    return folder


def dataset_of(options: argparse.Namespace, spec: RunSpec) -> DataSet:
    data = describe(spec.data, options.data)
    try:
        require_valid(data)
    except DataError as error:
        raise UserError(str(error)) from error
    return data


def check_logging(options: argparse.Namespace) -> None:
    if options.wandb and importlib.util.find_spec("wandb") is None:
        raise UserError("--wandb: the package is not here; `pip install wandb`, or leave it out")


def workers(options: argparse.Namespace) -> int:
    count: int | None = options.workers
    return count if count is not None else environment.usual_workers()


def processes_sharing(schedule: ScheduleSpec) -> int:
    """How many processes train together; they share every batch evenly."""
    count = environment.processes()
    if schedule.batch_size % count:
        raise UserError(
            f"schedule.batch_size: {schedule.batch_size} images cannot be shared evenly by "
            f"{count} processes"
        )
    return count


def _from_file(path: Path) -> RunSpec:
    import json

    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        return RunSpec.model_validate(content.get("spec", content))
    except OSError as error:
        raise UserError(f"--spec {path}: {error.strerror}") from error
    except (ValueError, ValidationError) as error:
        raise UserError(f"--spec {path}: not a run: {error}") from error

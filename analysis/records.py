"""Every run folder of a suite as one tidy frame; what cannot be trusted is named, never averaged.

    python -m analysis.records --suite-dir results/suites/demo [--runs results/runs]

writes `records.csv` (a line per finished run) and `folders.csv` (a line per folder or planned run
that is left out, with the reason).
"""

from __future__ import annotations

import argparse
import math
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import pandas as pd

from analysis.balance import COLUMN as RATIO
from analysis.balance import distillation_ratio
from analysis.errors import AnalysisError, run_program
from analysis.files import read_json, write_text
from analysis.places import RUNS
from analysis.plan import Plan, PlannedRun, read_plan
from analysis.split import metrics_of

RUN_FILE, COST_FILE = "run.json", "cost.json"
OUTCOME_FILE = "outcome.json"
RECORDS_FILE = "records.csv"
FOLDERS_FILE = "folders.csv"

Status = Literal[
    "complete",
    "missing",
    "running",
    "failed",
    "incomplete",
    "stale",
    "duplicate",
    "foreign",
    "mismatched",
]
"""missing: no folder. incomplete: said to be complete, but a result file lacks or cannot be read.
stale: made from another configuration than the plan's. duplicate: claims the id of another folder.
foreign: of no run of this plan. mismatched: scored on other annotations than its siblings."""

QUIET = ("missing", "running", "foreign")
"""What is no mistake and needs no word of its own on the screen."""

METRICS = (
    *("AP", "AP50", "AP75", "APS", "APM", "APL"),
    *("AR1", "AR10", "AR100", "ARS", "ARM", "ARL", "top1", "top5"),
)
COSTS = (
    *("wall_seconds", "gpu_hours", "images_per_second", "data_wait_share"),
    *("peak_device_bytes", "peak_process_bytes", "energy_joules"),
    *("teacher_share", "student_share", "loss_share", "device", "iterations", "attempts"),
)
PLANNED = ("id", "hash", "kind", "group", "row", "seed", "family", "data", "schedule")
PROVENANCE = ("started", "finished", "code_revision", "dataset_fingerprint", "student_sha256")
SPLIT = "split"
SCORED = ("images", "detections", "engine", "annotations_sha256", "predictions_sha256")
SIZE_LIMITS = {"small_below": ("small", 1), "large_from": ("large", 0)}
"""Areas in pixels up to which an object is small and from which on it is large; where in the
`area_limits` of its metrics they stand."""
OPTIONS = {"inherit": "inherits", "clip": "clip"}
"""What a training is told beside its methods, as a run's specification and as a column say it."""
COLUMNS = (
    *(*PLANNED, "folder", *METRICS, *COSTS, RATIO),
    *(*PROVENANCE, *OPTIONS.values(), SPLIT, *SCORED, *SIZE_LIMITS),
)


@dataclass(frozen=True)
class Records:
    """The finished runs, and why each other one is not among them."""

    plan: Plan
    frame: pd.DataFrame
    """One line per complete run; columns `COLUMNS`, index the run's id."""
    folders: pd.DataFrame
    """`id`, `folder`, `status`, `reason` for everything else that was planned or found."""
    runs_dir: Path = RUNS

    def why_missing(self, run_id: str) -> str:
        """For a missing cell: 'failed: loss became NaN'. Empty where the run is complete."""
        lines = self.folders[self.folders["id"] == run_id]
        if not len(lines):
            return ""
        status, reason = str(lines.iloc[0]["status"]), str(lines.iloc[0]["reason"])
        if status == "missing":
            return reason
        return f"{status}: {reason}" if reason else status


def read_records(plan: Plan, runs_dir: Path = RUNS) -> Records:
    rows: list[dict[str, Any]] = []
    left_out: list[dict[str, str]] = []
    claims = _claims(runs_dir)
    for run in plan.runs:
        status, reason, row = _read_run(plan, run, runs_dir, claims)
        if status == "complete" and row is not None:
            rows.append(row)
        else:
            left_out.append(_line(run.id, str(runs_dir / run.id), status, reason))
    left_out += _other_folders(plan, runs_dir, claims)
    rows, mismatched = _same_annotations(rows)
    frame = pd.DataFrame(rows, columns=list(COLUMNS)).set_index("id", drop=False)
    folders = pd.DataFrame(
        left_out + mismatched, columns=["id", "folder", "status", "reason"], dtype=str
    )
    return Records(plan, frame, folders, runs_dir)


def _line(id: str, folder: str, status: Status, reason: str) -> dict[str, str]:
    return {"id": id, "folder": folder, "status": status, "reason": reason}


def _claims(runs_dir: Path) -> dict[Path, dict[str, Any] | str]:
    """run.json of every folder, or what is wrong with it."""
    found: dict[Path, dict[str, Any] | str] = {}
    for path in sorted(runs_dir.glob(f"*/*/*/*/{RUN_FILE}")):
        try:
            content = read_json(path)
        except AnalysisError as error:
            found[path.parent] = str(error)
            continue
        told = isinstance(content, dict) and {"id", "hash", "status"} <= content.keys()
        found[path.parent] = content if told else f"{path}: lacks `id`, `hash` or `status`"
    return found


def _read_run(
    plan: Plan, run: PlannedRun, runs_dir: Path, claims: dict[Path, dict[str, Any] | str]
) -> tuple[Status, str, dict[str, Any] | None]:
    folder = runs_dir / run.id
    given_up = _given_up(folder)
    if given_up:
        return "failed", given_up, None
    claim = claims.get(folder)
    if claim is None:
        if not folder.exists():
            return "missing", "not run yet", None
        return "incomplete", f"{RUN_FILE} is missing", None
    if isinstance(claim, str):
        return "incomplete", claim, None
    if claim["id"] != run.id:
        return "duplicate", f"its {RUN_FILE} claims to be {claim['id']}", None
    if claim["hash"] != run.hash:
        change = f"{str(claim['hash'])[:10]}, the plan asks for {run.hash[:10]}"
        return "stale", f"made from configuration {change}", None
    if claim["status"] in ("failed", "running"):
        return claim["status"], str(claim.get("reason") or ""), None
    if claim["status"] != "complete":
        return "incomplete", f"unknown status {claim['status']!r} in {RUN_FILE}", None
    if not metrics_of(folder, plan.split_of(run)).is_file():
        return "incomplete", "trained, not judged yet", None
    try:
        row = _row(run, folder, claim, plan.split_of(run))
    except AnalysisError as error:
        return "incomplete", str(error), None
    return "complete", "", row


def _given_up(folder: Path) -> str:
    """Why the run's job ended without a result; empty where it did not."""
    if not (folder / OUTCOME_FILE).is_file():
        return ""
    try:
        ended = _object(folder / OUTCOME_FILE)
    except AnalysisError as error:
        return str(error)
    if ended.get("status") != "failed":
        return ""
    return f"{ended.get('stage') or 'job'}: {ended.get('reason') or 'no reason told'}"


def _row(run: PlannedRun, folder: Path, claim: dict[str, Any], split: str) -> dict[str, Any]:
    told = metrics_of(folder, split)
    metrics = _object(told)
    cost = _object(folder / COST_FILE) if (folder / COST_FILE).exists() else {}
    headline = "top1" if run.kind == "classifier" else "AP"
    value = metrics.get(headline)
    if not isinstance(value, (int, float)) or not math.isfinite(value):
        raise AnalysisError(f"{told}: `{headline}` is missing or no number")
    row: dict[str, Any] = {key: getattr(run, key) for key in PLANNED}
    row["folder"] = folder.as_posix()
    row[SPLIT] = split
    row |= {key: metrics.get(key) for key in (*METRICS, *SCORED)}
    limits = metrics.get("area_limits") or {}
    row |= {
        column: limits.get(size, (None,) * 2)[end] for column, (size, end) in SIZE_LIMITS.items()
    }
    row |= {key: cost.get(key) for key in COSTS}
    row[RATIO] = distillation_ratio(folder)
    row |= {key: claim.get(key) for key in PROVENANCE}
    row |= _options(claim)
    return row


def _options(claim: dict[str, Any]) -> dict[str, Any]:
    spec = claim.get("spec")
    options = spec.get("options") if isinstance(spec, dict) else None
    told = options if isinstance(options, dict) else {}
    return {column: told.get(key) for key, column in OPTIONS.items()}


def _object(path: Path) -> dict[str, Any]:
    content = read_json(path)
    if not isinstance(content, dict):
        raise AnalysisError(f"{path}: expected an object")
    return content


def _other_folders(
    plan: Plan, runs_dir: Path, claims: dict[Path, dict[str, Any] | str]
) -> list[dict[str, str]]:
    """Folders that are no planned run's own: copies, older configurations, other suites' runs."""
    planned_rows = {run.id.rsplit("-", 1)[0]: run.id for run in plan.runs}
    lines = []
    for folder, claim in claims.items():
        id = folder.relative_to(runs_dir).as_posix()
        if id in plan.by_id:
            continue
        claimed = claim["id"] if isinstance(claim, dict) else id
        if claimed != id:
            reason = f"two folders claim to be {claimed}; only the one of that name is read"
            lines.append(_line(id, str(folder), "duplicate", reason))
        elif id.rsplit("-", 1)[0] in planned_rows:
            wanted = planned_rows[id.rsplit("-", 1)[0]]
            reason = f"another configuration of the row than the plan's {wanted}"
            lines.append(_line(id, str(folder), "stale", reason))
        else:
            lines.append(_line(id, str(folder), "foreign", f"no run of suite {plan.suite}"))
    return lines


def _same_annotations(
    rows: list[dict[str, Any]],
) -> tuple[list[dict[str, Any]], list[dict[str, str]]]:
    """Numbers from different test sets are not comparable: the majority's set stays."""
    counts: dict[tuple[str, str, str], int] = {}
    for row in rows:
        if row["annotations_sha256"]:
            key = (row["data"], row[SPLIT], row["annotations_sha256"])
            counts[key] = counts.get(key, 0) + 1
    kept, lines = [], []
    for row in rows:
        own = row["annotations_sha256"]
        shared = (row["data"], row[SPLIT])
        rivals = {sha: n for (*of, sha), n in counts.items() if tuple(of) == shared}
        common = max(rivals, key=lambda sha: rivals[sha], default=own)
        if not own or own == common:
            kept.append(row)
            continue
        reason = f"scored on annotations {own[:10]}, the other runs on {common[:10]}"
        lines.append(_line(row["id"], row["folder"], "mismatched", reason))
    return kept, lines


def write_records(records: Records, suite_dir: Path) -> None:
    write_text(suite_dir / RECORDS_FILE, records.frame.to_csv(index=False, lineterminator="\n"))
    write_text(suite_dir / FOLDERS_FILE, records.folders.to_csv(index=False, lineterminator="\n"))


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="analysis.records", description="run folders as a frame")
    parser.add_argument("--suite-dir", type=Path, required=True, help="results/suites/<suite>")
    parser.add_argument("--runs", type=Path, default=RUNS, help="where the run folders lie")
    given = parser.parse_args(arguments)

    def program() -> None:
        records = read_records(read_plan(given.suite_dir), given.runs)
        write_records(records, given.suite_dir)
        counts = records.folders["status"].value_counts().to_dict()
        for _, line in records.folders.iterrows():
            if line["status"] not in QUIET:
                print(f"{line['status']}: {line['id']}: {line['reason']}", file=sys.stderr)
        told = "".join(f", {count} {status}" for status, count in sorted(counts.items()))
        print(f"{len(records.frame)} of {len(records.plan.runs)} runs complete{told}")

    return run_program(program)


if __name__ == "__main__":
    sys.exit(main())

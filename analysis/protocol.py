"""Whether a figure of ours and a printed one come from the same protocol."""

from __future__ import annotations

from analysis.plan import Cell, Pair, Plan, PlannedRun, PublishedKey
from analysis.split import REPORTED

MEASURED = {"coco-box": "AP", "coco-crops-top1": "top1"}
"""Metric sets that this project measures, and the headline of each."""
PRINTED_ON = "COCO val2017"
COCO = "coco"
MULTI_SCALE_AS_2X = "fcos-"
"""FGD and those who follow it label the schedule of FCOS students 2x although they are trained
multi-scale; see columns.md."""


def other_protocol(key: PublishedKey | None, plan: Plan, cell: Cell) -> str:
    """What keeps the two numbers from being compared; empty where nothing does. A figure from
    another data set or other detectors is of another protocol whatever is printed."""
    run = plan.by_id[cell.runs[0]] if cell.runs else None
    pair: Pair | None = plan.pairs.get(cell.group)
    if run and run.data != COCO:
        return f"ours on {run.data}, printed on {PRINTED_ON}"
    if pair and pair.fidelity != COCO:
        return f"ours with {pair.fidelity} detectors, printed with full-size ones"
    if plan.split != REPORTED:
        return f"ours on the {plan.split} split, printed on {PRINTED_ON}"
    if key is None:
        return ""
    if key.metric_set not in MEASURED:
        return f"printed as {key.metric_set}, which is not measured here"
    if run and not is_fetched(run) and not _same_schedule(run.schedule, key):
        return f"schedule {run.schedule or 'of our own'}, printed with {key.schedule}"
    student = pair.published_student if pair else ""
    if student and key.student and student != key.student:
        return f"student {student}, printed for {key.student}"
    return ""


def is_fetched(run: PlannedRun) -> bool:
    """A teacher without a schedule is a published checkpoint."""
    return run.kind == "teacher" and not run.schedule


def _same_schedule(ours: str, key: PublishedKey) -> bool:
    """What is not stated is not held against anybody."""
    if key.student.startswith(MULTI_SCALE_AS_2X) and key.schedule == "2x" and ours == "2x-ms":
        return True
    return not key.schedule or ours == key.schedule

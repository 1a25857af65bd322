"""What the whole suite cost: sums over its finished runs, each counted once."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

from analysis.costs import SECONDS_PER_HOUR
from analysis.records import Records
from analysis.tables.model import MISSING
from analysis.tables.numbers import plain

KINDS = {"classifier": "classifiers", "teacher": "teachers", "student": "students"}
JOULES_PER_KILOWATT_HOUR = 3.6e6


@dataclass(frozen=True)
class TotalCost:
    kind: str
    runs: int
    wall_hours: str
    gpu_hours: str
    kilowatt_hours: str
    resumed: int
    """Runs that took more than one attempt."""


def total_costs(records: Records) -> list[TotalCost]:
    """A line per kind of run and one for all; empty where nothing has finished."""
    frame = records.frame
    if not len(frame):
        return []
    kinds = [
        _line(word, frame[frame["kind"] == kind])
        for kind, word in KINDS.items()
        if (frame["kind"] == kind).any()
    ]
    return [*kinds, _line("all", frame)] if len(kinds) > 1 else kinds


def _line(kind: str, runs: pd.DataFrame) -> TotalCost:
    attempts = runs["attempts"].dropna().astype(float)
    return TotalCost(
        kind,
        len(runs),
        _sum(runs["wall_seconds"], SECONDS_PER_HOUR),
        _sum(runs["gpu_hours"], 1.0),
        _sum(runs["energy_joules"], JOULES_PER_KILOWATT_HOUR),
        int((attempts > 1).sum()),
    )


def _sum(values: pd.Series[float], unit: float) -> str:
    """Of what was measured; a sum over a part says that it is one."""
    known = values.dropna().astype(float)
    if not len(known):
        return MISSING
    part = "" if len(known) == len(values) else f" ({len(known)} of {len(values)} measured)"
    return plain(float(known.sum()) / unit, 2) + part

"""What a row costs: hours, the step's overhead over the baseline's, memory, and AP for the hour."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from analysis.findings.sentences import counted
from analysis.metrics import HEADLINE
from analysis.records import Records
from analysis.statistics.tables import CellStatistics

SECONDS_PER_HOUR = 3600.0
GIB = 2.0**30
STEADY = 1.25
"""Slowest over fastest seed of a row, up to which its times are taken as they are."""
LONG_ENOUGH = 0.5
"""Hours from which nobody wants minutes."""


@dataclass(frozen=True)
class Costs:
    """Means over the finished runs of one cell; None where nothing was measured."""

    hours: float | None
    """GPU-hours of the student's own training; hours of wall time where no GPU was used."""
    on_gpu: bool
    overhead: float | None
    """How much longer a step takes than the baseline's of the same seed, 0.5 for half as long
    again. Only between runs on one kind of device."""
    images_per_second: float | None
    device_gib: float | None
    process_gib: float | None
    teacher_share: float | None
    loss_share: float | None
    kilojoules: float | None
    gain: float | None
    gain_per_hour: float | None
    """AP over the baseline for every hour of training (the teacher's own is not counted)."""
    devices: tuple[str, ...]
    n: int


@dataclass(frozen=True)
class Clock:
    """The unit in which times are told."""

    word: str
    of_an_hour: float
    gpu: bool | None
    """Whether the times are a GPU's; None where that of some pairs is and that of others is not."""

    @property
    def name(self) -> str:
        return f"GPU-{self.word}" if self.gpu else self.word

    @property
    def what(self) -> str:
        """`hours of GPU time`."""
        either = "GPU time where a GPU trained, of wall time elsewhere"
        kind = either if self.gpu is None else "GPU time" if self.gpu else "wall time"
        return f"{self.word} of {kind}"

    def of_pair(self, own: Iterable[Costs]) -> Clock:
        """The same unit, for the kind of time that a pair's costs are in."""
        return replace(self, gpu=_on_gpu(own))

    def tell(self, hours: float | None) -> float | None:
        return None if hours is None else hours * self.of_an_hour


def clock(every: Iterable[Costs]) -> Clock:
    """Hours, unless all trainings are so short that they would be told by their decimals."""
    known = [cost for cost in every if cost.hours is not None]
    longest = max((cost.hours or 0.0 for cost in known), default=LONG_ENOUGH)
    word, of_an_hour = ("minutes", 60.0) if longest < LONG_ENOUGH else ("hours", 1.0)
    return Clock(word, of_an_hour, _on_gpu(known))


def _on_gpu(every: Iterable[Costs]) -> bool | None:
    kinds = {cost.on_gpu for cost in every if cost.hours is not None}
    return kinds == {True} if len(kinds) < 2 else None


def costs_of(records: Records, cells: Sequence[CellStatistics]) -> dict[int, Costs]:
    """By the cell's `id()`. Within a pair all are of one device, the one that most rows were
    trained on: where some seeds were trained elsewhere, a row would else be dear or cheap by the
    machine that happened to train it."""
    found: dict[int, Costs] = {}
    for group in dict.fromkeys(cell.cell.group for cell in cells):
        own = [cell for cell in cells if cell.cell.group == group]
        rows = Counter(device for cell in own for device in _devices(records, cell))
        usual = max(rows, key=lambda device: rows[device], default=None)
        found |= {id(cell): costs(records, cell, usual) for cell in own}
    return found


def devices(found: Iterable[Costs]) -> list[str]:
    return sorted({device for cost in found for device in cost.devices})


def elsewhere(found: dict[int, Costs], cells: Sequence[CellStatistics]) -> str:
    """What a caption says of runs that `costs_of` left out."""
    lost = sum(cell.n - found[id(cell)].n for cell in cells)
    return f"Costs of {counted(lost, 'run')} on other devices are left out." if lost else ""


def unrest(
    records: Records, found: dict[int, Costs], cells: Sequence[CellStatistics]
) -> float | None:
    """How many times as long as each other seeds of one row took, which do the same work; None
    where that is little."""
    ratios = []
    for cell in cells:
        runs = records.frame.loc[list(cell.runs)]
        speeds = runs.loc[runs["device"].isin(found[id(cell)].devices), "images_per_second"]
        known = speeds.dropna().astype(float)
        if len(known) > 1 and known.min() > 0:
            ratios.append(float(known.max() / known.min()))
    return max(ratios) if ratios and max(ratios) > STEADY else None


def unsteady(times: float | None) -> str:
    """What a caption says of `unrest`."""
    if times is None:
        return ""
    return (
        f"The machine was not quiet: seeds of one row, which do the same work, took up to "
        f"{times:.1f} times as long as each other, so small differences in time say nothing."
    )


def _devices(records: Records, cell: CellStatistics) -> tuple[str, ...]:
    devices = records.frame.loc[list(cell.runs), "device"].dropna()
    return tuple(sorted({str(device) for device in devices}))


def costs(records: Records, cell: CellStatistics, device: str | None = None) -> Costs:
    """Over all runs of the cell, or over those on one device."""
    runs = records.frame.loc[list(cell.runs)]
    if device is not None:
        runs = runs[runs["device"] == device]
    gpu_hours = _mean(runs["gpu_hours"])
    on_gpu = gpu_hours is not None and gpu_hours > 0
    wall = _mean(runs["wall_seconds"])
    hours = gpu_hours if on_gpu else None if wall is None else wall / SECONDS_PER_HOUR
    gain = cell.deltas[HEADLINE].mean if HEADLINE in cell.deltas else None
    energy = _mean(runs["energy_joules"])
    return Costs(
        hours,
        on_gpu,
        None if cell.is_baseline else _overhead(records, runs, cell.cell.baseline),
        _mean(runs["images_per_second"]),
        _scaled(_mean(runs["peak_device_bytes"])),
        _scaled(_mean(runs["peak_process_bytes"])),
        _mean(runs["teacher_share"]),
        _mean(runs["loss_share"]),
        None if energy is None else energy / 1000,
        gain,
        gain / hours if gain is not None and hours else None,
        tuple(sorted({str(name) for name in runs["device"].dropna()})),
        len(runs),
    )


def _overhead(records: Records, runs: pd.DataFrame, baseline: Sequence[str]) -> float | None:
    """Paired by seed and device, so that a faster machine is not taken for a cheaper method."""
    base = records.frame.loc[[id for id in baseline if id in records.frame.index]]
    both = runs.merge(base, on=["seed", "device"], suffixes=("", "_base"))
    speeds = both[["images_per_second", "images_per_second_base"]].dropna().astype(float)
    speeds = speeds[(speeds > 0).all(axis=1)]
    if not len(speeds):
        return None
    return float((speeds["images_per_second_base"] / speeds["images_per_second"] - 1).mean())


def _mean(values: pd.Series[float]) -> float | None:
    known = values.dropna().astype(float)
    return float(np.mean(known)) if len(known) else None


def _scaled(size: float | None) -> float | None:
    return None if size is None else size / GIB

"""What trainings logged, as mean and band over the seeds of a row."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from analysis.curve import FILE as CURVE_FILE
from analysis.curve import IMAGES, ITERATION, SPLIT
from analysis.errors import AnalysisError
from analysis.statistics.estimates import t_quantile

HISTORY_FILE = "history.csv"
AP = "AP"
NO_TERMS = {ITERATION, "epoch", "lr", "loss", "seconds", "data_seconds", AP}
"""Older histories have a column AP, always blank."""
DISTILL, MEASURE = "distill.", "measure."


@dataclass(frozen=True)
class Course:
    """One quantity over a training; `low` and `high` are None for a single seed."""

    iterations: np.ndarray  # (I,)
    mean: np.ndarray  # (I,)
    low: np.ndarray | None
    high: np.ndarray | None
    n: int


@dataclass(frozen=True)
class Histories:
    """Of the finished runs of one row, by seed."""

    frames: tuple[pd.DataFrame, ...]
    curves: tuple[pd.DataFrame, ...] = ()
    """AP on the way, of those seeds whose trainings kept snapshots."""

    def ap(self) -> Course | None:
        return _course([frame.set_index(ITERATION)[AP].dropna() for frame in self.curves])

    @property
    def measured_on(self) -> set[str]:
        """`tune split (300 images)`: what AP on the way is of."""
        return {
            f"{line[SPLIT]} split ({line[IMAGES]} images)"
            for frame in self.curves
            for _, line in frame.head(1).iterrows()
        }

    @property
    def terms(self) -> list[str]:
        """Loss terms, the detector's own first."""
        names = dict.fromkeys(name for frame in self.frames for name in frame.columns)
        found = [n for n in names if n not in NO_TERMS and not n.startswith(MEASURE)]
        return sorted(found, key=lambda name: name.startswith(DISTILL))

    @property
    def detector_terms(self) -> list[str]:
        """What the detector's loss is the sum of: two-stage heads log their accuracy beside it."""
        return [name for name in self.terms if "loss" in name and not name.startswith(DISTILL)]

    def course(self, *columns: str) -> Course | None:
        """Of the sum of the columns, where every seed logged it; None where none did."""
        series = [
            frame.set_index(ITERATION)[list(columns)].sum(axis=1, skipna=False).dropna()
            for frame in self.frames
            if columns and set(columns) <= set(frame.columns)
        ]
        return _course(series)


def _course(series: Sequence[pd.Series[Any]]) -> Course | None:
    """Mean and band over the seeds at the iterations that all of them have."""
    series = [one for one in series if len(one)]
    if not series:
        return None
    table = pd.concat(series, axis=1, join="inner").sort_index()
    if not len(table):
        return None
    values = table.to_numpy(np.float64)  # (I, n)
    mean, n = values.mean(axis=1), values.shape[1]
    low = high = None
    if n > 1:
        half = t_quantile(n - 1) * values.std(axis=1, ddof=1) / np.sqrt(n)
        low, high = mean - half, mean + half
    return Course(table.index.to_numpy(), mean, low, high, n)


def read_histories(folders: Sequence[str | Path]) -> Histories:
    """Folders without a history (fetched weights) are left out."""
    return Histories(
        tuple(_read(path) for path in _present(folders, HISTORY_FILE)),
        tuple(_read(path, SPLIT, IMAGES, AP) for path in _present(folders, CURVE_FILE)),
    )


def _present(folders: Sequence[str | Path], name: str) -> list[Path]:
    return [path for folder in folders if (path := Path(folder) / name).is_file()]


def _read(path: Path, *needed: str) -> pd.DataFrame:
    try:
        frame = pd.read_csv(path)
    except (pd.errors.ParserError, pd.errors.EmptyDataError, UnicodeDecodeError) as error:
        raise AnalysisError(f"{path}: cannot be read as a table: {error}") from None
    for name in (ITERATION, *needed):
        if name not in frame.columns:
            raise AnalysisError(f"{path}: the column `{name}` is missing")
    # A run that was resumed logs no line twice, but a hand-made file may: the last one counts.
    return frame.drop_duplicates(ITERATION, keep="last")

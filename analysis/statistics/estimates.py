"""A mean over seeds with its interval."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from analysis.statistics import distributions

CONFIDENCE = 0.95
SIGNIFICANCE = 1 - CONFIDENCE
KIND = "seeds"
"""What an interval's uncertainty comes from: training again with other seeds."""


@dataclass(frozen=True)
class Estimate:
    """Mean of n runs; `sd` and interval are None for a single run, which has no spread."""

    n: int
    mean: float
    sd: float | None
    low: float | None
    high: float | None
    kind: str = KIND


def estimate(values: Sequence[float]) -> Estimate:
    """Student's t interval for the mean: runs are few, so the spread itself is uncertain."""
    data = np.asarray(values, np.float64)
    if not data.size or not np.isfinite(data).all():
        raise ValueError(f"an estimate needs finite values, got {data.tolist()}")
    mean = float(data.mean())
    if data.size == 1:
        return Estimate(1, mean, None, None, None)
    sd = float(data.std(ddof=1))
    half = t_quantile(data.size - 1) * sd / np.sqrt(data.size)
    return Estimate(data.size, mean, sd, float(mean - half), float(mean + half))


def t_quantile(freedom: float) -> float:
    """Two-sided, at the confidence used everywhere here."""
    return distributions.t_quantile(1 - SIGNIFICANCE / 2, freedom)

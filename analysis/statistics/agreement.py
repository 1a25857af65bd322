"""Do two rankings of the same methods agree? Kendall's tau with its interval."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from analysis.statistics.distributions import normal_quantile
from analysis.statistics.estimates import SIGNIFICANCE

FEWEST = 5
"""Methods below which no interval is given: Fieller's variance needs n > 4."""
FIELLER = 0.437


@dataclass(frozen=True)
class Agreement:
    """tau-b (1: same order, -1: opposite order), exact p-value, interval over methods."""

    n: int
    tau: float | None
    low: float | None
    high: float | None
    p: float | None

    @property
    def resolved(self) -> bool:
        return self.p is not None and self.p < SIGNIFICANCE


def kendall(ours: Sequence[float], published: Sequence[float]) -> Agreement:
    """The interval is Fieller's, on Fisher's z scale: the methods count as a sample of methods.

    None where fewer than two methods, or only equal values, leave no order."""
    n = len(ours)
    if n < 2 or np.ptp(ours) == 0 or np.ptp(published) == 0:
        return Agreement(n, None, None, None, None)
    from scipy import stats  # only now: see distributions.py

    found = stats.kendalltau(ours, published)
    tau = float(found.statistic)
    if n < FEWEST:
        return Agreement(n, tau, None, None, float(found.pvalue))
    # At |tau| = 1 Fisher's z has no value: half a step inside, as continuity corrections do.
    step = 2 / (n * (n - 1))
    inside = float(np.clip(tau, step - 1, 1 - step))
    half = normal_quantile(1 - SIGNIFICANCE / 2) * np.sqrt(FIELLER / (n - 4))
    low, high = np.tanh(np.arctanh(inside) + np.array([-half, half]))
    return Agreement(n, tau, float(min(low, tau)), float(max(high, tau)), float(found.pvalue))

"""One method over several teacher-student pairs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from analysis.metrics import HEADLINE
from analysis.statistics.distributions import beta_quantile, t_tail
from analysis.statistics.estimates import SIGNIFICANCE, estimate, t_quantile
from analysis.statistics.paired import Delta, holm

if TYPE_CHECKING:
    from analysis.statistics.tables import CellStatistics


@dataclass(frozen=True)
class PooledEffect:
    """The mean over pairs of a method's gain, every pair counting the same. A pair with one seed is
    left out where another has several: it would take the interval from all of them. For another
    pair all count, as a mean of each is enough.

    `low`..`high`: for these very pairs, from the spread over seeds within each (Satterthwaite's
    degrees of freedom). `new_low`..`new_high`: for another pair like these, from the spread of the
    gains over the pairs; None for a single pair."""

    pairs: int
    mean: float
    low: float | None
    high: float | None
    p: float | None
    between_sd: float | None
    new_mean: float
    new_low: float | None
    new_high: float | None
    left_out: int = 0
    """Pairs with one seed."""


def pooled_effect(deltas: Sequence[Delta]) -> PooledEffect:
    if not deltas:
        raise ValueError("a pooled effect needs at least one pair")
    seeded = [delta for delta in deltas if delta.sd is not None]
    counted = seeded or deltas
    mean = float(np.mean([delta.mean for delta in counted]))
    over_pairs = estimate([delta.mean for delta in deltas])
    low = high = p = None
    if seeded:
        low, high, p = _for_these_pairs(mean, seeded)
    new_low = new_high = None
    if over_pairs.sd is not None:
        half = t_quantile(over_pairs.n - 1) * over_pairs.sd * np.sqrt(1 + 1 / over_pairs.n)
        new_low, new_high = float(over_pairs.mean - half), float(over_pairs.mean + half)
    return PooledEffect(
        len(counted),
        mean,
        low,
        high,
        p,
        over_pairs.sd,
        over_pairs.mean,
        new_low,
        new_high,
        len(deltas) - len(counted),
    )


def _for_these_pairs(mean: float, deltas: Sequence[Delta]) -> tuple[float, float, float]:
    variances = np.array([(delta.sd or 0.0) ** 2 / delta.n for delta in deltas])
    freedoms = np.array([delta.n - 1 for delta in deltas])
    total = variances.sum()
    if total == 0:
        return mean, mean, 1.0 if mean == 0 else 0.0
    error = float(np.sqrt(total)) / len(deltas)
    freedom = float(total**2 / (variances**2 / freedoms).sum())
    half = t_quantile(freedom) * error
    return mean - half, mean + half, 2 * t_tail(abs(mean) / error, freedom)


@dataclass(frozen=True)
class Improvement:
    """How often the method's run beats the baseline's run of the same pair and seed."""

    n: int
    wins: float
    probability: float
    low: float
    high: float

    @property
    def resolved(self) -> bool:
        return self.low > 0.5 or self.high < 0.5


def probability_of_improvement(
    values: Mapping[tuple[str, int], float], baseline: Mapping[tuple[str, int], float]
) -> Improvement | None:
    """Jeffreys' interval; a tie is half a win. None where no (pair, seed) stands in both.

    A share of three wins in three is no certainty, and a resampling interval would call it one."""
    shared = values.keys() & baseline.keys()
    n = len(shared)
    if not n:
        return None
    wins = sum(
        1.0 if values[key] > baseline[key] else 0.5 * (values[key] == baseline[key])
        for key in shared
    )
    tails = SIGNIFICANCE / 2, 1 - SIGNIFICANCE / 2
    low, high = (beta_quantile(tail, wins + 0.5, n - wins + 0.5) for tail in tails)
    if wins == 0:
        low = 0.0
    if wins == n:
        high = 1.0
    return Improvement(n, float(wins), float(wins / n), float(low), float(high))


@dataclass(frozen=True)
class AcrossPairs:
    """One row over all pairs of the table in which it has a difference to the baseline."""

    row: str
    title: str
    effect: PooledEffect
    improvement: Improvement | None
    p_holm: float | None = None
    """The effect's p corrected for all rows of the table; None where there is none to correct."""

    @property
    def resolved(self) -> bool:
        return self.p_holm is not None and self.p_holm < SIGNIFICANCE


def rows_across_pairs(cells: Iterable[CellStatistics]) -> list[AcrossPairs]:
    """A row that stands in a table twice for a pair counts once for it."""
    by_row: dict[str, dict[str, CellStatistics]] = {}
    for cell in cells:
        by_row.setdefault(cell.cell.row, {}).setdefault(cell.cell.group, cell)
    found = []
    for row, by_pair in by_row.items():
        compared = [cell for cell in by_pair.values() if HEADLINE in cell.deltas]
        if compared:
            effect = pooled_effect([cell.deltas[HEADLINE] for cell in compared])
            found.append(AcrossPairs(row, compared[0].title, effect, _improvement(compared)))
    corrected = holm([row.effect.p for row in found])
    return [replace(row, p_holm=p) for row, p in zip(found, corrected, strict=True)]


def _improvement(cells: Sequence[CellStatistics]) -> Improvement | None:
    """Each cell against its own baseline: pairs may hold rows of several schedules."""
    ours: dict[tuple[str, int], float] = {}
    base: dict[tuple[str, int], float] = {}
    for cell in cells:
        group = cell.cell.group
        ours |= {(group, seed): value for seed, value in cell.values[HEADLINE].items()}
        base |= {(group, seed): value for seed, value in cell.baseline_values.items()}
    return probability_of_improvement(ours, base)

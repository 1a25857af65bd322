"""Differences between rows, paired by seed, and their correction for many rows.

Seeds fix the student's initial weights, the order of the data and its augmentation whatever the
method, so two rows with one seed share most of their luck, and their difference is sharper than
the two figures are.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from analysis.statistics.distributions import t_tail
from analysis.statistics.estimates import KIND, SIGNIFICANCE, estimate

SAME = 1e-9
"""Points below which two figures are one: the last digits of a mean are the machine's own."""


@dataclass(frozen=True)
class Delta:
    """Mean difference over the seeds that both rows have.

    `p` is None for one seed. `p_holm` is `p` corrected for all rows of its family; whether a
    difference is resolved is decided on it."""

    n: int
    mean: float
    sd: float | None
    low: float | None
    high: float | None
    p: float | None
    seeds: tuple[int, ...]
    p_holm: float | None = None
    kind: str = KIND

    @property
    def resolved(self) -> bool:
        p = self.p if self.p_holm is None else self.p_holm
        return p is not None and p < SIGNIFICANCE


def paired_delta(values: Mapping[int, float], baseline: Mapping[int, float]) -> Delta | None:
    """`values` minus `baseline` by seed; None where they share no seed."""
    seeds = tuple(sorted(values.keys() & baseline.keys()))
    if not seeds:
        return None
    differences = np.array([values[seed] - baseline[seed] for seed in seeds])
    # Else equal rows whose rounding differs alike at all seeds would be told apart for certain.
    differences[np.abs(differences) < SAME] = 0.0
    found = estimate(differences.tolist())
    p = None if found.sd is None else _two_sided(found.mean, found.sd, found.n)
    return Delta(found.n, found.mean, found.sd, found.low, found.high, p, seeds)


def _two_sided(mean: float, sd: float, n: int) -> float:
    if sd == 0:
        return 1.0 if mean == 0 else 0.0
    return 2 * t_tail(abs(mean) / (sd / np.sqrt(n)), n - 1)


def holm(p_values: Sequence[float | None]) -> list[float | None]:
    """Holm's step-down correction; entries without a test stay None and do not count."""
    tested = [(p, place) for place, p in enumerate(p_values) if p is not None]
    corrected: list[float | None] = [None] * len(p_values)
    highest = 0.0
    for step, (p, place) in enumerate(sorted(tested)):
        highest = max(highest, min(1.0, p * (len(tested) - step)))
        corrected[place] = highest
    return corrected


def correct(deltas: Mapping[str, Delta | None]) -> dict[str, Delta | None]:
    """The same differences with `p_holm` set over all of them."""
    corrected = holm([delta.p if delta else None for delta in deltas.values()])
    return {
        name: replace(delta, p_holm=p) if delta else None
        for (name, delta), p in zip(deltas.items(), corrected, strict=True)
    }

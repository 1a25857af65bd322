"""Which row of a column is best and which is second, where the seeds can tell."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from analysis.statistics.estimates import SIGNIFICANCE
from analysis.statistics.paired import paired_delta


@dataclass(frozen=True)
class Leaders:
    """Names of the rows, None where the data cannot name one."""

    best: str | None
    second: str | None


def leaders(values: Mapping[str, Mapping[int, float]]) -> Leaders:
    """`values`: row -> seed -> metric, more being better.

    The best row is named if it beats *every* other in a paired test: that claim fails as soon as
    one test does, so the tests need no correction for their number. The second is named if it
    beats every row below it."""
    order = sorted(values, key=lambda row: -float(np.mean(list(values[row].values()))))
    if len(order) < 2:
        return Leaders(None, None)
    best = order[0] if _beats_all(order[0], order[1:], values) else None
    second = None
    if best and len(order) > 2 and _beats_all(order[1], order[2:], values):
        second = order[1]
    return Leaders(best, second)


def _beats_all(row: str, others: list[str], values: Mapping[str, Mapping[int, float]]) -> bool:
    for other in others:
        delta = paired_delta(values[row], values[other])
        if delta is None or delta.p is None or delta.p >= SIGNIFICANCE or delta.mean <= 0:
            return False
    return True

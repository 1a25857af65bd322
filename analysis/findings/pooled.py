"""Every row over the pairs in which it stands: the pooled gain, tested once for all rows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from analysis.findings.pairs import PairAnswer
from analysis.statistics.across_pairs import PooledEffect, pooled_effect
from analysis.statistics.estimates import SIGNIFICANCE
from analysis.statistics.paired import Delta, holm
from analysis.statistics.tables import BETTER, NOT_RESOLVED, WORSE


@dataclass(frozen=True)
class Pooled:
    row: str
    title: str
    effect: PooledEffect
    p_holm: float | None
    """Corrected for the number of rows; None where a pair has one seed."""

    @property
    def verdict(self) -> str:
        if self.p_holm is None or self.p_holm >= SIGNIFICANCE:
            return NOT_RESOLVED
        return BETTER if self.effect.mean > 0 else WORSE

    @property
    def elsewhere(self) -> bool:
        """Whether a gain is to be expected on another pair like these."""
        return self.effect.new_low is not None and self.effect.new_low > 0


def pooled(pairs: Sequence[PairAnswer]) -> list[Pooled]:
    """Greatest gain first."""
    deltas: dict[str, list[Delta]] = {}
    titles: dict[str, str] = {}
    for pair in pairs:
        for gain in pair.gains:
            deltas.setdefault(gain.row, []).append(gain.delta)
            titles.setdefault(gain.row, gain.title)
    effects = {row: pooled_effect(own) for row, own in deltas.items()}
    corrected = holm([effect.p for effect in effects.values()])
    found = [
        Pooled(row, titles[row], effect, p)
        for (row, effect), p in zip(effects.items(), corrected, strict=True)
    ]
    return sorted(found, key=lambda row: -row.effect.mean)

"""Every row over the pairs in which it stands: the pooled gain, tested once for all rows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from analysis.findings.pairs import PairAnswer
from analysis.statistics.across_pairs import PooledEffect, pooled_effect
from analysis.statistics.estimates import SIGNIFICANCE
from analysis.statistics.paired import Delta, holm
from analysis.statistics.tables import BETTER, NOT_RESOLVED, WORSE

INHERITED = "inherited"
"""Better than the baseline, but not shown to be better than inheriting alone."""


@dataclass(frozen=True)
class Pooled:
    row: str
    title: str
    effect: PooledEffect
    p_holm: float | None
    """Corrected for the number of rows; None where a pair has one seed."""
    own: PooledEffect | None = None
    """Beyond inheriting alone, for a method that inherits, over the pairs where that is known."""
    own_p_holm: float | None = None
    uncontrolled: bool = False
    """Whether inheriting alone lacks a result on a pair where the row inherits."""

    @property
    def verdict(self) -> str:
        if self.p_holm is None or self.p_holm >= SIGNIFICANCE:
            return NOT_RESOLVED
        if self.effect.mean < 0:
            return WORSE
        sure = self.own_p_holm is not None and self.own_p_holm < SIGNIFICANCE
        earned = self.own is None or (sure and self.own.mean > 0)
        return BETTER if earned and not self.uncontrolled else INHERITED

    @property
    def elsewhere(self) -> bool:
        """Whether a gain is to be expected on another pair like these."""
        return self.effect.new_low is not None and self.effect.new_low > 0


def pooled(pairs: Sequence[PairAnswer]) -> list[Pooled]:
    """Greatest gain first."""
    deltas: dict[str, list[Delta]] = {}
    own: dict[str, list[Delta]] = {}
    titles: dict[str, str] = {}
    uncontrolled = {gain.row for pair in pairs for gain in pair.gains if gain.uncontrolled}
    for pair in pairs:
        for gain in pair.gains:
            deltas.setdefault(gain.row, []).append(gain.delta)
            titles.setdefault(gain.row, gain.title)
            if gain.own is not None:
                own.setdefault(gain.row, []).append(gain.own)
    effects = {row: pooled_effect(own) for row, own in deltas.items()}
    corrected = holm([effect.p for effect in effects.values()])
    beyond = {row: pooled_effect(deltas_of_row) for row, deltas_of_row in own.items()}
    beyond_p = dict(zip(beyond, holm([effect.p for effect in beyond.values()]), strict=True))
    found = [
        Pooled(row, titles[row], effect, p, beyond.get(row), beyond_p.get(row), row in uncontrolled)
        for (row, effect), p in zip(effects.items(), corrected, strict=True)
    ]
    return sorted(found, key=lambda row: -row.effect.mean)

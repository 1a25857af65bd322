"""Every row over the pairs in which it stands: the pooled gain, tested once for all rows.

A row that a pair has under two schedules is two rows here: else that pair would count twice.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from analysis.findings.pairs import Gain, PairAnswer, under
from analysis.statistics.across_pairs import PooledEffect, pooled_effect
from analysis.statistics.estimates import SIGNIFICANCE
from analysis.statistics.paired import holm
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
    gains: dict[tuple[str, str], list[Gain]] = {}
    apart = _under_several_schedules(pairs)
    for pair in pairs:
        for gain in pair.gains:
            schedule = gain.schedule if gain.row in apart else ""
            gains.setdefault((gain.row, schedule), []).append(gain)
    effects = {row: pooled_effect([gain.delta for gain in own]) for row, own in gains.items()}
    corrected = holm([effect.p for effect in effects.values()])
    beyond = {
        row: pooled_effect(deltas)
        for row, own in gains.items()
        if (deltas := [gain.own for gain in own if gain.own is not None])
    }
    beyond_p = dict(zip(beyond, holm([effect.p for effect in beyond.values()]), strict=True))
    found = [
        Pooled(
            row[0],
            under(gains[row][0].title, row[1], row[0] in apart),
            effect,
            p,
            beyond.get(row),
            beyond_p.get(row),
            any(gain.uncontrolled for gain in gains[row]),
        )
        for (row, effect), p in zip(effects.items(), corrected, strict=True)
    ]
    return sorted(found, key=lambda row: -row.effect.mean)


def _under_several_schedules(pairs: Sequence[PairAnswer]) -> set[str]:
    """Rows that one pair has twice."""
    counts = Counter((pair.group, gain.row) for pair in pairs for gain in pair.gains)
    return {row for (_, row), count in counts.items() if count > 1}

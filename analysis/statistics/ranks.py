"""Which row is better than which, over all pairs and seeds: ranks, and groups that are equal.

A block is one pair at one seed; only rows that have every block can be ranked together.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from analysis.statistics.estimates import SIGNIFICANCE

Block = tuple[str, int]
"""Pair and seed."""


@dataclass(frozen=True)
class Rank:
    """Mean rank over pairs (1 is best), with the interval that the seeds leave open."""

    row: str
    mean: float
    low: float | None
    high: float | None


@dataclass(frozen=True)
class Groups:
    """Friedman's test over blocks, Nemenyi's critical difference, and the rows that it joins."""

    blocks: int
    friedman_p: float | None
    critical_difference: float | None
    mean_ranks: dict[str, float]
    groups: tuple[tuple[str, ...], ...]
    """Rows, best first, that cannot be told apart; a row may stand in several."""
    left_out: tuple[str, ...]
    """Rows that do not have every block."""


def complete_table(
    values: Mapping[str, Mapping[Block, float]],
) -> tuple[list[str], list[Block], np.ndarray, list[str]]:
    """Rows, blocks, values (R, N) and the rows left out: whatever lacks the greatest share of its
    entries goes first, a row or a block, until nothing is missing."""
    rows = list(values)
    blocks = sorted({block for own in values.values() for block in own})
    present = np.array([[block in values[row] for block in blocks] for row in rows], bool)
    while present.size and not present.all():
        row_share, block_share = present.mean(1), present.mean(0)
        if row_share.min() < block_share.min():
            worst = int(row_share.argmin())
            rows.pop(worst)
            present = np.delete(present, worst, axis=0)
        else:
            worst = int(block_share.argmin())
            blocks.pop(worst)
            present = np.delete(present, worst, axis=1)
    table = np.array([[values[row][block] for block in blocks] for row in rows], np.float64)
    return rows, blocks, table, [row for row in values if row not in rows]


def rank_rows(
    values: Mapping[str, Mapping[Block, float]], draws: int = 4000, seed: int = 0
) -> list[Rank]:
    """Ranks of the rows' means within each pair, averaged over pairs, best first.

    The interval comes from drawing every mean again from its t distribution. The spread of a pair
    is what is left when rows and seeds are taken out (seeds are shared by all rows), pooled over
    the rows: three seeds alone would hardly know their own spread. One seed leaves no interval."""
    rows, blocks, table, _ = complete_table(values)
    if len(rows) < 2:
        return [Rank(row, 1.0, None, None) for row in rows]
    from scipy import stats  # only now: see distributions.py

    rng = np.random.default_rng(seed)
    observed, drawn = [], []
    for pair in dict.fromkeys(pair for pair, _ in blocks):
        own = table[:, [place for place, block in enumerate(blocks) if block[0] == pair]]  # (R, S)
        means = own.mean(1)
        observed.append(stats.rankdata(-means))
        seeds = own.shape[1]
        if seeds < 2:
            continue
        residual = own - own.mean(0) - means[:, None] + own.mean()
        freedom = (len(rows) - 1) * (seeds - 1)
        error = np.sqrt((residual**2).sum() / freedom / seeds)
        # t variates: the rows' own normal errors, over one estimate of the spread for all.
        scale = error * np.sqrt(freedom / rng.chisquare(freedom, (draws, 1)))
        again = means + scale * rng.normal(size=(draws, len(rows)))
        drawn.append(stats.rankdata(-again, axis=1))
    mean = np.mean(observed, axis=0)
    low = high = None
    if len(drawn) == len(observed):
        tails = [50 * SIGNIFICANCE, 100 - 50 * SIGNIFICANCE]
        low, high = np.percentile(np.mean(drawn, axis=0), tails, axis=0)
    ranks = [
        Rank(
            row,
            float(mean[place]),
            None if low is None else float(low[place]),
            None if high is None else float(high[place]),
        )
        for place, row in enumerate(rows)
    ]
    return sorted(ranks, key=lambda rank: rank.mean)


def critical_difference(rows: int, blocks: int) -> float:
    """Nemenyi's: mean ranks closer than this are not told apart (Demšar, JMLR 2006)."""
    from scipy import stats

    quantile = stats.studentized_range.ppf(1 - SIGNIFICANCE, rows, np.inf) / np.sqrt(2)
    return float(quantile * np.sqrt(rows * (rows + 1) / (6 * blocks)))


def difference_groups(values: Mapping[str, Mapping[Block, float]]) -> Groups:
    rows, blocks, table, left_out = complete_table(values)
    if len(rows) < 2 or not blocks:
        return Groups(len(blocks), None, None, {}, (), tuple(left_out))
    from scipy import stats

    ranks = stats.rankdata(-table, axis=0).mean(1)  # (R,)
    order = np.argsort(ranks, kind="stable")
    mean_ranks = {rows[place]: float(ranks[place]) for place in order}
    difference = critical_difference(len(rows), len(blocks))
    p = None
    if len(rows) > 2 and len(blocks) > 1 and np.ptp(table, axis=0).any():
        p = float(stats.friedmanchisquare(*table).pvalue)
    return Groups(
        len(blocks), p, difference, mean_ranks, _joined(mean_ranks, difference), tuple(left_out)
    )


def _joined(mean_ranks: dict[str, float], difference: float) -> tuple[tuple[str, ...], ...]:
    """Longest stretches of neighbours whose ends are closer than the critical difference."""
    names, ranks = list(mean_ranks), list(mean_ranks.values())
    groups, furthest = [], -1
    for start in range(len(names)):
        stop = max(i for i in range(start, len(names)) if ranks[i] - ranks[start] < difference)
        if stop > furthest:
            groups.append(tuple(names[start : stop + 1]))
            furthest = stop
    return tuple(groups)

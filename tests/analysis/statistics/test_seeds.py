"""Means and paired differences over seeds: known answers, and intervals that keep their word."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from analysis.statistics.estimates import estimate
from analysis.statistics.paired import correct, holm, paired_delta

QUICK, LONG = 3000, 60000


def test_known_interval() -> None:
    found = estimate([1.0, 2.0, 3.0, 4.0, 5.0])
    assert (found.n, found.mean) == (5, 3.0)
    assert found.sd == pytest.approx(1.5811388)
    # t with 4 degrees of freedom at 0.975 is 2.776445, over the root of 5.
    assert found.low == pytest.approx(3 - 2.776445 * 1.5811388 / 5**0.5, abs=1e-5)
    assert found.high == pytest.approx(3 + 2.776445 * 1.5811388 / 5**0.5, abs=1e-5)


def test_one_run_has_no_spread() -> None:
    found = estimate([41.2])
    assert (found.n, found.mean, found.sd, found.low, found.high) == (1, 41.2, None, None, None)


@pytest.mark.parametrize("values", [[], [1.0, float("nan")]])
def test_no_estimate_from_nothing(values: list[float]) -> None:
    with pytest.raises(ValueError, match="finite values"):
        estimate(values)


def coverage_of_mean(seeds: int, trials: int) -> float:
    rng = np.random.default_rng(seeds)
    found = [estimate(rng.normal(40, 0.3, seeds).tolist()) for _ in range(trials)]
    return float(np.mean([f.low <= 40 <= f.high for f in found]))


def coverage_of_delta(seeds: int, trials: int) -> float:
    rng = np.random.default_rng(seeds)
    inside = 0
    for _ in range(trials):
        luck = rng.normal(0, 2.0, seeds)
        base = dict(enumerate(40 + luck + rng.normal(0, 0.2, seeds)))
        ours = dict(enumerate(41 + luck + rng.normal(0, 0.3, seeds)))
        found = paired_delta(ours, base)
        assert found is not None
        inside += found.low <= 1.0 <= found.high
    return inside / trials


def within(coverage: float, trials: int) -> bool:
    """Three and a half standard errors of a 95 % share."""
    return abs(coverage - 0.95) < 3.5 * (0.95 * 0.05 / trials) ** 0.5


@pytest.mark.parametrize("seeds", [2, 3, 5])
def test_coverage(seeds: int) -> None:
    assert within(coverage_of_mean(seeds, QUICK), QUICK)
    assert within(coverage_of_delta(seeds, QUICK), QUICK)


@pytest.mark.slow
@pytest.mark.parametrize("seeds", [2, 3, 5, 10])
def test_coverage_closely(seeds: int) -> None:
    assert within(coverage_of_mean(seeds, LONG), LONG)
    assert within(coverage_of_delta(seeds, LONG), LONG)


def test_paired_difference_is_the_paired_t_test() -> None:
    ours, base = [41.0, 41.9, 40.4, 42.2], [40.1, 41.2, 39.3, 41.0]
    found = paired_delta(dict(enumerate(ours)), dict(enumerate(base)))
    oracle = stats.ttest_rel(ours, base)
    assert found is not None
    assert found.p == pytest.approx(oracle.pvalue)
    interval = oracle.confidence_interval(0.95)
    assert (found.low, found.high) == pytest.approx((interval.low, interval.high))
    assert found.mean == pytest.approx(0.975)
    assert found.resolved


def test_seeds_are_paired_by_number_not_by_place() -> None:
    found = paired_delta({2: 42.0, 0: 40.0, 7: 1.0}, {0: 39.0, 2: 41.0, 5: 99.0})
    assert found is not None
    assert found.seeds == (0, 2)
    assert found.mean == 1.0
    assert paired_delta({0: 1.0}, {1: 1.0}) is None


def test_one_seed_is_never_resolved() -> None:
    found = paired_delta({0: 50.0}, {0: 40.0})
    assert found is not None
    assert (found.mean, found.p, found.resolved) == (10.0, None, False)


def test_equal_runs_do_not_differ() -> None:
    same = {0: 40.0, 1: 41.0}
    found = paired_delta(same, same)
    assert found is not None
    assert (found.p, found.resolved) == (1.0, False)


def test_holm_known_answer() -> None:
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert holm([0.02, None, 0.9]) == [pytest.approx(0.04), None, pytest.approx(0.9)]
    assert holm([]) == []


def test_correction_can_undo_a_finding() -> None:
    base = {0: 40.0, 1: 41.0, 2: 40.5}
    close = {0: 40.5, 1: 41.8, 2: 41.25}
    alone = paired_delta(close, base)
    assert alone is not None
    assert alone.resolved
    nulls = {f"row {n}": paired_delta({0: 41.0 + n, 1: 39.0, 2: 40.0}, base) for n in range(4)}
    corrected = correct({"close": alone, "absent": None, **nulls})
    assert corrected["absent"] is None
    assert corrected["close"] is not None
    assert corrected["close"].p_holm == pytest.approx(5 * alone.p)
    assert not corrected["close"].resolved


def test_holm_keeps_the_share_of_false_findings() -> None:
    rng = np.random.default_rng(1)
    trials, rows = 800, 6
    false = 0
    for _ in range(trials):
        base = dict(enumerate(rng.normal(40, 1, 4)))
        deltas = {
            str(row): paired_delta({s: v + rng.normal(0, 0.3) for s, v in base.items()}, base)
            for row in range(rows)
        }
        false += any(delta.resolved for delta in correct(deltas).values() if delta)
    assert false / trials < 0.05 + 3.5 * (0.05 * 0.95 / trials) ** 0.5


def test_rounding_tells_no_two_rows_apart() -> None:
    """The same sums in another order, with every seed alike: no spread, and so no doubt."""
    base = {seed: 40.1 + seed for seed in range(3)}
    last_digit = {seed: value + 2e-14 for seed, value in base.items()}
    found = paired_delta(last_digit, base)
    assert found is not None
    assert (found.mean, found.p, found.resolved) == (0.0, 1.0, False)

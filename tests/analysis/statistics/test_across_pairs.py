"""Effects over pairs, ranks, groups and agreement: known answers and simulated coverage."""

from __future__ import annotations

import numpy as np
import pytest

from analysis.statistics.across_pairs import pooled_effect, probability_of_improvement
from analysis.statistics.agreement import kendall
from analysis.statistics.paired import Delta, paired_delta
from analysis.statistics.ranks import critical_difference, difference_groups, rank_rows


def delta(values: list[float]) -> Delta:
    found = paired_delta(dict(enumerate(values)), dict.fromkeys(range(len(values)), 0.0))
    assert found is not None
    return found


def test_pooled_effect_known_answer() -> None:
    found = pooled_effect([delta([1.0, 2.0, 3.0]), delta([2.0, 3.0, 4.0])])
    assert (found.pairs, found.mean) == (2, 2.5)
    # Each pair: variance 1 over 3 seeds; two equal ones: error sqrt(2/3)/2, 4 degrees of freedom.
    half = 2.776445 * (2 / 3) ** 0.5 / 2
    assert (found.low, found.high) == pytest.approx((2.5 - half, 2.5 + half), abs=1e-5)
    assert found.between_sd == pytest.approx(0.5**0.5)
    # Another pair: t with 1 degree of freedom, 12.7062, times sd times sqrt(1 + 1/2).
    assert found.new_high == pytest.approx(2.5 + 12.7062047 * (0.5 * 1.5) ** 0.5, abs=1e-4)


def test_pooled_effect_of_single_seeds_has_only_the_pairs_spread() -> None:
    found = pooled_effect([delta([1.0]), delta([2.0])])
    assert (found.low, found.p) == (None, None)
    assert found.new_low is not None
    alone = pooled_effect([delta([1.0, 1.5])])
    assert alone.new_low is None
    assert alone.low == pytest.approx(delta([1.0, 1.5]).low)


def test_a_pair_with_one_seed_does_not_take_the_interval_from_the_others() -> None:
    several = [delta([1.0, 2.0, 3.0]), delta([2.0, 3.0, 4.0])]
    found = pooled_effect([*several, delta([9.0])])
    alone = pooled_effect(several)
    assert found.left_out == 1
    assert (found.pairs, found.mean, found.low, found.p) == (2, 2.5, alone.low, alone.p)
    # For another pair a mean of each is enough: 2, 3 and 9, t with 2 degrees of freedom.
    assert found.new_mean == pytest.approx(14 / 3)
    half = 4.302653 * np.std([2.0, 3.0, 9.0], ddof=1) * (4 / 3) ** 0.5
    assert found.new_high == pytest.approx(14 / 3 + half, abs=1e-5)
    assert pooled_effect([delta([1.0]), delta([2.0])]).left_out == 0


def coverage_of_pooled(trials: int, seeds: int = 3, pairs: int = 3) -> tuple[float, float]:
    rng = np.random.default_rng(5)
    noise = (0.2, 0.3, 0.5)
    these = new = 0
    for _ in range(trials):
        truth = rng.normal(1.0, 0.6, pairs)
        found = pooled_effect(
            [delta(rng.normal(m, s, seeds).tolist()) for m, s in zip(truth, noise, strict=True)]
        )
        these += found.low <= truth.mean() <= found.high
        equal = pooled_effect([delta(rng.normal(m, 0.3, seeds).tolist()) for m in truth])
        unseen = rng.normal(rng.normal(1.0, 0.6), 0.3 / seeds**0.5)
        new += equal.new_low <= unseen <= equal.new_high
    return these / trials, new / trials


def test_coverage_of_pooled_effect() -> None:
    these, new = coverage_of_pooled(1500)
    assert 0.93 < these < 0.985  # Satterthwaite errs on the safe side with three seeds
    assert abs(new - 0.95) < 0.02


@pytest.mark.slow
def test_coverage_of_pooled_effect_closely() -> None:
    these, new = coverage_of_pooled(30000)
    assert 0.945 < these < 0.98
    assert abs(new - 0.95) < 0.005


def test_probability_of_improvement_known_answer() -> None:
    ours = {("a", 0): 2.0, ("a", 1): 3.0, ("b", 0): 1.0, ("c", 9): 5.0}
    base = {("a", 0): 1.0, ("a", 1): 3.0, ("b", 0): 2.0}
    found = probability_of_improvement(ours, base)
    assert found is not None
    assert (found.n, found.wins, found.probability) == (3, 1.5, 0.5)
    assert not found.resolved
    assert probability_of_improvement(ours, {}) is None


def test_three_wins_in_three_are_no_proof() -> None:
    found = probability_of_improvement(
        {("a", s): 1.0 for s in range(3)}, {("a", s): 0.0 for s in range(3)}
    )
    assert found is not None
    assert (found.probability, found.high) == (1.0, 1.0)
    assert 0.4 < found.low < 0.5
    assert not found.resolved


def test_coverage_of_probability() -> None:
    rng = np.random.default_rng(3)
    inside = []
    for probability in rng.random(1500):
        wins = rng.random(9) < probability
        found = probability_of_improvement(
            {("a", s): float(w) for s, w in enumerate(wins)}, {("a", s): 0.5 for s in range(9)}
        )
        assert found is not None
        inside.append(found.low <= probability <= found.high)
    assert np.mean(inside) == pytest.approx(0.95, abs=0.02)


def made(means: list[float], pairs: int, seeds: int, noise: float, rng: np.random.Generator):
    luck = rng.normal(0, 2, (pairs, seeds))
    return {
        f"row {number}": {
            (f"pair {p}", s): mean + luck[p, s] + rng.normal(0, noise)
            for p in range(pairs)
            for s in range(seeds)
        }
        for number, mean in enumerate(means)
    }


def test_ranks_of_clear_rows() -> None:
    rows = rank_rows(made([40.0, 45.0, 42.0], 2, 3, 0.01, np.random.default_rng(0)))
    assert [(r.row, r.mean, r.low, r.high) for r in rows] == [
        ("row 1", 1.0, 1.0, 1.0),
        ("row 2", 2.0, 2.0, 2.0),
        ("row 0", 3.0, 3.0, 3.0),
    ]


def test_rank_of_one_seed_has_no_interval() -> None:
    rows = rank_rows(made([40.0, 45.0], 3, 1, 0.01, np.random.default_rng(0)))
    assert [(r.row, r.low) for r in rows] == [("row 1", None), ("row 0", None)]


def test_coverage_of_ranks() -> None:
    """Means so far apart that the noise exchanges neighbours now and then."""
    rng = np.random.default_rng(11)
    means = [40.0, 40.4, 41.0, 41.2]
    truth = {f"row {n}": float(rank) for n, rank in enumerate([4, 3, 2, 1])}
    inside = [
        rank.low <= truth[rank.row] <= rank.high
        for trial in range(150)
        for rank in rank_rows(made(means, 2, 3, 0.3, rng), draws=400, seed=trial)
    ]
    assert np.mean(inside) > 0.92


def test_critical_difference_known_answer() -> None:
    """Demšar (JMLR 2006), section 3.2.2: four classifiers, 14 sets, CD 1.25."""
    assert critical_difference(4, 14) == pytest.approx(1.25, abs=0.005)
    # ... and q for two classifiers is 1.960.
    assert critical_difference(2, 10) == pytest.approx(1.960 * (6 / 60) ** 0.5, abs=0.001)


def test_groups_join_what_is_close() -> None:
    found = difference_groups(made([40.0, 40.0, 45.0, 50.0], 3, 10, 0.5, np.random.default_rng(2)))
    assert found.blocks == 30
    assert found.friedman_p is not None
    assert found.friedman_p < 1e-6
    assert [set(group) for group in found.groups] == [
        {"row 3"},
        {"row 2"},
        {"row 0", "row 1"},
    ]


def test_groups_of_little_data_join_everything() -> None:
    found = difference_groups(made([40.0, 41.0, 42.0], 1, 2, 0.5, np.random.default_rng(2)))
    assert len(found.groups) == 1
    assert set(found.groups[0]) == {"row 0", "row 1", "row 2"}


def test_a_row_without_most_blocks_is_left_out() -> None:
    values = made([40.0, 41.0, 42.0], 2, 2, 0.1, np.random.default_rng(0))
    values["row 1"] = {("pair 0", 0): 41.0}
    found = difference_groups(values)
    assert (found.left_out, found.blocks) == (("row 1",), 4)
    assert set(found.mean_ranks) == {"row 0", "row 2"}


def test_a_block_without_one_row_is_left_out() -> None:
    values = made([40.0, 41.0, 42.0], 2, 2, 0.1, np.random.default_rng(0))
    del values["row 1"]["pair 1", 1]
    found = difference_groups(values)
    assert (found.left_out, found.blocks) == ((), 3)


def test_kendall_known_answers() -> None:
    same = kendall([1.0, 2.0, 3.0, 4.0, 5.0, 6.0], [10.0, 20.0, 30.0, 40.0, 50.0, 60.0])
    assert same.tau == pytest.approx(1.0)
    assert same.high == pytest.approx(1.0)
    assert same.p == pytest.approx(2 / 720)  # two of 6! orders are as extreme
    one_swap = kendall([1.0, 2.0, 3.0, 4.0], [1.0, 2.0, 4.0, 3.0])
    assert one_swap.tau == pytest.approx(4 / 6)  # five pairs agree, one does not
    assert one_swap.low is None
    assert not one_swap.resolved
    opposite = kendall([1.0, 2.0, 3.0, 4.0, 5.0], [5.0, 4.0, 3.0, 2.0, 1.0])
    assert opposite.tau == opposite.low == pytest.approx(-1.0)


@pytest.mark.parametrize("values", [[], [1.0], [2.0, 2.0, 2.0]])
def test_no_order_no_tau(values: list[float]) -> None:
    assert kendall(values, list(range(len(values)))).tau is None


def coverage_of_kendall(methods: int, trials: int) -> float:
    rng = np.random.default_rng(methods)
    correlation = 0.6
    truth = 2 / np.pi * np.arcsin(correlation)
    inside = 0
    for _ in range(trials):
        one = rng.normal(size=methods)
        other = correlation * one + (1 - correlation**2) ** 0.5 * rng.normal(size=methods)
        found = kendall(one.tolist(), other.tolist())
        inside += found.low <= truth <= found.high
    return inside / trials


@pytest.mark.parametrize("methods", [6, 10, 20])
def test_coverage_of_kendall(methods: int) -> None:
    assert 0.93 < coverage_of_kendall(methods, 600) < 0.99


def test_rows_that_are_one_everywhere_leave_nothing_to_test() -> None:
    same = {("pair", seed): 40.0 + seed for seed in range(3)}
    found = difference_groups({f"row {number}": same for number in range(3)})
    assert found.friedman_p is None
    assert found.groups == (("row 0", "row 1", "row 2"),)


def test_seeds_are_no_further_pairs() -> None:
    """What docs/statistics.md warns of: rows that are alike over all pairs, but not on each."""
    rng = np.random.default_rng(4)
    apart, held = [], []
    for _ in range(200):
        values = {
            f"row {row}": {
                (f"pair {p}", s): mean + rng.normal(0, 0.3)
                for p, mean in enumerate(rng.normal(0, 1, 3))
                for s in range(3)
            }
            for row in range(8)
        }
        apart.append(len(difference_groups(values).groups) > 1)
        found = probability_of_improvement(values["row 1"], values["row 0"])
        assert found is not None
        held.append(found.low <= 0.5 <= found.high)
    assert np.mean(apart) == pytest.approx(0.63, abs=0.11)
    assert np.mean(held) == pytest.approx(0.77, abs=0.1)


def test_coverage_where_one_pair_scatters_far_more() -> None:
    rng = np.random.default_rng(6)
    noise = (0.1, 0.3, 0.9)
    inside = []
    for _ in range(1200):
        found = pooled_effect([delta(rng.normal(0, own, 3).tolist()) for own in noise])
        inside.append(found.low <= 0 <= found.high)
    assert np.mean(inside) == pytest.approx(0.944, abs=0.02)

"""The sentences: each claim is held against a test made anew, and one seed claims nothing."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
from scipy import stats

from analysis.findings.further import ablations, over_pairs, printed
from analysis.findings.headline import summary
from analysis.findings.pairs import PairAnswer, pair_answers
from analysis.findings.pooled import pooled
from analysis.findings.sentences import counted, listed, sentences
from analysis.plan import read_plan
from analysis.records import Records, read_records
from analysis.statistics.images import ImageUncertainty
from analysis.statistics.tables import TableStatistics, table_statistics
from analysis.summary import main

from .factory import TITLES, MadeSuite, make_suite, two_schedules
from .test_published import BASELINE, MGD

CLEAR = {"baseline": 40.0, "mgd": 41.5, "amd": 43.0, "fgd": 37.0}


def read(suite: MadeSuite) -> tuple[Records, list[TableStatistics], list[PairAnswer]]:
    plan = read_plan(suite.suite_dir)
    records = read_records(plan, suite.runs_dir)
    tables = [table_statistics(records, table) for table in plan.tables]
    return records, tables, pair_answers(records, tables)


def said(suite: MadeSuite, pair: int = 0) -> str:
    return " ".join(map(str, sentences(read(suite)[2][pair])))


def test_what_helps_and_what_hurts(tmp_path: Path) -> None:
    suite = make_suite(tmp_path, rows=CLEAR, noise=0.05)
    gains = [
        suite.value("pair-a", "amd", s) - suite.value("pair-a", "baseline", s) for s in (0, 1, 2)
    ]
    told = said(suite)
    better, worse = re.findall(r"(?:Better|Worse) than the baseline: (.*?)\.(?: |$)", told)
    assert f"AMD +{np.mean(gains):.2f} [" in better
    assert "MGD +" in better
    assert better.index("AMD") < better.index("MGD")
    assert worse.startswith("FGD −")
    assert "AMD beats every other student" in told
    assert "its teacher 50.0 (3 seeds)" in told
    headline = summary(read(suite)[0])
    assert re.search(r"over 3 seeds, better than the baseline: AMD \(.*MGD.*; worse: FGD", headline)
    assert "result" not in headline


@pytest.mark.parametrize("noise", [0.05, 0.6, 5.0])
def test_verdicts_are_those_of_a_paired_test(tmp_path: Path, noise: float) -> None:
    """scipy's paired test, with the strictest of Holm's steps and without any."""
    suite = make_suite(tmp_path, rows=CLEAR, noise=noise)
    pair = read(suite)[2][0]
    for gain in pair.gains:
        values = [
            [suite.value("pair-a", row, seed) for seed in range(3)]
            for row in (gain.row, "baseline")
        ]
        p = stats.ttest_rel(*values).pvalue
        if p > 0.05:
            assert gain in pair.not_resolved
        if 3 * p < 0.05:
            assert gain in (pair.better if np.mean(values[0]) > np.mean(values[1]) else pair.worse)


def test_noise_is_called_noise(tmp_path: Path) -> None:
    suite = make_suite(tmp_path, rows=dict.fromkeys(CLEAR, 40.0), noise=3.0)
    assert "No row is told apart from the baseline: " in said(suite)
    assert "Better" not in said(suite)
    assert summary(read(suite)[0]).endswith("no row of 3 is told apart from the baseline.")


def test_one_seed_claims_nothing(tmp_path: Path) -> None:
    suite = make_suite(tmp_path, rows=CLEAR, seeds=(0,))
    records, tables, pairs = read(suite)
    told = " ".join(map(str, [*sentences(pairs[0]), *ablations(records, tables), summary(records)]))
    for claim in ("Better", "better", "Worse", "worse", "beats", " p "):
        assert claim not in told
    assert "2 of 3 rows ended above the baseline, from AMD (+" in told
    assert "Another training could turn any of these differences round" in told
    assert summary(records).startswith("One seed a row, so nothing here tells a method from luck")


def test_one_seed_tells_what_the_images_leave_open(tmp_path: Path) -> None:
    suite = make_suite(tmp_path, rows=CLEAR, seeds=(0,), predictions=True)
    plan = read_plan(suite.suite_dir)
    records = read_records(plan, suite.runs_dir)
    images = ImageUncertainty(suite.root / "data", suite.suite_dir / "measured", resamples=50)
    tables = [table_statistics(records, plan.tables[0], images)]
    told = " ".join(map(str, sentences(pair_answers(records, tables)[0])))
    assert "The choice of these 30 images alone" in told
    assert "they say nothing about training again" in told


def test_several_pairs_are_pooled(tmp_path: Path) -> None:
    suite = make_suite(tmp_path, pairs=3, rows=CLEAR, noise=0.05)
    for seed in range(3):
        suite.edit("pair-c", "amd", seed, status="failed", reason="out of memory")
    records, tables, pairs = read(suite)
    gains = [
        suite.value(pair, "amd", seed) - suite.value(pair, "baseline", seed)
        for pair in ("pair-a", "pair-b")
        for seed in range(3)
    ]
    told = " ".join(map(str, over_pairs(pairs, tables)))
    assert f"same: AMD +{np.mean(gains):.2f} [" in told
    assert re.search(r"AMD [^;]* in 2 pairs, p [^;]*; MGD [^;]*\], p ", told)
    assert "Worse than the baseline, every pair counting the same: FGD −" in told
    assert re.search(r"to be expected \(95 %\) of .*MGD", told)
    headline = summary(records)
    assert re.match(
        r"Over up to 3 pairs together, better .*: AMD \(\+.* and MGD .*; worse: FGD", headline
    )
    assert headline.endswith("Without a result: 3 of 39 runs.")


def test_the_pooled_test_is_corrected_for_the_rows(tmp_path: Path) -> None:
    """Many rows of nothing: what a single test calls a finding, the family does not."""
    rows = {"baseline": 40.0} | {f"mgd-{place}": 40.0 for place in range(12)}
    rows_found = pooled(read(make_suite(tmp_path, pairs=2, rows=rows, noise=0.5))[2])
    assert len(rows_found) == 12
    assert min(row.effect.p for row in rows_found) < 0.05
    assert {row.verdict for row in rows_found} == {"not resolved"}


def test_a_single_pair_has_nothing_over_pairs(tmp_path: Path) -> None:
    _, tables, pairs = read(make_suite(tmp_path, rows=CLEAR))
    assert over_pairs(pairs, tables) == []


def trained_twice(root: Path, pairs: int) -> MadeSuite:
    """Of every pair AMD and its baseline stand under two schedules, in a table of each."""
    rows = {"baseline": 40.0, "amd": 43.0, "baseline-long": 44.0, "amd-long": 42.0}
    suite = make_suite(root, pairs=pairs, rows=rows, noise=0.05)
    two_schedules(suite)
    main = suite.plan["tables"][0]
    short, long = (
        [cell for cell in main["cells"] if cell["row"].endswith("-long") == is_long]
        for is_long in (False, True)
    )
    for cell in long:
        row = cell["row"].removesuffix("-long")
        cell |= {"row": row, "title": TITLES[row]}
        for run in suite.plan["runs"]:
            if run["id"] in cell["runs"]:
                run["row"] = row
    suite.plan["tables"] = [main | {"cells": short}, main | {"name": "long", "cells": long}]
    suite.save_plan()
    return suite


def test_a_row_is_told_under_each_of_a_pairs_schedules(tmp_path: Path) -> None:
    """It helps the short training and hurts the long one: neither may hide the other."""
    records, _, pairs = read(trained_twice(tmp_path, pairs=1))
    short, long = (" ".join(map(str, sentences(pair))) for pair in pairs)
    assert [pair.title.rpartition(", ")[2] for pair in pairs] == ["mini", "4x"]
    assert "Better than the baseline: AMD +" in short
    assert "Worse than the baseline: AMD −" in long
    assert "The baseline reaches 43." in long or "The baseline reaches 44." in long
    assert re.match(
        r"Over 2 schedules together, better .*: AMD, mini \(.*; worse: AMD, 4x \(", summary(records)
    )


def test_a_pair_under_two_schedules_is_pooled_once_for_each(tmp_path: Path) -> None:
    records, tables, pairs = read(trained_twice(tmp_path, pairs=2))
    rows = {row.title: row for row in pooled(pairs)}
    assert {title: row.effect.pairs for title, row in rows.items()} == {
        "AMD, mini": 2,
        "AMD, 4x": 2,
    }
    assert rows["AMD, mini"].effect.mean == pytest.approx(3.0, abs=0.2)
    assert rows["AMD, 4x"].effect.mean == pytest.approx(-2.0, abs=0.2)
    assert " in 2 pairs" not in " ".join(map(str, over_pairs(pairs, tables)))
    assert summary(records).startswith("Over 2 pairs together, better")


@pytest.mark.parametrize("pairs", [2, 3])
def test_a_pair_with_one_seed_hides_nothing_of_the_others(tmp_path: Path, pairs: int) -> None:
    suite = make_suite(tmp_path, pairs=pairs, rows=CLEAR, noise=0.05)
    alone = f"pair-{'abc'[pairs - 1]}"
    for name in CLEAR:
        for seed in (1, 2):
            suite.edit(alone, name, seed, status="failed", reason="stopped")
    records, tables, answers = read(suite)
    headline = summary(records)
    assert re.search(r"better than the baseline: AMD \(\+.*MGD.*; worse: FGD", headline)
    assert "not resolved" not in headline
    assert " 1 more pair has one seed a row, which tells nothing yet." in headline
    assert headline.startswith("On " if pairs == 2 else "Over 2 pairs together")
    assert bool(over_pairs(answers, tables)) == (pairs == 3)


def test_one_seed_on_several_pairs_resolves_nothing(tmp_path: Path) -> None:
    records, tables, pairs = read(make_suite(tmp_path, pairs=2, rows=CLEAR, seeds=(0,)))
    assert [str(told) for told in over_pairs(pairs, tables)] == [
        "Over the pairs, one seed each leaves no gain resolved."
    ]
    assert "4 of 6 rows over 2 pairs ended above their baselines" in summary(records)


def test_lost_rows_say_why(tmp_path: Path) -> None:
    suite = make_suite(tmp_path, rows=CLEAR, noise=0.05)
    for seed in range(3):
        suite.edit("pair-a", "amd", seed, status="failed", reason="loss became NaN")
    assert "Without a result to compare: AMD (failed: loss became NaN)." in said(suite)


def test_without_the_baseline_nothing_is_compared(tmp_path: Path) -> None:
    suite = make_suite(tmp_path, rows=CLEAR)
    for seed in range(3):
        suite.edit("pair-a", "baseline", seed, status="failed", reason="out of memory")
    assert "The baseline has no result yet" in said(suite)
    assert "(the baseline has no result)" in said(suite)
    assert summary(read(suite)[0]).startswith("No finished run can be compared")


def test_parts_are_compared_with_the_full_method(tmp_path: Path) -> None:
    rows = {"baseline": 40.0, "amd": 43.0, "amd-mask-only": 41.0}
    suite = make_suite(tmp_path, rows=rows, noise=0.02)
    records, tables, _ = read(suite)
    told = str(*ablations(records, tables))
    assert re.match(r"The parts table: against AMD, amd-mask-only −[12]\.\d\d \[", told)


def test_printed_numbers_are_counted(tmp_path: Path) -> None:
    rows = {"baseline": 37.4, "mgd": 47.0}
    suite = make_suite(
        tmp_path,
        rows=rows,
        noise=0.02,
        fidelity="coco",
        published={"baseline": BASELINE, "mgd": MGD},
    )
    records, tables, _ = read(suite)
    told = [str(sentence) for sentence in printed(records, tables)]
    assert told[0].startswith("Of 2 printed rows: ")
    assert any(text.startswith("Above what is printed: MGD") for text in told)


def test_an_empty_suite_and_a_missing_one(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    suite = make_suite(tmp_path, rows=CLEAR)
    nowhere = tmp_path / "no-runs"
    assert main(["--suite-dir", str(suite.suite_dir), "--runs", str(nowhere)]) == 0
    assert "No run has finished yet" in capsys.readouterr().out
    assert main(["--suite-dir", str(nowhere)]) == 2
    assert "plan.json: no such file" in capsys.readouterr().err


def test_lists_in_words() -> None:
    assert [listed(words) for words in ([], ["a"], ["a", "b"], ["a", "b", "c"])] == [
        "",
        "a",
        "a and b",
        "a, b and c",
    ]
    assert (counted(1, "run"), counted(1200, "run")) == ("1 run", "1,200 runs")

"""The one sentence that a suite comes to."""

from __future__ import annotations

from collections.abc import Sequence

from analysis.findings.pairs import PairAnswer, different, pair_answers, with_most_to_say
from analysis.findings.pooled import INHERITED, pooled
from analysis.findings.sentences import beyond, counted, happened, listed, of_those_that_inherit
from analysis.metrics import HEADLINE
from analysis.records import Records
from analysis.statistics.across_pairs import PooledEffect
from analysis.statistics.paired import Delta
from analysis.statistics.tables import BETTER, WORSE, table_statistics
from analysis.tables.numbers import interval

NAMED = 3
"""Rows that are named; the others are counted."""


def summary(records: Records) -> str:
    """From the records alone, for programs without a page to fill."""
    tables = [table_statistics(records, table) for table in records.plan.tables]
    return headline(records, pair_answers(records, tables))


def headline(records: Records, pairs: Sequence[PairAnswer]) -> str:
    return f"{_found(records, pairs)}{_lacking(records)}"


def _found(records: Records, pairs: Sequence[PairAnswer]) -> str:
    if not len(records.frame):
        return "No run has finished yet, so there is nothing to say."
    compared = [pair for pair in pairs if pair.gains]
    if not compared:
        return "No finished run can be compared with a baseline yet."
    told = with_most_to_say(compared)
    if told[0].seeds == 1:
        return _one_seed(told)
    return f"{_seeded(told)}{_single(different(compared) - different(told))}"


def _seeded(pairs: Sequence[PairAnswer]) -> str:
    return _one_pair(pairs[0]) if len(pairs) == 1 else _several_pairs(pairs)


def _single(pairs: int) -> str:
    if not pairs:
        return ""
    have = "has" if pairs == 1 else "have"
    return f" {counted(pairs, 'more pair')} {have} one seed a row, which tells nothing yet."


def _one_seed(pairs: Sequence[PairAnswer]) -> str:
    told = "One seed a row, so nothing here tells a method from luck: in this one training, "
    if len(pairs) == 1:
        return told + happened(pairs[0].gains)
    gains = [gain for pair in pairs for gain in pair.gains]
    above = sum(gain.delta.mean > 0 for gain in gains)
    return told + (
        f"{above} of {counted(len(gains), 'row')} over {_pairs(pairs)} ended above their "
        f"baselines.{of_those_that_inherit(gains)}"
    )


def _one_pair(pair: PairAnswer) -> str:
    counts = {gain.delta.n for gain in pair.gains}
    upto = "up to " if len(counts) > 1 else ""
    where = f"On {pair.title}, over {upto}{pair.seeds} seeds,"
    better, inherited, worse = (
        [_named(gain.title, gain.delta, gain.own) for gain in gains]
        for gains in (pair.better, pair.inherited, pair.worse)
    )
    return _verdicts(where, better, inherited, worse, len(pair.not_resolved))


def _several_pairs(pairs: Sequence[PairAnswer]) -> str:
    """By the gain over all pairs together, which many seeds of many pairs make sharp."""
    rows = pooled(pairs)
    better, inherited, worse = (
        [_named(row.title, row.effect, row.own) for row in rows if row.verdict == verdict]
        for verdict in (BETTER, INHERITED, WORSE)
    )
    rest = len(rows) - len(better) - len(inherited) - len(worse)
    everywhere = all(row.effect.pairs == different(pairs) for row in rows)
    where = f"Over {'' if everywhere else 'up to '}{_pairs(pairs)} together,"
    return _verdicts(where, better, inherited, worse[::-1], rest)


def _pairs(pairs: Sequence[PairAnswer]) -> str:
    number = different(pairs)
    return counted(number, "pair") if number > 1 else f"{len(pairs)} schedules"


def _named(title: str, found: Delta | PooledEffect, own: Delta | PooledEffect | None = None) -> str:
    gain = f"{interval(found.mean, found.low, found.high)} {HEADLINE}"
    return f"{title} ({gain}{beyond(own, found)})"


def _verdicts(
    where: str, better: list[str], inherited: list[str], worse: list[str], rest: int
) -> str:
    parts = [
        f"{word}: {listed([*own[:NAMED], *_more(len(own) - NAMED)])}"
        for word, own in (
            ("better than the baseline", better),
            ("better, but not shown to gain more than inheriting alone", inherited),
            ("worse", worse),
        )
        if own
    ]
    if not parts:
        return f"{where} no row of {rest} is told apart from the baseline."
    return f"{where} {'; '.join([*parts, *([f'{rest} not resolved'] if rest else [])])}."


def _more(number: int) -> list[str]:
    return [f"{number} more"] if number > 0 else []


def _lacking(records: Records) -> str:
    planned = len(records.plan.runs)
    lost = planned - len(records.frame)
    if not lost or lost == planned:
        return ""
    return f" Without a result: {lost} of {planned} runs."

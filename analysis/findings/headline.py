"""The one sentence that a suite comes to."""

from __future__ import annotations

from collections.abc import Sequence

from analysis.findings.pairs import Gain, PairAnswer, pair_answers
from analysis.findings.sentences import counted, happened, listed
from analysis.records import Records
from analysis.statistics.tables import HEADLINE, table_statistics
from analysis.tables.numbers import interval, signed

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
    if max(pair.seeds for pair in compared) == 1:
        return _one_seed(compared)
    if len(compared) == 1:
        return _one_pair(compared[0])
    return _several_pairs(compared)


def _one_seed(pairs: Sequence[PairAnswer]) -> str:
    told = "One seed a row, so nothing here tells a method from luck: in this one training, "
    if len(pairs) == 1:
        return told + happened(pairs[0].gains)
    gains = [gain for pair in pairs for gain in pair.gains]
    above = sum(gain.delta.mean > 0 for gain in gains)
    return told + (
        f"{above} of {counted(len(gains), 'row')} over {len(pairs)} pairs ended above their "
        "baselines."
    )


def _one_pair(pair: PairAnswer) -> str:
    counts = {gain.delta.n for gain in pair.gains}
    upto = "up to " if len(counts) > 1 else ""
    where = f"On {pair.title}, over {upto}{pair.seeds} seeds,"
    parts = [
        f"{word}: {_named(own)}"
        for word, own in (("better than the baseline", pair.better), ("worse", pair.worse))
        if own
    ]
    if not parts:
        return f"{where} no row of {len(pair.gains)} is told apart from the baseline."
    rest = len(pair.not_resolved)
    return f"{where} {'; '.join([*parts, *([f'{rest} not resolved'] if rest else [])])}."


def _named(gains: Sequence[Gain]) -> str:
    names = [
        f"{gain.title} ({interval(gain.delta.mean, gain.delta.low, gain.delta.high)} {HEADLINE})"
        for gain in gains[:NAMED]
    ]
    return listed([*names, *_more(len(gains) - NAMED)])


def _more(number: int) -> list[str]:
    return [f"{number} more"] if number > 0 else []


def _several_pairs(pairs: Sequence[PairAnswer]) -> str:
    """How often each row wins; a row that wins nowhere is only counted."""
    wins: dict[str, int] = {}
    means: dict[str, list[float]] = {}
    for pair in pairs:
        for gain in pair.gains:
            means.setdefault(gain.title, []).append(gain.delta.mean)
            wins[gain.title] = wins.get(gain.title, 0) + (gain in pair.better)
    average = {title: sum(own) / len(own) for title, own in means.items()}
    winning = [title for title in wins if wins[title]]
    winning.sort(key=lambda title: (-wins[title], -average[title]))
    losing = list(dict.fromkeys(gain.title for pair in pairs for gain in pair.worse))
    names = [
        f"{title} in {wins[title]} of {counted(len(means[title]), 'pair')} "
        f"(mean {signed(average[title], 2)} {HEADLINE})"
        for title in winning[:NAMED]
    ]
    told = f"Over {len(pairs)} pairs, "
    if not winning:
        told += f"no row of {len(wins)} is shown to beat the baseline in any"
    else:
        told += f"better than the baseline: {listed([*names, *_more(len(winning) - NAMED)])}"
        rest = len(wins) - len(winning)
        told += f"; in none: {counted(rest, 'row')}" if rest else ""
    if losing:
        told += f"; worse somewhere: {listed([*losing[:NAMED], *_more(len(losing) - NAMED)])}"
    return told + "."


def _lacking(records: Records) -> str:
    planned = len(records.plan.runs)
    lost = planned - len(records.frame)
    if not lost or lost == planned:
        return ""
    return f" Without a result: {lost} of {planned} runs."

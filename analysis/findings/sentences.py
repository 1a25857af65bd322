"""A pair's answer in words. With one seed they say only what happened in that one training."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from analysis.findings.pairs import Gain, PairAnswer
from analysis.statistics.estimates import SIGNIFICANCE
from analysis.statistics.tables import HEADLINE
from analysis.tables.conditions import LEVEL
from analysis.tables.numbers import interval, p_value, plain, signed, spread


def listed(words: Iterable[str]) -> str:
    """`a, b and c`."""
    items = list(words)
    return " and ".join([", ".join(items[:-1]), items[-1]] if len(items) > 1 else items)


def counted(number: int, noun: str, plural: str = "") -> str:
    return f"{number:,} {noun if number == 1 else plural or noun + 's'}"


def shown(gain: Gain) -> str:
    """`AMD +2.01 [+1.40, +2.62]`."""
    delta = gain.delta
    return f"{gain.title} {interval(delta.mean, delta.low, delta.high)}"


def start(pair: PairAnswer) -> str:
    """Where the pair starts from."""
    found = pair.baseline.estimates.get(HEADLINE) if pair.baseline else None
    if found is None:
        return "The baseline has no result yet, so nothing can be compared with it."
    told = f"The baseline reaches {spread(found.mean, found.low, found.high)} {HEADLINE}"
    if pair.teacher is not None:
        told += f", its teacher {plain(pair.teacher)}"
    return f"{told} ({counted(found.n, 'seed')})."


def sentences(pair: PairAnswer) -> list[str]:
    told = [start(pair)]
    if pair.seeds == 1:
        told += one_seed(pair)
    elif pair.gains:
        told += several_seeds(pair)
    if pair.without:
        reasons: dict[str, list[str]] = {}
        for title, why in pair.without.items():
            reasons.setdefault(why, []).append(title)
        parts = "; ".join(f"{listed(titles)} ({why})" for why, titles in reasons.items())
        told.append(f"Without a result to compare: {parts}.")
    return told


def several_seeds(pair: PairAnswer) -> list[str]:
    told = []
    if pair.better:
        told.append(f"Better than the baseline: {_with_p(pair.better)}.")
    if pair.worse:
        told.append(f"Worse than the baseline: {_with_p(pair.worse)}.")
    unclear = [gain for gain in pair.not_resolved if gain.delta.n > 1]
    if unclear:
        lead = "Not resolved" if told else "No row is told apart from the baseline"
        told.append(f"{lead}: {', '.join(map(shown, unclear))}.")
    single = [gain for gain in pair.not_resolved if gain.delta.n == 1]
    if single:
        told.append(f"One seed only, so nothing can be said: {', '.join(map(shown, single))}.")
    if pair.best:
        told.append(f"{pair.best} beats every other student of this pair in a paired test.")
    elif pair.better:
        told.append("No row beats all the others.")
    return told


def _with_p(gains: Sequence[Gain]) -> str:
    return "; ".join(
        f"{shown(gain)}, p {p_value(gain.delta.p_holm)}"
        if gain.delta.p_holm is not None
        else shown(gain)
        for gain in gains
    )


def one_seed(pair: PairAnswer) -> list[str]:
    """What happened, and that it says nothing about another training."""
    told = [f"{happened(pair.gains)} Another training could turn any of these differences round."]
    known = [gain for gain in pair.gains if gain.images]
    if known:
        clear = [gain for gain in known if gain.images and gain.images.low * gain.images.high > 0]
        if clear:
            names = listed(gain.title for gain in clear)
            subject = "the difference of" if len(clear) == 1 else "the differences of"
            what = f"leaves {subject} {names} clear of zero"
        else:
            what = "could explain every difference"
        count = known[0].images.images if known[0].images else 0
        told.append(
            f"The choice of the {count:,} test images alone {what} ({LEVEL} intervals, not "
            "corrected for the number of rows; they say nothing about training again)."
        )
    return told


def happened(gains: Sequence[Gain]) -> str:
    """Of one training each: counts and extremes, no verdict."""
    above = [gain for gain in gains if gain.delta.mean > 0]
    first, last = gains[0], gains[-1]
    if len(gains) == 1:
        return f"{first.title} ended {signed(first.delta.mean, 2)} {HEADLINE} from the baseline."
    return (
        f"{len(above)} of {len(gains)} rows ended above the baseline, from {first.title} "
        f"({signed(first.delta.mean, 2)} {HEADLINE}) down to {last.title} "
        f"({signed(last.delta.mean, 2)})."
    )


HOW_TO_READ = (
    f"Differences in points of {HEADLINE} with {LEVEL} intervals over seeds, paired by seed; a row "
    "is called better or worse where its p-value, corrected by Holm for the number of rows, is "
    f"below {SIGNIFICANCE:.2f}."
)
ONE_SEED = (
    "Every row was trained with one seed, so nothing can be said about what other seeds would "
    "give: no row is shown to help or to hurt."
)

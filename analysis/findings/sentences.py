"""A pair's answer in words. With one seed they say only what happened in that one training."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from analysis.findings.pairs import Gain, PairAnswer
from analysis.metrics import HEADLINE
from analysis.statistics.across_pairs import PooledEffect
from analysis.statistics.estimates import SIGNIFICANCE
from analysis.statistics.paired import Delta
from analysis.tables.conditions import LEVEL, NOT_WIDENED
from analysis.tables.numbers import interval, p_value, plain, signed, spread


@dataclass(frozen=True)
class Sentence:
    """What is said, and of whom: a page lists the items, a line of text joins them."""

    text: str
    items: tuple[str, ...] = ()

    def __str__(self) -> str:
        return f"{self.text}: {'; '.join(self.items)}." if self.items else self.text


def listed(words: Iterable[str]) -> str:
    """`a, b and c`."""
    items = list(words)
    return " and ".join([", ".join(items[:-1]), items[-1]] if len(items) > 1 else items)


def counted(number: int, noun: str, plural: str = "") -> str:
    return f"{number:,} {noun if number == 1 else plural or noun + 's'}"


def shown(gain: Gain) -> str:
    """`AMD +2.01 [+1.40, +2.62]`, and what of it inheriting alone does not explain."""
    delta = gain.delta
    return f"{gain.title} {interval(delta.mean, delta.low, delta.high)}{beyond(gain.own)}"


def beyond(own: Delta | PooledEffect | None, gain: Delta | PooledEffect | None = None) -> str:
    """`, +0.52 [+0.11, +0.93] over inheriting alone`, and on how many pairs where the gain that it
    stands beside is over more; empty for a row that does not inherit."""
    if own is None:
        return ""
    told = f", {interval(own.mean, own.low, own.high)} over inheriting alone"
    if isinstance(own, PooledEffect) and isinstance(gain, PooledEffect) and own.pairs < gain.pairs:
        told += f" in {counted(own.pairs, 'pair')}"
    return told


def start(pair: PairAnswer) -> str:
    """Where the pair starts from."""
    found = pair.baseline.estimates.get(HEADLINE) if pair.baseline else None
    if found is None:
        return "The baseline has no result yet, so nothing can be compared with it."
    told = f"The baseline reaches {spread(found.mean, found.low, found.high)} {HEADLINE}"
    if pair.teacher is not None:
        told += f", its teacher {plain(pair.teacher)}"
    return f"{told} ({counted(found.n, 'seed')})."


def sentences(pair: PairAnswer) -> list[Sentence]:
    told = [Sentence(start(pair))]
    if pair.seeds == 1:
        told += one_seed(pair)
    elif pair.gains:
        told += several_seeds(pair)
    if pair.without:
        reasons: dict[str, list[str]] = {}
        for title, why in pair.without.items():
            reasons.setdefault(why, []).append(title)
        items = tuple(f"{listed(titles)} ({why})" for why, titles in reasons.items())
        told.append(Sentence("Without a result to compare", items))
    return told


def several_seeds(pair: PairAnswer) -> list[Sentence]:
    unclear = [gain for gain in pair.not_resolved if gain.delta.n > 1]
    single = [gain for gain in pair.not_resolved if gain.delta.n == 1]
    clear = pair.better or pair.inherited or pair.worse
    groups = (
        ("Better than the baseline", pair.better),
        (
            "Better than the baseline, but not shown to gain more than inheriting alone",
            pair.inherited,
        ),
        ("Worse than the baseline", pair.worse),
        ("Not resolved" if clear else "No row is told apart from the baseline", unclear),
        ("One seed only, so nothing can be said", single),
    )
    told = [Sentence(text, tuple(map(_with_p, gains))) for text, gains in groups if gains]
    if pair.best:
        text = f"{pair.best} beats every other student of this pair in a paired test."
        told.append(Sentence(text))
    elif pair.better or pair.inherited:
        told.append(Sentence("No row beats every other student of this pair."))
    return told


def _with_p(gain: Gain) -> str:
    if gain.delta.p_holm is None or not gain.delta.resolved:
        return shown(gain)
    return f"{shown(gain)}, p {p_value(gain.delta.p_holm)}"


def one_seed(pair: PairAnswer) -> list[Sentence]:
    """What happened, and that it says nothing about another training."""
    turn = "Another training could turn any of these differences round."
    told = [Sentence(f"{happened(pair.gains)} {turn}")]
    known = [(gain, gain.images) for gain in pair.gains if gain.images]
    if known:
        clear = [gain for gain, images in known if images.low * images.high > 0]
        if clear:
            names = listed(gain.title for gain in clear)
            what = f"leaves {'this difference' if len(clear) == 1 else 'these differences'} "
            what += f"clear of zero: {names}"
        else:
            what = "could explain every difference"
        text = (
            f"The choice of these {known[0][1].images:,} images alone {what} ({LEVEL} "
            "intervals, not corrected for the number of rows; they say nothing about training "
            "again)."
        )
        told.append(Sentence(text))
    return told


def happened(gains: Sequence[Gain]) -> str:
    """Of one training each: counts and extremes, no verdict."""
    above = [gain for gain in gains if gain.delta.mean > 0]
    first, last = gains[0], gains[-1]
    if len(gains) == 1:
        told = f"{first.title} ended {signed(first.delta.mean, 2)} {HEADLINE} from the baseline"
        return f"{told}{beyond(first.own)}."
    return (
        f"{len(above)} of {len(gains)} rows ended above the baseline, from {first.title} "
        f"({signed(first.delta.mean, 2)} {HEADLINE}{beyond(first.own)}) down to {last.title} "
        f"({signed(last.delta.mean, 2)}{beyond(last.own)}).{of_those_that_inherit(gains)}"
    )


def of_those_that_inherit(gains: Sequence[Gain]) -> str:
    """What is left of the gains of methods that bring more than a loss."""
    having = [gain for gain in gains if gain.own is not None]
    if not having:
        return ""
    above = [gain.title for gain in having if gain.own is not None and gain.own.mean > 0]
    told = f"{len(above)} of them" + (f" ({listed(above)})" if 0 < len(above) <= FEW else "")
    return (
        f" {counted(len(having), 'row')} inherited the teacher's neck and head: "
        f"{told if above else 'none'} ended above inheriting alone."
    )


FEW = 3
"""Names that a sentence of counts still holds."""


HOW_TO_READ = (
    f"Differences in points of {HEADLINE} with {LEVEL} intervals over seeds, paired by seed; a row "
    "is called better or worse where its p-value, corrected by Holm for the number of rows, is "
    f"below {SIGNIFICANCE:.2f}. {NOT_WIDENED}"
)
ONE_SEED = (
    "Every row was trained with one seed, so nothing can be said about what other seeds would "
    "give: no row is shown to help or to hurt."
)

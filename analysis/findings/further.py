"""What follows from several pairs, from parts switched off, and from the printed numbers."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from analysis.findings.pairs import PairAnswer, answering, different, with_most_to_say
from analysis.findings.pooled import INHERITED, Pooled, pooled
from analysis.findings.sentences import Sentence, beyond, counted, listed
from analysis.published import Comparison, compare_table
from analysis.records import Records
from analysis.statistics.paired import Delta
from analysis.statistics.tables import BETTER, NOT_RESOLVED, WORSE, TableStatistics
from analysis.tables.ablation import deltas_to_full, full_row
from analysis.tables.conditions import LEVEL
from analysis.tables.numbers import interval, p_value
from analysis.tables.results import pair_title


def over_pairs(pairs: Sequence[PairAnswer], tables: Sequence[TableStatistics]) -> list[Sentence]:
    """What holds for several pairs together; nothing where there is only one."""
    told_of = with_most_to_say(pairs)
    compared = different(told_of)
    if compared < 2:
        return []
    rows = pooled(told_of)
    if all(row.p_holm is None for row in rows):
        return [Sentence("Over the pairs, one seed each leaves no gain resolved.")]
    told = [
        Sentence(text, tuple(_pooled(row, compared) for row in rows if row.verdict == verdict))
        for text, verdict in (
            ("Better than the baseline, every pair counting the same", BETTER),
            ("Better, but not shown to gain more than inheriting alone", INHERITED),
            ("Worse than the baseline, every pair counting the same", WORSE),
            ("Not resolved over these pairs", NOT_RESOLVED),
        )
        if any(row.verdict == verdict for row in rows)
    ]
    better = [row for row in rows if row.verdict == BETTER and row.effect.pairs > 1]
    sure = listed(row.title for row in better if row.elsewhere)
    if better:
        text = (
            f"On one more pair like these, a gain is to be expected ({LEVEL}) of {sure}."
            if sure
            else "The spread over the pairs leaves open whether any gains on another pair."
        )
        told.append(Sentence(text))
    for table in answering(tables):
        told += _equals(table)
    return [*told, Sentence(HOW_TO_READ_PAIRS)]


HOW_TO_READ_PAIRS = "Here, too, p is corrected by Holm for the number of rows."


def _pooled(row: Pooled, compared: int) -> str:
    """`AMD +1.92 [+1.66, +2.18], p <0.001`, and of how many pairs where not of all."""
    effect = row.effect
    told = f"{row.title} {interval(effect.mean, effect.low, effect.high)}"
    if effect.pairs < compared:
        told += f" in {counted(effect.pairs, 'pair')}"
    told += beyond(row.own, effect)
    if row.p_holm is None or row.verdict == NOT_RESOLVED:
        return told
    return f"{told}, p {p_value(row.p_holm)}"


def _equals(table: TableStatistics) -> list[Sentence]:
    """Which rows share the first place."""
    groups = table.difference_groups().groups
    if not groups or len(groups[0]) < 2:
        return []
    titles = {cell.cell.row: cell.title for cell in table.cells}
    names = listed(titles[row] for row in groups[0])
    return [Sentence(f"By rank, {names} are not told apart, and none ranks above them.")]


def ablations(records: Records, tables: Sequence[TableStatistics]) -> list[Sentence]:
    """For every table of parts: what switching them costs, against the full method."""
    told = []
    for table in tables:
        if table.plan.kind == "ablation":
            full = full_row(table)
            for group in table.groups:
                said = _ablation(table, group, full)
                if said:
                    where = f" ({pair_title(records, group)})" if len(table.groups) > 1 else ""
                    told.append(Sentence(f"{table.plan.title}{where}: {said}"))
    return told


def _ablation(table: TableStatistics, group: str, full: str) -> str:
    cells = table.of_group(group)
    deltas = {
        cell.title: delta
        for cell in cells
        if not cell.is_baseline
        and (delta := deltas_to_full(cells, full).get(cell.cell.row)) is not None
    }
    if not deltas:
        return ""
    against = next((cell.title for cell in cells if cell.cell.row == full), full)
    if all(delta.p is None for delta in deltas.values()):
        return f"one seed, so no difference to {against} is resolved."
    clear = {title: delta for title, delta in deltas.items() if delta.resolved}
    if not clear:
        return f"no variant is told apart from {against} ({len(deltas)} compared)."
    rest = len(deltas) - len(clear)
    parts = "; ".join(_variant(title, delta) for title, delta in clear.items())
    return f"against {against}, {parts}" + (f"; {rest} more not resolved." if rest else ".")


def _variant(title: str, delta: Delta) -> str:
    return f"{title} {interval(delta.mean, delta.low, delta.high)}"


def printed(records: Records, tables: Sequence[TableStatistics]) -> list[Sentence]:
    """How many of the printed numbers came out again."""
    found: list[Comparison] = []
    for table in tables:
        if table.plan.kind == "published":
            found += compare_table(records.plan, table.plan, table.cells)
    found = [comparison for comparison in found if comparison.printed_value is not None]
    if not found:
        return []
    counts = Counter(comparison.status for comparison in found)
    parts = ", ".join(f"{count} {status}" for status, count in counts.most_common())
    told = [Sentence(f"Of {counted(len(found), 'printed row')}: {parts}.")]
    for status, text in (
        ("above", "Above what is printed"),
        ("below", "Below what is printed"),
    ):
        own = tuple(comparison.title for comparison in found if comparison.status == status)
        if own:
            told.append(Sentence(text, own))
    return told

"""What follows from several pairs, from parts switched off, and from the printed numbers."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from analysis.findings.pairs import answering
from analysis.findings.sentences import counted, listed
from analysis.published import Comparison, compare_table
from analysis.records import Records
from analysis.statistics.estimates import SIGNIFICANCE
from analysis.statistics.paired import Delta
from analysis.statistics.tables import AcrossPairs, TableStatistics
from analysis.tables.ablation import deltas_to_full, full_row
from analysis.tables.conditions import LEVEL
from analysis.tables.numbers import interval, p_value
from analysis.tables.results import pair_title


def over_pairs(tables: Sequence[TableStatistics]) -> list[str]:
    """A sentence or two for every table that compares rows in more than one pair."""
    told: list[str] = []
    for table in answering(tables):
        rows = [row for row in table.across_pairs() if row.effect.pairs > 1]
        if rows:
            told += _over_pairs(rows) + _equals(table)
    return told


def _over_pairs(rows: Sequence[AcrossPairs]) -> list[str]:
    tested = [row for row in rows if row.effect.p is not None]
    if not tested:
        return ["Over the pairs, one seed each leaves no gain resolved."]
    ordered = sorted(tested, key=lambda row: -row.effect.mean)
    clear = [row for row in ordered if row.effect.p is not None and row.effect.p < SIGNIFICANCE]
    better = [row for row in clear if row.effect.mean > 0]
    worse = [row for row in clear if row.effect.mean < 0]
    unclear = [row for row in ordered if row not in clear]
    parts = [
        f"{word}: {'; '.join(map(_pooled, own))}"
        for word, own in (("better", better), ("worse", worse))
        if own
    ]
    if unclear:
        parts.append(f"not resolved: {listed(row.title for row in unclear)}")
    told = [
        "Over these pairs, every pair counting the same (p not corrected for the number of "
        f"rows): {'; '.join(parts)}."
    ]
    sure = [row for row in better if row.effect.new_low is not None and row.effect.new_low > 0]
    if better:
        told.append(
            f"On one more pair like these, a gain is to be expected ({LEVEL}) of "
            f"{listed(row.title for row in sure)}."
            if sure
            else "The spread over the pairs leaves open whether any of them gains on another pair."
        )
    return told


def _pooled(row: AcrossPairs) -> str:
    effect = row.effect
    told = f"{row.title} {interval(effect.mean, effect.low, effect.high)} ({effect.pairs} pairs"
    return told + (f", p {p_value(effect.p)})" if effect.p is not None else ")")


def _equals(table: TableStatistics) -> list[str]:
    """Which rows share the first place."""
    groups = table.difference_groups().groups
    if not groups or len(groups[0]) < 2:
        return []
    titles = {cell.cell.row: cell.title for cell in table.cells}
    names = listed(titles[row] for row in groups[0])
    return [f"By rank, {names} are not told apart, and none ranks above them."]


def ablations(records: Records, tables: Sequence[TableStatistics]) -> list[str]:
    """For every table of parts: what switching them costs, against the full method."""
    told = []
    for table in tables:
        if table.plan.kind == "ablation":
            full = full_row(table)
            for group in table.groups:
                said = _ablation(table, group, full)
                if said:
                    where = f" ({pair_title(records, group)})" if len(table.groups) > 1 else ""
                    told.append(f"{table.plan.title}{where}: {said}")
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


def printed(records: Records, tables: Sequence[TableStatistics]) -> list[str]:
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
    told = [f"Of {counted(len(found), 'printed row')}: {parts}."]
    for status, word in (("above", "Above"), ("below", "Below")):
        own = [comparison.title for comparison in found if comparison.status == status]
        if own:
            told.append(f"{word} what is printed: {listed(own)}.")
    return told

"""Every row over all pairs: pooled effect, how often it helps, its rank, and who is its equal."""

from __future__ import annotations

from collections.abc import Iterable

from analysis.records import Records
from analysis.statistics.across_pairs import AcrossPairs, Improvement, PooledEffect
from analysis.statistics.ranks import Groups, Rank
from analysis.statistics.tables import NOT_RESOLVED, TableStatistics
from analysis.tables.conditions import LEVEL, NOT_WIDENED, conditions
from analysis.tables.model import MISSING, Column, Entry, Row, RunLink, Section, Table
from analysis.tables.numbers import interval, p_value, percent, plain

COLUMNS = (
    Column("title", "Method", "left"),
    Column("pairs", "pairs"),
    Column("effect", "ΔAP, these pairs"),
    Column("p", "p (Holm)"),
    Column("new", "ΔAP, another pair"),
    Column("improvement", "P(better than baseline)"),
    Column("rank", "mean rank"),
    Column("equal", "groups"),
)


def across_table(records: Records, statistics: TableStatistics) -> Table:
    ranks = {rank.row: rank for rank in statistics.ranks()}
    groups = statistics.difference_groups()
    titles = {cell.cell.row: cell.title for cell in statistics.cells}
    effects = {row.row: row for row in statistics.across_pairs()}
    shown = [*ranks, *(row for row in effects if row not in ranks)]
    rows = []
    for row in shown:
        effect = effects.get(row)
        entries = (
            Entry(titles[row], raw={"title": titles[row], "row": row}),
            *_effect_entries(effect),
            _improvement_entry(effect.improvement if effect else None),
            _rank_entry(ranks.get(row)),
            _groups_entry(row, groups),
        )
        rows.append(Row(entries, _runs(records, statistics, row)))
    plan = statistics.plan
    caption = " ".join(
        (
            f"Over pairs. {conditions(records, statistics.cells)}",
            f"'These pairs': mean gain, every pair counting the same, {LEVEL} interval over the "
            f"seeds within them; 'another pair': where the gain on one more such pair would fall "
            f"({LEVEL}), from the spread over the pairs. p is of the first, corrected by Holm over "
            f"the rows of this table. {NOT_WIDENED}",
            *_left_out(row.effect for row in effects.values()),
            "P(better): share of runs that beat the baseline's run of the same pair and seed, "
            "Jeffreys' interval. Rank: 1 is best, interval from the seeds' spread. Rows that share "
            "a letter are not told apart. P(better), rank and letters are of these pairs: their "
            "seeds are no further pairs, and promise nothing for another.",
        )
    )
    return Table(
        f"{plan.name}-over-pairs",
        f"{plan.title}, over pairs",
        caption,
        COLUMNS,
        (Section("", tuple(rows)),),
        (_groups_note(groups, titles),),
    )


def _left_out(effects: Iterable[PooledEffect]) -> list[str]:
    if not any(effect.left_out for effect in effects):
        return []
    return ["A pair in which a row has one seed counts for the second only."]


def _effect_entries(found: AcrossPairs | None) -> tuple[Entry, Entry, Entry, Entry]:
    if found is None:
        return Entry(MISSING), Entry(MISSING), Entry(MISSING), Entry(MISSING)
    effect, p = found.effect, NOT_RESOLVED
    if found.p_holm is not None:
        told = p_value(found.p_holm)
        p = told if found.resolved else f"{NOT_RESOLVED} ({told})"
    new = MISSING
    if effect.new_low is not None:
        new = interval(effect.new_mean, effect.new_low, effect.new_high)
    raw = {"effect": effect.mean, "effect_low": effect.low, "effect_high": effect.high}
    return (
        Entry(str(effect.pairs), effect.pairs, raw={"pairs": effect.pairs}),
        Entry(interval(effect.mean, effect.low, effect.high), effect.mean, raw=dict(raw)),
        Entry(p, found.p_holm, raw={"p": found.p_holm, "p_uncorrected": effect.p}),
        Entry(new, effect.new_mean, raw={"new_low": effect.new_low, "new_high": effect.new_high}),
    )


def _improvement_entry(found: Improvement | None) -> Entry:
    if found is None:
        return Entry(MISSING)
    text = f"{percent(found.probability)} [{percent(found.low)}, {percent(found.high)}]"
    raw = {"improvement": found.probability, "improvement_low": found.low}
    return Entry(
        text,
        found.probability,
        raw={**raw, "improvement_high": found.high, "improvement_n": found.n},
    )


def _rank_entry(rank: Rank | None) -> Entry:
    if rank is None:
        return Entry(MISSING)
    raw: dict[str, float | int | str | None] = {"rank": rank.mean}
    raw |= {"rank_low": rank.low, "rank_high": rank.high}
    text = plain(rank.mean)
    if rank.low is not None and rank.high is not None:
        text += f" [{plain(rank.low)}, {plain(rank.high)}]"
    return Entry(text, rank.mean, raw=raw)


def _groups_entry(row: str, groups: Groups) -> Entry:
    letters = "".join(
        chr(ord("a") + place) for place, group in enumerate(groups.groups) if row in group
    )
    return Entry(letters or MISSING, raw={"groups": letters})


def _groups_note(groups: Groups, titles: dict[str, str]) -> str:
    if groups.critical_difference is None:
        return "Too few complete rows for groups."
    told = f"Nemenyi's critical difference of mean ranks: {groups.critical_difference:.2f}"
    told += f" over {groups.blocks} blocks (pair and seed)"
    if groups.friedman_p is not None:
        told += f"; Friedman's test that all rows are equal: p {p_value(groups.friedman_p)}"
    if groups.left_out:
        # Runs may be missing, or the row may not be of every pair.
        names = ", ".join(titles[row] for row in groups.left_out)
        told += f"; not ranked, because they do not stand in all of these: {names}"
    return told + "."


def _runs(records: Records, statistics: TableStatistics, row: str) -> tuple[RunLink, ...]:
    ids = [id for cell in statistics.cells if cell.cell.row == row for id in cell.runs]
    return tuple(RunLink(id, records.runs_dir / id) for id in dict.fromkeys(ids))

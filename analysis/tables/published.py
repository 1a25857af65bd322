"""Printed numbers beside reproduced ones, with one word for how they compare."""

from __future__ import annotations

from analysis.metrics import DETECTION, HEADLINE
from analysis.published import Comparison, RankingAgreement, compare_table, rankings
from analysis.records import Records
from analysis.statistics.tables import TableStatistics
from analysis.tables.cells import count_entry, mean_entry, metric_title, missing_notes, run_links
from analysis.tables.conditions import LEVEL, conditions
from analysis.tables.model import MISSING, Column, Entry, Row, Section, Table
from analysis.tables.numbers import p_value, plain, signed
from analysis.tables.results import pair_title


def published_table(records: Records, statistics: TableStatistics) -> Table:
    plan = statistics.plan
    comparisons = compare_table(records.plan, plan, statistics.cells)
    further = [m for m in DETECTION[1:] if any(_comparable(c, m) for c in comparisons)]
    apart = any(c.apart and c.ours for c in comparisons)
    columns = [
        Column("title", "Row", "left"),
        Column("printed", "AP printed"),
        Column("AP", "AP ours"),
        Column("n", "n"),
        Column("delta", "Δ"),
        Column("status", "status", "left"),
        *(Column(metric, f"{metric_title(metric)} printed / ours") for metric in further),
    ]
    if apart:
        columns.append(Column("apart", "ours, other protocol"))
    sections = []
    for group in dict.fromkeys(c.group for c in comparisons):
        own = [c for c in comparisons if c.group == group]
        rows = tuple(_row(records, c, further, apart) for c in own)
        sections.append(Section(pair_title(records, group), rows))
    where = f"{plan.paper}, {plan.paper_table}. " if plan.paper and plan.paper_table else ""
    caption = " ".join(
        part
        for part in (
            plan.caption,
            f"{where}AP in percent (top-1 for classifiers); printed on COCO val2017.",
            f"Ours: {conditions(records, statistics.cells)}",
            f"±: {LEVEL} interval of our mean over seeds.",
            f"Reproduced: the printed number lies where one more run of ours would fall ({LEVEL} "
            "prediction interval, at most 1 point to either side); above and below: ours lies "
            "there; not resolved: too few or too noisy runs. Figures of different protocols stand "
            "in a column of their own and are never subtracted.",
        )
        if part
    )
    notes = tuple(_ranking_note(records, ranking) for ranking in rankings(comparisons))
    return Table(plan.name, plan.title, caption, tuple(columns), tuple(sections), notes)


def _comparable(comparison: Comparison, metric: str) -> bool:
    """Whether the metric is printed and ours may stand beside it."""
    printed = comparison.printed
    return bool(printed and metric in printed.values and not comparison.apart)


def _row(records: Records, found: Comparison, further: list[str], apart: bool) -> Row:
    comparable = not found.apart
    source = (
        ()
        if found.printed is None
        else (f"{found.printed.source} [verified: {found.printed.verified}]",)
    )
    missing = missing_notes(found.ours) if found.ours else ()
    reason = (found.why,) if found.why and not missing else ()
    entries = [
        Entry(found.title, notes=missing, raw={"title": found.title, "group": found.group}),
        Entry(
            plain(found.printed_value),
            found.printed_value,
            notes=source,
            raw={"printed": found.printed_value, "source": source[0] if source else None},
            ours=False,
        ),
        mean_entry(found.ours, found.metric, wide=True)
        if found.ours and comparable
        else Entry(MISSING),
        count_entry(found.ours) if found.ours else Entry("0", 0, raw={"n": 0}),
        Entry(signed(found.delta), found.delta, raw={"delta": found.delta}),
        Entry(found.status, notes=reason, raw={"status": found.status, "why": found.why}),
    ]
    entries += [_pair(found, metric, comparable) for metric in further]
    if apart:
        other = found.ours is not None and not comparable
        entries.append(_apart(found) if other else Entry(""))
    return Row(tuple(entries), run_links(records, found.ours) if found.ours else ())


def _pair(found: Comparison, metric: str, comparable: bool) -> Entry:
    printed = found.printed.values.get(metric) if found.printed else None
    ours = found.ours.estimates.get(metric) if found.ours and comparable else None
    value = ours.mean if ours else None
    return Entry(
        f"{plain(printed)} / {plain(value)}",
        printed,
        raw={f"{metric}_printed": printed, f"{metric}_ours": value},
    )


def _apart(found: Comparison) -> Entry:
    """Under its own heading, so that nobody reads it as COCO's."""
    value = found.estimate.mean if found.estimate else None
    return Entry(plain(value), value, raw={"ours_other_protocol": value})


def _ranking_note(records: Records, ranking: RankingAgreement) -> str:
    found = ranking.agreement
    told = (
        f"{pair_title(records, ranking.group)}: order of {found.n} rows here and as printed "
        f"({HEADLINE}): "
    )
    if found.tau is None:
        return told + "no order to compare."
    told += f"Kendall's tau {signed(found.tau, 2)}"
    if found.low is not None and found.high is not None:
        told += f" [{signed(found.low, 2)}, {signed(found.high, 2)}]"
    else:
        told += " (too few rows for an interval)"
    if found.p is not None:
        told += f", p {p_value(found.p)}" + ("" if found.resolved else ", not resolved")
    return told + ("; orders of different protocols." if ranking.across_protocols else ".")

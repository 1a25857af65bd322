"""The main table: every metric, the paired difference to the baseline, and how sure it is."""

from __future__ import annotations

from analysis.records import Records
from analysis.statistics.tables import (
    CLASSIFICATION,
    DETECTION,
    HEADLINE,
    CellStatistics,
    TableStatistics,
)
from analysis.tables.cells import (
    count_entry,
    delta_entry,
    image_columns,
    image_entries,
    mean_entry,
    metric_title,
    own_columns,
    own_entries,
    p_entry,
    run_links,
    title_entry,
)
from analysis.tables.conditions import (
    about_images,
    about_inheriting,
    about_sizes,
    conditions,
    kinds_of_uncertainty,
)
from analysis.tables.model import Column, Mark, Row, Section, Table


def results_table(records: Records, statistics: TableStatistics) -> Table:
    metrics = _metrics(statistics)
    headline = metrics[0]
    alone = image_columns(statistics.cells)
    own = own_columns(statistics.cells, headline)
    columns = (
        Column("title", "Method", "left"),
        *(Column(metric, metric_title(metric)) for metric in metrics),
        Column("delta", f"Δ{headline} to baseline"),
        Column("p", "p (Holm)"),
        *alone,
        *own,
        Column("n", "n"),
    )
    sections = tuple(
        Section(
            pair_title(records, group),
            tuple(
                _row(records, statistics, cell, metrics, alone, own)
                for cell in statistics.of_group(group)
            ),
        )
        for group in statistics.groups
    )
    caption = " ".join(
        part
        for part in (
            statistics.plan.caption,
            f"{', '.join(map(metric_title, metrics))} in percent.",
            about_sizes(records, statistics.cells) if metrics == DETECTION else "",
            conditions(records, statistics.cells),
            kinds_of_uncertainty(statistics),
        )
        if part
    )
    plan = statistics.plan
    notes = (*about_inheriting(statistics), *about_images(statistics))
    return Table(plan.name, plan.title, caption, columns, sections, notes)


def pair_title(records: Records, group: str) -> str:
    pair = records.plan.pairs.get(group)
    if pair is None:
        return group
    return f"{pair.title}: {pair.teacher} → {pair.student}"


def _metrics(statistics: TableStatistics) -> tuple[str, ...]:
    """Detection's, unless the table holds nothing but classifiers."""
    known = {metric for cell in statistics.cells for metric in cell.estimates}
    return CLASSIFICATION if known and HEADLINE not in known else DETECTION


def _row(
    records: Records,
    statistics: TableStatistics,
    cell: CellStatistics,
    metrics: tuple[str, ...],
    alone: tuple[Column, ...],
    own: tuple[Column, ...],
) -> Row:
    headline = metrics[0]
    delta = cell.deltas.get(headline)
    return Row(
        (
            title_entry(cell),
            *(
                mean_entry(cell, metric, mark(statistics, cell, metric), metric == headline)
                for metric in metrics
            ),
            delta_entry(delta, "delta"),
            p_entry(delta, "p"),
            *image_entries(cell, alone),
            *own_entries(cell, own, headline),
            count_entry(cell),
        ),
        run_links(records, cell),
    )


def mark(statistics: TableStatistics, cell: CellStatistics, metric: str) -> Mark:
    if not (cell.is_baseline or cell.cell.baseline):
        return ""
    found = statistics.leaders(cell.cell.group, metric)
    if cell.cell.row == found.best:
        return "best"
    return "second" if cell.cell.row == found.second else ""

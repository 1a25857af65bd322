"""Parts switched on and off: check marks, and paired differences to the full method."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from analysis.errors import AnalysisError
from analysis.metrics import HEADLINE
from analysis.records import Records
from analysis.statistics.paired import Delta, holm, paired_delta
from analysis.statistics.tables import CellStatistics, TableStatistics
from analysis.tables.cells import (
    count_entry,
    delta_entry,
    image_columns,
    image_entries,
    mean_entry,
    p_entry,
    run_links,
    title_entry,
)
from analysis.tables.conditions import about_images, conditions, kinds_of_uncertainty
from analysis.tables.model import NO, YES, Column, Entry, Row, Section, Table
from analysis.tables.results import mark, pair_title

DEFAULT = "default"


def ablation_table(records: Records, statistics: TableStatistics) -> Table:
    plan = statistics.plan
    full = full_row(statistics)
    parts = list(dict.fromkeys(part for cell in statistics.cells for part in cell.cell.changed))
    alone = image_columns(statistics.cells, f"Δ{HEADLINE} to baseline,")
    columns = (
        Column("title", "Variant", "left"),
        *(Column(part, part.replace("_", " "), "left") for part in parts),
        Column("AP", "AP"),
        Column("AP50", "AP50"),
        Column("AP75", "AP75"),
        Column("delta_full", f"ΔAP to {_title(statistics, full)}"),
        Column("p_full", "p (Holm)"),
        Column("delta", "ΔAP to baseline"),
        *alone,
        Column("n", "n"),
    )
    sections = []
    for group in statistics.groups:
        cells = statistics.of_group(group)
        deltas = deltas_to_full(cells, full)
        rows = []
        for cell in cells:
            delta = deltas.get(cell.cell.row)
            entries = (
                title_entry(cell),
                *(_part(statistics, cell, part) for part in parts),
                mean_entry(cell, "AP", mark(statistics, cell, "AP"), wide=True),
                mean_entry(cell, "AP50", mark(statistics, cell, "AP50")),
                mean_entry(cell, "AP75", mark(statistics, cell, "AP75")),
                Entry("full") if cell.cell.row == full else delta_entry(delta, "delta_full"),
                Entry("") if cell.cell.row == full else p_entry(delta, "p_full"),
                delta_entry(cell.deltas.get(HEADLINE), "delta"),
                *image_entries(cell, alone),
                count_entry(cell),
            )
            rows.append(Row(entries, run_links(records, cell)))
        sections.append(Section(pair_title(records, group), tuple(rows)))
    caption = " ".join(
        part
        for part in (
            plan.caption,
            f"AP in percent. {conditions(records, statistics.cells)}",
            f"{YES}: part used, {NO}: not used, '{DEFAULT}': the method's own value.",
            kinds_of_uncertainty(
                statistics,
                f"the rows of the pair that are compared with {_title(statistics, full)}",
            ),
        )
        if part
    )
    notes = about_images(statistics)
    return Table(plan.name, plan.title, caption, columns, tuple(sections), notes)


def full_row(statistics: TableStatistics) -> str:
    """The row that the others are compared with: the one said, else the first distilled one."""
    rows = list(dict.fromkeys(cell.cell.row for cell in statistics.cells))
    wanted = statistics.plan.full
    if wanted is not None and wanted not in rows:
        raise AnalysisError(
            f"table {statistics.plan.name!r}: `full` names the row {wanted!r}, but its rows are "
            + ", ".join(rows)
        )
    distilled = [cell.cell.row for cell in statistics.cells if cell.cell.methods]
    return wanted or (distilled or rows)[0]


def _title(statistics: TableStatistics, row: str) -> str:
    return next(cell.title for cell in statistics.cells if cell.cell.row == row)


def deltas_to_full(cells: list[CellStatistics], full: str) -> dict[str, Delta]:
    """Paired differences to the full method within one pair, corrected over its rows. A teacher's
    seed is not the student's, so there is nothing to pair."""
    reference = next((c.values.get(HEADLINE, {}) for c in cells if c.cell.row == full), {})
    found = {
        cell.cell.row: delta
        for cell in cells
        if cell.cell.row != full
        and cell.is_student
        and (delta := paired_delta(cell.values.get(HEADLINE, {}), reference))
    }
    corrected = holm([delta.p for delta in found.values()])
    return {
        row: replace(delta, p_holm=p)
        for (row, delta), p in zip(found.items(), corrected, strict=True)
    }


def _part(statistics: TableStatistics, cell: CellStatistics, part: str) -> Entry:
    """A check mark for a switch, the value for a number, nothing where the method has no such
    part."""
    having = [other.cell for other in statistics.cells if part in other.cell.changed]
    methods = {method for other in having for method in other.methods}
    if not methods & set(cell.cell.methods):
        return Entry("", raw={part: None})
    values = [other.changed[part] for other in having]
    if all(isinstance(value, bool) for value in values):
        # What differs from the default is listed, so the default is the other one.
        used = cell.cell.changed.get(part, not values[0])
        return Entry(YES if used else NO, float(used), raw={part: str(used).lower()})
    if part not in cell.cell.changed:
        return Entry(DEFAULT, raw={part: DEFAULT})
    return _value(part, cell.cell.changed[part])


def _words(value: object) -> str:
    return ", ".join(map(str, value)) if isinstance(value, list | tuple) else str(value)


def _value(part: str, value: Any) -> Entry:
    number = isinstance(value, int | float) and not isinstance(value, bool)
    text = f"{value:g}" if number else "none" if value is None else _words(value)
    return Entry(text, float(value) if number else None, raw={part: value if number else text})

"""What every row costs beside what it brings."""

from __future__ import annotations

from collections.abc import Sequence

from analysis.costs import Clock, Costs, clock, costs_of, devices, elsewhere, unrest, unsteady
from analysis.metrics import HEADLINE
from analysis.records import Records
from analysis.statistics.tables import CellStatistics, TableStatistics
from analysis.tables.cells import count_entry, delta_entry, run_links, title_entry
from analysis.tables.conditions import conditions
from analysis.tables.model import Column, Entry, Row, Section, Table
from analysis.tables.numbers import number, percent, plain, signed, signed_percent
from analysis.tables.results import pair_title


def costs_table(records: Records, statistics: TableStatistics) -> Table:
    found = costs_of(records, statistics.cells)
    unit = clock(found.values())
    columns = (
        Column("title", "Method", "left"),
        Column("hours", unit.name),
        Column("overhead", "step overhead"),
        Column("images_per_second", "images/s"),
        Column("device_gib", "device GiB"),
        Column("process_gib", "process GiB"),
        Column("teacher_share", "teacher"),
        Column("loss_share", "loss"),
        Column("kilojoules", "kJ"),
        Column("delta", "ΔAP to baseline"),
        Column("gain_per_hour", f"ΔAP per {unit.name.removesuffix('s')}"),
        Column("n", "n"),
    )
    sections = tuple(
        Section(
            _heading(records, group, [found[id(cell)] for cell in own], unit),
            tuple(_row(records, cell, found[id(cell)], unit) for cell in own),
        )
        for group in statistics.groups
        if (own := statistics.of_group(group))
    )
    plan = statistics.plan
    caption = " ".join(
        part
        for part in (
            plan.caption,
            f"Mean cost of one training on "
            f"{', '.join(devices(found.values())) or 'unknown devices'}: {unit.what}"
            ", of the student alone (its teacher is trained once for all rows); how much longer "
            "a step takes than the baseline's of the same seed and device; peak memory; shares "
            "of the step spent in teacher and distillation loss; ΔAP for every such "
            f"{unit.name.removesuffix('s')}.",
            elsewhere(found, statistics.cells),
            unsteady(unrest(records, found, statistics.cells)),
            conditions(records, statistics.cells),
            "Differences without a resolved sign are worth no time: see the results table.",
        )
        if part
    )
    # Columns that nothing was measured for would only fill the page.
    return _measured(Table(plan.name, plan.title, caption, columns, sections))


def _heading(records: Records, group: str, own: Sequence[Costs], unit: Clock) -> str:
    """With the device, where that is a GPU for some pairs and none for others."""
    heading = pair_title(records, group)
    if unit.gpu is not None or not devices(own):
        return heading
    return f"{heading} ({unit.of_pair(own).name} on {', '.join(devices(own))})"


def _row(records: Records, cell: CellStatistics, cost: Costs, unit: Clock) -> Row:
    """Numbers in the unit for people, in hours for the CSV."""
    rate = cost.gain_per_hour
    told = None if rate is None else rate / unit.of_an_hour
    digits = 2 if unit.of_an_hour == 1 else 1
    shares = {"teacher_share": cost.teacher_share, "loss_share": cost.loss_share}
    return Row(
        (
            title_entry(cell),
            Entry(plain(unit.tell(cost.hours), digits), cost.hours, raw={"hours": cost.hours}),
            Entry(signed_percent(cost.overhead), cost.overhead, raw={"overhead": cost.overhead}),
            number(cost.images_per_second, "images_per_second"),
            number(cost.device_gib, "device_gib", 2),
            number(cost.process_gib, "process_gib", 2),
            *(Entry(percent(share), share, raw={key: share}) for key, share in shares.items()),
            number(cost.kilojoules, "kilojoules"),
            delta_entry(cell.deltas.get(HEADLINE), "delta"),
            Entry(signed(told, 2), rate, raw={"gain_per_hour": rate}),
            count_entry(cell),
        ),
        run_links(records, cell),
    )


def _measured(table: Table) -> Table:
    keep = [
        place
        for place, column in enumerate(table.columns)
        if column.align == "left" or any(r.entries[place].value is not None for r in table.rows())
    ]
    sections = tuple(
        Section(s.heading, tuple(Row(tuple(r.entries[p] for p in keep), r.runs) for r in s.rows))
        for s in table.sections
    )
    columns = tuple(table.columns[place] for place in keep)
    return Table(table.name, table.title, table.caption, columns, sections, table.notes)

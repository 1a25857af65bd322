"""Tables as CSV: unrounded numbers, intervals in columns of their own, the run ids behind them."""

from __future__ import annotations

import csv
import io
from typing import Any

from analysis.tables.model import MISSING, Document

RUN_SEPARATOR = " "


def to_csv(document: Document) -> str:
    """One file for all parts of a document; `part` names the table that a line belongs to."""
    lines: list[dict[str, Any]] = []
    for table in document.tables:
        for section in table.sections:
            for row in section.rows:
                line: dict[str, Any] = {"part": table.name, "section": section.heading}
                for column, entry in zip(table.columns, row.entries, strict=True):
                    told = entry.text if entry.text != MISSING else ""
                    line |= entry.raw or {column.key: told}
                line["marks"] = RUN_SEPARATOR.join(
                    f"{column.key}:{entry.mark}"
                    for column, entry in zip(table.columns, row.entries, strict=True)
                    if entry.mark
                )
                line["notes"] = "; ".join(n for entry in row.entries for n in entry.notes)
                line["runs"] = RUN_SEPARATOR.join(run.id for run in row.runs)
                lines.append(line)
    names = dict.fromkeys(name for line in lines for name in line)
    last = ("marks", "notes", "runs")
    order = [*(name for name in names if name not in last), *(n for n in last if n in names)]
    target = io.StringIO()
    writer = csv.DictWriter(target, order or ["part"], restval="", lineterminator="\n")
    writer.writeheader()
    writer.writerows(lines)
    return target.getvalue()

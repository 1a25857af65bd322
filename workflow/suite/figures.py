"""Whether a suite's figures can be what they are told to be, known before anything is trained."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError

from analysis.figures.options import OPTIONS
from workflow.suite.problems import Collector
from workflow.suite.schema import FigureEntry, SuiteFile
from workflow.suite.source import Location
from workflow.suite.suite import Cell, Figure, Table


def figures(file: SuiteFile, tables: Mapping[str, Table], problems: Collector) -> dict[str, Figure]:
    """By name; `problems` holds what is wrong with them."""
    # Rows that are wrong themselves stand in no table: who names them makes no further mistake.
    whole = not problems.problems
    for key, entry in file.figures.items():
        if entry.table is not None and entry.table not in tables:
            if not problems.told_in(("tables", entry.table)):
                problems.unknown(("figures", key, "table"), "table", entry.table, tables)
            continue
        options = _options(key, entry, problems)
        if whole:
            drawn = [tables[entry.table]] if entry.table else tables.values()
            # Distances to the baseline are drawn, so rows without one are not.
            cells = [cell for table in drawn for cell in table.cells if cell.baseline]
            _check_names(key, options, cells, problems)
    return {
        key: Figure(
            key, entry.kind, entry.title or key.replace("_", " "), entry.table, entry.options
        )
        for key, entry in file.figures.items()
    }


def _options(key: str, entry: FigureEntry, problems: Collector) -> dict[str, Any]:
    """Completed; empty where they are wrong."""
    kind = OPTIONS[entry.kind]
    try:
        return kind.model_validate(entry.options).model_dump()
    except ValidationError as error:
        problems.validation(error, kind, ("figures", key, "options"))
        return {}


def _check_names(
    key: str, options: Mapping[str, Any], cells: list[Cell], problems: Collector
) -> None:
    """Rows and fields that the figure's own tables must have."""
    at = ("figures", key, "options")
    rows = {cell.row for cell in cells}
    for index, row in enumerate(options.get("rows", ())):
        if row not in rows:
            problems.unknown((*at, "rows", index), "row of this figure", row, rows)
    field = options.get("field")
    fields = {name for cell in cells for name in cell.changed}
    if field and field not in fields:
        problems.unknown((*at, "field"), "setting that the figure's rows change", field, fields)
    elif field is not None and fields:
        _check_sweep((*at, "field") if field else ("figures", key), field, cells, problems)


def _check_sweep(at: Location, field: str, cells: list[Cell], problems: Collector) -> None:
    """A row that changes two settings is on the line of neither."""
    if any(len(cell.changed) == 1 and (not field or field in cell.changed) for cell in cells):
        return
    mixed = next(cell for cell in cells if field in cell.changed or (not field and cell.changed))
    problems.add(
        at,
        f"no row of this figure changes {repr(field) if field else 'one setting'} alone, so there "
        f"is no sweep to draw; {mixed.row!r} changes {' and '.join(map(repr, mixed.changed))}",
    )

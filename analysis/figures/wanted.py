"""What a kind of figure is given: the plan's wish, and the cells that it is about."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from matplotlib.figure import Figure

from analysis.figures.style import Look, looks
from analysis.figures.wishes import O, read_options
from analysis.plan import FigurePlan, Plan, TablePlan
from analysis.records import Records
from analysis.statistics.images import ImageUncertainty
from analysis.statistics.tables import CellStatistics, TableStatistics, table_statistics

TABLES_FIRST = ("results", "published", "ablation", "costs")
"""Where no table is named: a row's statistics are those of the first table that holds it."""


class NothingToDraw(Exception):
    """Why there is no picture: a note for the reader, never an empty axis."""


@dataclass(frozen=True)
class Picture:
    """One page of a figure. `part` is empty for the page that bears the figure's own name."""

    figure: Figure
    caption: str
    alt: str
    part: str = ""
    title: str = ""
    further: bool = False
    """A page for those who want all of it."""
    explorer: dict[str, Any] | None = None
    """What a report needs to let its reader ask: `analysis/figures/explorer.py`."""


@dataclass(frozen=True)
class Wanted:
    figure: FigurePlan
    records: Records
    images: ImageUncertainty
    notes: list[str] = field(default_factory=list)
    """What a drawing had to leave out; stands below the caption."""

    @property
    def plan(self) -> Plan:
        return self.records.plan

    @cached_property
    def tables(self) -> list[TablePlan]:
        if self.figure.table:
            return [self.plan.table(self.figure.table)]
        return sorted(self.plan.tables, key=lambda table: TABLES_FIRST.index(table.kind))

    @cached_property
    def statistics(self) -> list[TableStatistics]:
        return [table_statistics(self.records, table, self.images) for table in self.tables]

    @cached_property
    def cells(self) -> list[CellStatistics]:
        """Students only, each row of each pair once, as the first table that holds it says."""
        found: dict[tuple[str, ...], CellStatistics] = {}
        for table in self.statistics:
            for cell in table.cells:
                if cell.is_baseline or cell.cell.baseline:
                    found.setdefault((cell.cell.group, cell.cell.row, *cell.cell.runs), cell)
        return list(found.values())

    @cached_property
    def groups(self) -> list[str]:
        return list(dict.fromkeys(cell.cell.group for cell in self.cells))

    def of_group(self, group: str) -> list[CellStatistics]:
        return [cell for cell in self.cells if cell.cell.group == group]

    @cached_property
    def looks(self) -> dict[str, Look]:
        """By row, for all rows of the figure."""
        rows = {cell.cell.row: cell.cell.methods for cell in self.cells}
        return looks(list(rows.items()))

    def pair_title(self, group: str) -> str:
        pair = self.plan.pairs.get(group)
        return pair.title if pair else group

    def options(self, kind: type[O]) -> O:
        return read_options(self.figure, kind)

    def finished(self) -> list[CellStatistics]:
        """Cells with at least one run, or the reason why there is none."""
        done = [cell for cell in self.cells if cell.n]
        if not done:
            reasons = sorted({why for cell in self.cells for why in cell.missing.values()})
            told = "; ".join(reasons[:3])
            raise NothingToDraw("no run has finished" + (f" ({told})" if told else ""))
        return done

    def missing(self) -> str:
        """`Not drawn: AMD (not run yet).` Empty where all ran."""
        reasons: dict[str, list[str]] = {}
        for cell in self.cells:
            if not cell.n and cell.missing:
                why = next(iter(cell.missing.values()))
                reasons.setdefault(why, []).append(cell.title)
        told = (f"{', '.join(dict.fromkeys(titles))} ({why})" for why, titles in reasons.items())
        text = "; ".join(told)
        return f"Not drawn: {text}." if text else ""

    def runs_told(self) -> str:
        """`3 runs a row` or `1 to 3 runs a row`: no reader should have to guess n."""
        counts = sorted({cell.n for cell in self.cells if cell.n})
        if counts == [1]:
            return "One run a row, so no interval over seeds."
        span = f"{counts[0]}" if len(counts) == 1 else f"{counts[0]} to {counts[-1]}"
        return f"{span} runs a row."


def sentences(*parts: str) -> str:
    return " ".join(part for part in parts if part)

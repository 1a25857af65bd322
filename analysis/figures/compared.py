"""What a forest plot shows of a row: its difference to the baseline, or to its own control."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace

from analysis.figures.options import EffectsOptions
from analysis.figures.wanted import Wanted
from analysis.metrics import HEADLINE
from analysis.statistics.bootstrap import ImageInterval
from analysis.statistics.controls import inherits
from analysis.statistics.paired import Delta
from analysis.statistics.tables import CellStatistics


@dataclass(frozen=True)
class Effect:
    """One row of the plot."""

    cell: CellStatistics
    delta: Delta
    images: ImageInterval | None
    inherits: bool
    """Whether it is held against inheriting alone."""
    schedule: str = ""
    """Where several tables show a row of this name under several schedules."""

    @property
    def title(self) -> str:
        name = ", ".join(filter(None, (self.cell.title, self.schedule)))
        return f"{name} (inherits)" if self.inherits else name

    @property
    def row(self) -> tuple[str, str]:
        return self.cell.cell.row, self.schedule

    @property
    def group(self) -> str:
        return self.cell.cell.group


def effect_of(cell: CellStatistics, options: EffectsOptions) -> Effect | None:
    headline = options.metric == HEADLINE
    if options.against == "own-control" and options.metric in cell.own_deltas:
        images = cell.own_image_delta if headline else None
        return Effect(cell, cell.own_deltas[options.metric], images, True)
    if options.metric not in cell.deltas:
        return None
    images = cell.image_delta if headline else None
    return Effect(cell, cell.deltas[options.metric], images, False)


def lacks_control(wanted: Wanted, cell: CellStatistics, options: EffectsOptions) -> bool:
    """Held against the baseline it would be praised for what it starts from."""
    if options.against != "own-control" or options.metric in cell.own_deltas:
        return False
    return bool(cell.cell.methods) and inherits(wanted.records, cell)


def told_apart(wanted: Wanted, effects: list[Effect]) -> list[Effect]:
    """Rows of one name and pair, from several tables, are told apart by their schedules."""
    told = schedules(wanted, [effect.cell for effect in effects])
    return [replace(effect, schedule=name) for effect, name in zip(effects, told, strict=True)]


def schedules(wanted: Wanted, cells: list[CellStatistics]) -> list[str]:
    """Of every cell whose row stands twice in a pair; of others nothing needs to be said."""
    counts = Counter((cell.cell.group, cell.cell.row) for cell in cells)
    twice = {row for (_, row), count in counts.items() if count > 1}
    return [
        wanted.plan.by_id[cell.cell.runs[0]].schedule if cell.cell.row in twice else ""
        for cell in cells
    ]

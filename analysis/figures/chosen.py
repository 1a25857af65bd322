"""Which images and rows a figure of maps shows: those that its suite names, or what was kept."""

from __future__ import annotations

from collections.abc import Sequence

from analysis.errors import AnalysisError
from analysis.figures.attention import Attention, Scene
from analysis.figures.looked import Column, Looked
from analysis.figures.options import ImageIds
from analysis.figures.wanted import Wanted
from analysis.statistics.tables import CellStatistics


def chosen(
    wanted: Wanted, scenes: Sequence[Scene], ids: ImageIds, most: int | None = None
) -> list[Scene]:
    """In the order of `ids`; without any, the first `most` of all."""
    if not ids:
        return list(scenes[:most])
    by_id = {scene.id: scene for scene in scenes}
    lost = [str(id) for id in ids if id not in by_id]
    if lost:
        raise AnalysisError(
            f"figure {wanted.figure.name!r} ({wanted.figure.kind}): ids: no maps were kept of "
            f"image {', '.join(lost)}; kept: {', '.join(map(str, by_id))}"
        )
    return [by_id[id] for id in ids]


def in_order(wanted: Wanted, pair: Looked, ids: ImageIds) -> list[Scene]:
    """As `ids` say; without them, first the image that is neither bare nor crowded."""
    if ids:
        return chosen(wanted, pair.scenes, ids)
    front = pair.front()
    return [front, *(scene for scene in pair.scenes if scene is not front)]


def kept_rows(
    wanted: Wanted, pair: Looked, rows: Sequence[str]
) -> list[tuple[CellStatistics, Attention]]:
    """Of these names; all without any."""
    known = {cell.cell.row for cell in wanted.cells}
    lost = [row for row in rows if row not in known]
    if lost:
        raise AnalysisError(
            f"figure {wanted.figure.name!r} ({wanted.figure.kind}): rows: there is no "
            f"{', '.join(map(repr, lost))} among its rows: {', '.join(sorted(known))}"
        )
    return [one for one in pair.kept if not rows or one[0].cell.row in rows]


def of_rows(wanted: Wanted, pair: Looked, rows: Sequence[str]) -> list[Column]:
    """The methods' maps of these rows."""
    own = {id(attention) for _, attention in kept_rows(wanted, pair, rows)}
    return [column for column in pair.methods if id(column.attention) in own]

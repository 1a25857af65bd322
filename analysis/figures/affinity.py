"""Whom does a cell look at? The affinity of chosen points to all cells, in the teacher's and the
student's non-local blocks (FKD)."""

from __future__ import annotations

import numpy as np

from analysis.figures.asked import Asked
from analysis.figures.attention import Scene
from analysis.figures.chosen import chosen
from analysis.figures.explorer import explorer
from analysis.figures.looked import Looked, look
from analysis.figures.mosaic import Mosaic
from analysis.figures.options import AffinityOptions
from analysis.figures.panels import SIDE, add_image, framed, sides
from analysis.figures.relation import NETWORKS, Point, Relation, related
from analysis.figures.signed import Signed, symmetric
from analysis.figures.style import GREY, new_figure
from analysis.figures.wanted import NothingToDraw, Picture, Wanted, sentences
from analysis.statistics.tables import CellStatistics

PANEL_WIDTH = 0.95
POINT = "#00C8FF"
UNIT = "affinity, times the panel's mean size"


def draw(wanted: Wanted) -> list[Picture]:
    options = wanted.options(AffinityOptions)
    pages: list[Picture] = []
    for pair in look(wanted):
        for cell, own in pair.kept:
            for method in related(own):
                scenes = chosen(wanted, own.scenes, options.ids, options.images)
                asked = Asked(own, method, scenes, options.points)
                part = "" if not pages else f"{pair.group}-{cell.cell.row}"
                pages.append(_page(wanted, pair, cell, asked, part))
    if not pages:
        raise NothingToDraw(
            "no finished run kept the queries and keys of a non-local block, as rows of FKD do "
            "where the suite says `attend: {images: 12}`"
        )
    return pages


def _page(wanted: Wanted, pair: Looked, cell: CellStatistics, asked: Asked, part: str) -> Picture:
    scale = symmetric([values for found in asked.maps.values() for values in found])
    names = [asked.own.meta.levels[level].name for level in asked.levels]
    mosaic = _mosaic(pair, asked, scale)
    titles = ["image", *names]
    figure = new_figure(*mosaic.figure_size(PANEL_WIDTH, titles))
    axes = mosaic.draw(figure, NETWORKS * (mosaic.rows // len(NETWORKS)), titles)
    scale.bar(figure, axes, UNIT)
    where = "a point that the suite names" if asked.given else "the middle of the largest box"
    title = wanted.pair_title(pair.group)
    caption = sentences(
        f"{cell.title} ({title}): the affinity of the cell at the cross ({where}) to every cell, "
        "level by level, in the non-local blocks of teacher and student.",
        "Affinities are products of a query and a key without softmax, before the block pools its "
        "keys: they have a sign, and each panel its own mean size. First seed.",
    )
    agreements = [asked.agreement(level) for level in asked.levels]
    told = ", ".join(
        f"{name} {value:.2f}"
        for name, value in zip(names, agreements, strict=True)
        if value is not None
    )
    alt = (
        f"Maps of the affinity of one cell to all others in {len(asked.scenes)} test images, the "
        f"teacher's above the student's. Their correlation by level: {told or 'unknown'}."
    )
    shown = f"{title}, {cell.title}" if part else ""
    first = None if part else explorer(asked, pair, scale)
    return Picture(figure, caption, alt, part, shown, further=bool(part), explorer=first)


def _mosaic(pair: Looked, asked: Asked, scale: Signed) -> Mosaic:
    """A line a network for every point of every image."""
    every = {scene.id: sides(scene, SIDE) for scene in asked.scenes}
    size = (max(side[0] for side in every.values()), max(side[1] for side in every.values()))
    lines = len(NETWORKS) * sum(len(points) for points in asked.points.values())
    mosaic = Mosaic(lines, 1 + len(asked.levels), size)
    row = 0
    for scene in asked.scenes:
        picture = pair.picture(scene, every[scene.id])
        for point in asked.points[scene.id]:
            add_image(mosaic, row, 0, picture, scene, None)
            _name(mosaic, row + 1, scene, point if asked.given else None)
            for column, level in enumerate(asked.levels, start=1):
                found = asked.maps.get((scene.id, point, level))
                for number in range(len(NETWORKS)):
                    place = (row + number, column)
                    if found is None:
                        mosaic.leave_empty(*place)
                    else:
                        relation = asked.relations[scene.id][level][number]
                        shown = scale.over(picture, _over(picture, relation, found[number]))
                        _add(mosaic, place, shown, scene, point)
            row += len(NETWORKS)
    return mosaic


def _over(picture: np.ndarray, relation: Relation, values: np.ndarray) -> np.ndarray:
    """(h, w) of cells -> (H, W) of pixels."""
    height, width = picture.shape[:2]
    rows = ((np.arange(height) + 0.5) / height * relation.down).astype(np.int64)
    columns = ((np.arange(width) + 0.5) / width * relation.across).astype(np.int64)
    last = (values.shape[0] - 1, values.shape[1] - 1)
    return values[np.ix_(np.minimum(rows, last[0]), np.minimum(columns, last[1]))]


def _add(
    mosaic: Mosaic, place: tuple[int, int], shown: np.ndarray, scene: Scene, point: Point
) -> None:
    height, width = shown.shape[:2]
    top, left = mosaic.add(*place, shown)
    framed(mosaic, (top, left), scene, height)
    how = {"ha": "center", "va": "center", "color": POINT, "fontsize": 9, "fontweight": "bold"}
    mosaic.words.append((left + point[0] * width, top + point[1] * height, "+", how))


def _name(mosaic: Mosaic, row: int, scene: Scene, point: Point | None) -> None:
    """Below the image, beside the second line of its maps."""
    top, left = mosaic.corner(row, 0)
    told = f"image {scene.id}" + (f"\nat {point[0]:g}, {point[1]:g}" if point else "")
    how: dict[str, object] = {"ha": "center", "va": "top", "color": GREY}
    mosaic.words.append((left + mosaic.size[1] / 2, top + mosaic.size[0] * 0.06, told, how))

"""Whom does a cell look at? The non-local block's affinity of one cell to all others (FKD)."""

from __future__ import annotations

import numpy as np

from analysis.figures.attention import AFFINITY, Attention, Scene
from analysis.figures.looked import Looked, look
from analysis.figures.mosaic import Mosaic
from analysis.figures.panels import SIDE, add_image, framed, sides
from analysis.figures.signed import Signed, symmetric
from analysis.figures.style import new_figure
from analysis.figures.wanted import NothingToDraw, Options, Picture, Wanted, sentences
from analysis.statistics.tables import CellStatistics

PANEL_WIDTH = 0.95
POINT = "#00C8FF"


class AffinityOptions(Options):
    images: int = 3
    """Rows of the picture."""


def draw(wanted: Wanted) -> list[Picture]:
    count = wanted.options(AffinityOptions).images
    pages: list[Picture] = []
    for pair in look(wanted):
        for cell, own in pair.kept:
            for name in own.names:
                if name.endswith(AFFINITY):
                    part = "" if not pages else f"{pair.group}-{cell.cell.row}"
                    pages.append(_page(wanted, pair, cell, own, name, count, part))
    if not pages:
        raise NothingToDraw("no finished run kept the affinities of a non-local block")
    return pages


def chosen_point(scene: Scene) -> tuple[float, float]:
    """The middle of the largest box, of the image where there is none: as the maps were made."""
    if not scene.boxes:
        return scene.width / 2, scene.height / 2
    x1, y1, x2, y2 = max(scene.boxes, key=lambda box: (box[2] - box[0]) * (box[3] - box[1]))
    return (x1 + x2) / 2, (y1 + y2) / 2


def _page(
    wanted: Wanted,
    pair: Looked,
    cell: CellStatistics,
    own: Attention,
    name: str,
    count: int,
    part: str,
) -> Picture:
    scenes = own.scenes[:count]
    all_sides = [sides(scene, SIDE) for scene in scenes]
    size = (max(side[0] for side in all_sides), max(side[1] for side in all_sides))
    levels = [n for n in range(len(own.meta.levels)) if f"{name}/{n}" in own.arrays]
    scale = symmetric([own.arrays[f"{name}/{number}"] for number in levels])
    mosaic = Mosaic(len(scenes), 1 + len(levels), size)
    for row, (scene, own_size) in enumerate(zip(scenes, all_sides, strict=True)):
        picture = pair.picture(scene, own_size)
        add_image(mosaic, row, 0, picture, scene, None)
        for column, number in enumerate(levels, start=1):
            values = own.get(name, number, row)
            assert values is not None
            _panel(mosaic, row, column, picture, scene, values, scale)
    titles = ["image", *(own.meta.levels[number].name for number in levels)]
    figure = new_figure(*mosaic.figure_size(PANEL_WIDTH, titles))
    axes = mosaic.draw(figure, [], titles)
    scale.bar(figure, axes, "affinity, times the mean size of the level")
    caption = sentences(
        f"{cell.title} ({wanted.pair_title(pair.group)}): the non-local block's affinity of the "
        "cell at the cross (the middle of the largest box) to every other cell, level by level. "
        "Affinities are products without softmax: they have a sign. First seed.",
    )
    alt = (
        f"Maps of the affinity of one cell to all others for {len(scenes)} test images at "
        f"{', '.join(titles[1:])}."
    )
    title = f"{wanted.pair_title(pair.group)}, {cell.title}" if part else ""
    return Picture(figure, caption, alt, part, title)


def _panel(
    mosaic: Mosaic,
    row: int,
    column: int,
    picture: np.ndarray,
    scene: Scene,
    values: np.ndarray,
    scale: Signed,
) -> None:
    height, width = picture.shape[:2]
    shown = scale.over(picture, scene.over_image(values, (height, width)))
    top, left = mosaic.add(row, column, shown)
    framed(mosaic, (top, left), scene, height)
    x, y = chosen_point(scene)
    place = (left + x * width / scene.width, top + y * height / scene.height)
    how = {"ha": "center", "va": "center", "color": POINT, "fontsize": 9, "fontweight": "bold"}
    mosaic.words.append((*place, "+", how))

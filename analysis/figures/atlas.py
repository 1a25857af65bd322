"""Mask atlas: an image a page, levels in rows; image, teacher, student and every method's mask or
weight in columns, all on one scale."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from analysis.figures import masks
from analysis.figures.attention import Scene
from analysis.figures.chosen import in_order, of_rows
from analysis.figures.heat import Heat, common
from analysis.figures.looked import Column, Looked, look
from analysis.figures.mosaic import Mosaic
from analysis.figures.options import AtlasOptions
from analysis.figures.panels import BAR_LABEL, SIDE, add_image, add_map, sides
from analysis.figures.style import new_figure
from analysis.figures.wanted import Picture, Wanted, sentences

PANEL_WIDTH = 0.74
"""Inches."""
MOST_MAPS = 7
"""Beside the image in one band, so that a page is as wide as a page of text."""


def draw(wanted: Wanted) -> list[Picture]:
    options = wanted.options(AtlasOptions)
    pairs = look(wanted)
    heat = scale_of(pairs)
    pages: list[Picture] = []
    for pair in pairs:
        order = in_order(wanted, pair, options.ids)[: options.images]
        for scene in order:
            part = "" if not pages else f"{pair.group}-image{scene.id}"
            page = _page(wanted, pair, scene, heat, options.rows, part)
            pages.append(replace(page, further=scene is not order[0]))
    return pages + masks.draw_pairs(wanted, pairs, heat, options.rows, options.ids)


def scale_of(pairs: Sequence[Looked]) -> Heat:
    """Over everything that any page may show, so that pages compare too."""
    return common(
        values
        for pair in pairs
        for column in (*pair.networks, *pair.methods)
        for scene in pair.scenes
        for level in range(len(pair.levels))
        if (values := column.values(level, scene.id)) is not None
    )


def _page(
    wanted: Wanted, pair: Looked, scene: Scene, heat: Heat, rows: tuple[str, ...], part: str
) -> Picture:
    columns = [*pair.networks, *of_rows(wanted, pair, rows)]
    bands = max(1, math.ceil(len(columns) / MOST_MAPS))
    most = math.ceil(len(columns) / bands)
    size, levels = sides(scene, SIDE), len(pair.levels)
    titles: list[str] = []
    for band in range(bands):
        own = [column.title for column in columns[band * most : (band + 1) * most]]
        titles += ["image\nand cells", *own, *[""] * (most - len(own))]
    room = round(Mosaic.margin_top(titles) / PANEL_WIDTH * size[1])
    mosaic = Mosaic(bands * levels, 1 + most, size, levels, room)
    picture = pair.picture(scene, size)
    for row in range(mosaic.rows):
        level = row % levels
        add_image(mosaic, row, 0, picture, scene, pair.levels[level].stride)
        of_band = columns[row // levels * most : (row // levels + 1) * most]
        for number, column in enumerate(of_band, start=1):
            add_map(mosaic, row, number, picture, scene, column.values(level, scene.id), heat)
    figure = new_figure(*mosaic.figure_size(PANEL_WIDTH, titles))
    axes = mosaic.draw(figure, bands * [level.name for level in pair.levels], titles)
    heat.bar(figure, axes, BAR_LABEL)
    caption = sentences(
        f"What is looked at and what is hidden in test image {scene.id} "
        f"({wanted.pair_title(pair.group)}): rows are levels, finest first.",
        "Attention and weights are relative to their level's mean, errors divided by it, masks 1 "
        "where a cell is kept and black, as all below the scale, where it is hidden; one "
        "logarithmic scale for all panels and pages, laid over the image in grey, padding "
        "cropped; frames are the annotated boxes.",
        f"Attention at temperature {pair.first.meta.temperature:g}; first seed of every row.",
    )
    alt = (
        f"Grid of heatmaps over test image {scene.id} with {len(scene.boxes)} boxes: levels "
        f"{', '.join(level.name for level in pair.levels)} by "
        + ", ".join(column.title.replace("\n", " ") for column in columns)
        + f". {_seen(pair, scene, columns)}"
    )
    title = f"{wanted.pair_title(pair.group)}, image {scene.id}"
    return Picture(figure, caption, alt, part, title)


def _seen(pair: Looked, scene: Scene, columns: Sequence[Column]) -> str:
    """How much more the finest level looks inside the boxes than outside, in words."""
    told = []
    stride = pair.levels[0].stride
    for column in columns:
        values = column.values(0, scene.id)
        if values is None:
            continue
        shape: tuple[int, int] = values.shape
        inside = scene.inside(shape, stride)
        outside = scene.valid(shape, stride) & ~inside
        if inside.any() and outside.any():
            ratio = float(np.mean(values[inside]) / max(float(np.mean(values[outside])), 1e-9))
            told.append(f"{' '.join(column.title.split())} {min(ratio, 99.0):.1f}")
    if not told:
        return ""
    return f"Mean inside the boxes over mean outside at the finest level: {', '.join(told)}."

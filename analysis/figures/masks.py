"""Masks for a paper's column: a page a row with all its own maps, and two images side by side."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from analysis.figures import atlas
from analysis.figures.attention import BEFORE, MAPS, STUDENT, Scene
from analysis.figures.chosen import in_order, kept_rows
from analysis.figures.heat import Heat
from analysis.figures.looked import Column, Kept, Looked, column_title, look
from analysis.figures.mosaic import Mosaic
from analysis.figures.options import ImageIds, MasksOptions
from analysis.figures.panels import BAR_LABEL, SIDE, add_image, add_map, sides
from analysis.figures.style import COLUMN_WIDTH, new_figure
from analysis.figures.wanted import NothingToDraw, Picture, Wanted, sentences
from analysis.metrics import HEADLINE
from analysis.statistics.tables import CellStatistics

PANEL_WIDTH = 0.9
COMPARED = 2
"""Images of the comparison."""
BAR_ROOM = 0.62
EDGE = 0.03
"""Inches beside the panels of a column."""
FEWEST_CELLS = 8
"""On a side, for a level that is worth a paper's column."""


def draw(wanted: Wanted) -> list[Picture]:
    options = wanted.options(MasksOptions)
    pairs = look(wanted)
    pages = draw_pairs(wanted, pairs, atlas.scale_of(pairs), options.rows, options.ids)
    if not pages:
        which = f"row of {', '.join(options.rows)}" if options.rows else "row"
        raise NothingToDraw(
            f"no finished {which} kept a map of a method's own (a mask, a weight, an error or an "
            "attention)"
        )
    if options.rows:
        pages = [replace(page, further=False) for page in pages]
    # The comparison is what most want of this kind: it bears the figure's name.
    return [replace(page, part="") if number == 0 else page for number, page in enumerate(pages)]


def draw_pairs(
    wanted: Wanted, pairs: list[Looked], heat: Heat, rows: Sequence[str], ids: ImageIds
) -> list[Picture]:
    pages = []
    for pair in pairs:
        own = [one for one in kept_rows(wanted, pair, rows) if one[1].of_methods()]
        scenes = in_order(wanted, pair, ids)
        if own:
            pages.append(_comparison(wanted, pair, _most_gained(own), scenes[:COMPARED], heat))
        pages += [_row_page(wanted, pair, one, scenes[0], heat) for one in own]
    return pages


def _row_page(wanted: Wanted, pair: Looked, row: Kept, scene: Scene, heat: Heat) -> Picture:
    """Levels in columns: teacher, this row's student before and after, and its method's maps."""
    cell, own = row
    lines = [pair.teacher] if pair.teacher else []
    lines += [Column("before", own, BEFORE), Column("after", own, STUDENT)]
    lines += [
        Column(name.split(".", 1)[1].replace("_", " "), own, name)
        for name in own.names
        if name.partition(".")[2] in MAPS
        and any(v.ndim == 3 for k, v in own.arrays.items() if k.startswith(f"{name}/"))
    ]
    size = sides(scene, SIDE)
    mosaic = Mosaic(len(lines), 1 + len(pair.levels), size)
    picture = pair.picture(scene, size)
    add_image(mosaic, 0, 0, picture, scene, None)
    for place, line in enumerate(lines):
        for number in range(len(pair.levels)):
            add_map(mosaic, place, number + 1, picture, scene, line.values(number, scene.id), heat)
    titles = ["image", *(level.name for level in pair.levels)]
    figure = new_figure(*mosaic.figure_size(PANEL_WIDTH, titles))
    axes = mosaic.draw(figure, ["\n".join(line.title.split()) for line in lines], titles)
    heat.bar(figure, axes, BAR_LABEL)
    title = wanted.pair_title(pair.group)
    caption = sentences(
        f"{cell.title} ({title}), test image {scene.id}: attention of the teacher, of the student "
        "before and after this training, and the method's own maps, level by level.",
        "Scale as in the atlas.",
    )
    shown = ", ".join(line.title for line in lines)
    alt = f"Heatmaps of {cell.title} over test image {scene.id}: {shown}, by level."
    return Picture(figure, caption, alt, f"{pair.group}-{cell.cell.row}", cell.title, True)


def _most_gained(rows: list[Kept]) -> Kept:
    return max(rows, key=lambda one: _gain(one[0]))


def _gain(cell: CellStatistics) -> float:
    return cell.deltas[HEADLINE].mean if HEADLINE in cell.deltas else -math.inf


def _comparison(
    wanted: Wanted, pair: Looked, row: Kept, scenes: list[Scene], heat: Heat
) -> Picture:
    """As wide as a paper's column: two images by teacher, baseline, this student and its mask."""
    cell, own = row
    name = own.of_methods()[0]
    before = pair.baseline
    columns = [pair.teacher] if pair.teacher else []
    columns += [Column("student\nalone", before, STUDENT)] if before else []
    columns += [
        Column(f"with\n{cell.title}", own, STUDENT),
        Column(column_title(cell.title, name), own, name),
    ]
    level = _telling_level(pair, scenes)
    sizes = [sides(scene, SIDE) for scene in scenes]
    size = (max(s[0] for s in sizes), max(s[1] for s in sizes))
    mosaic = Mosaic(len(scenes), 1 + len(columns), size)
    for place, (scene, own_size) in enumerate(zip(scenes, sizes, strict=True)):
        picture = pair.picture(scene, own_size)
        add_image(mosaic, place, 0, picture, scene, None)
        for number, column in enumerate(columns, start=1):
            add_map(mosaic, place, number, picture, scene, column.values(level, scene.id), heat)
    room = COLUMN_WIDTH - EDGE - BAR_ROOM
    panel = room / mosaic.canvas.shape[1] * size[1]
    titles = ["image", *(column.title for column in columns)]
    figure = new_figure(*mosaic.figure_size(panel, titles, BAR_ROOM, EDGE))
    axes = mosaic.draw(figure, [], titles, BAR_ROOM, 6.5, left=EDGE)
    heat.bar(figure, axes, "times the mean")
    shown = "Two test images" if len(scenes) == COMPARED else "One test image"
    caption = sentences(
        f"{shown} at level {pair.levels[level].name} ({wanted.pair_title(pair.group)}): "
        f"attention of the teacher, of the student trained alone and with {cell.title}, and what "
        f"{cell.title} makes of it ({name}).",
        "Scale as in the atlas; first seed.",
    )
    alt = (
        f"{shown} in {1 + len(columns)} columns at level {pair.levels[level].name}: image, "
        + ", ".join(column.title.replace("\n", " ") for column in columns)
        + "."
    )
    return Picture(figure, caption, alt, f"{pair.group}-two-images", "Two images")


def _telling_level(pair: Looked, scenes: list[Scene]) -> int:
    """Where the teacher looks at boxes most, against elsewhere."""
    if pair.teacher is None:
        return 0
    best, most = 0, 0.0
    for number, level in enumerate(pair.levels):
        if number and min(scene.padded_width for scene in scenes) < FEWEST_CELLS * level.stride:
            continue
        ratios = []
        for scene in scenes:
            values = pair.teacher.values(number, scene.id)
            if values is None:
                continue
            inside = scene.inside(values.shape, level.stride)
            if inside.any() and not inside.all():
                ratios.append(float(values[inside].mean() / values[~inside].mean()))
        if ratios and np.mean(ratios) > most:
            best, most = number, float(np.mean(ratios))
    return best

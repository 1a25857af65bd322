"""The panels of an atlas: an image with its boxes and cells, and a map laid over it."""

from __future__ import annotations

import numpy as np

from analysis.figures.attention import Scene
from analysis.figures.heat import Heat
from analysis.figures.mosaic import Mosaic

SIDE = 160
"""Pixels of a panel's longer side."""
FEWEST_PIXELS = 5
"""Cells narrower than this are not drawn as a lattice: it would hide the image."""
GRID = 0.45
"""Opacity of the lattice of cells."""
BOX, HALO = "#ffffff", "#000000"
BAR_LABEL = "times the mean of the level (masks: 1 kept, black hidden)"


def sides(scene: Scene, longest: int) -> tuple[int, int]:
    """(height, width) in pixels with the image's own proportions."""
    scale = longest / max(scene.height, scene.width)
    return max(1, round(scene.height * scale)), max(1, round(scene.width * scale))


def add_image(
    mosaic: Mosaic, row: int, column: int, picture: np.ndarray, scene: Scene, stride: int | None
) -> None:
    """With the lattice of the level's cells where they are wide enough to be seen."""
    shown = picture
    if stride is not None:
        cell = stride / scene.scale * picture.shape[0] / scene.height
        if cell >= FEWEST_PIXELS:
            shown = picture.copy()
            for axis in (0, 1):
                lines = np.arange(cell, shown.shape[axis] - 0.5, cell).round().astype(np.int64)
                index = (lines, slice(None)) if axis == 0 else (slice(None), lines)
                shown[index] = (1 - GRID) * shown[index] + GRID * np.array([0.1, 0.5, 0.9])
    framed(mosaic, mosaic.add(row, column, shown), scene, shown.shape[0])


def add_map(
    mosaic: Mosaic,
    row: int,
    column: int,
    picture: np.ndarray,
    scene: Scene,
    values: np.ndarray | None,
    heat: Heat,
) -> None:
    """(h, w) over the padded input, laid over the image alone; a dash where there is no map."""
    if values is None:
        mosaic.leave_empty(row, column)
        return
    size = (picture.shape[0], picture.shape[1])
    shown = heat.over(picture, scene.over_image(values, size))
    framed(mosaic, mosaic.add(row, column, shown), scene, size[0])


def framed(mosaic: Mosaic, corner: tuple[int, int], scene: Scene, height: int) -> None:
    scale = height / scene.height
    mosaic.boxes(corner, scene.boxes, scale, HALO, 1.5)
    mosaic.boxes(corner, scene.boxes, scale, BOX, 0.7)

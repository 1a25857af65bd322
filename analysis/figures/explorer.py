"""What a page needs to answer a reader who points at any cell of an image: the vectors of its
cells, small enough to stand in the page."""

from __future__ import annotations

import base64
import io
from typing import Any

import matplotlib
import numpy as np
from matplotlib.colors import to_hex
from PIL import Image

from analysis.figures.asked import Asked
from analysis.figures.attention import Scene
from analysis.figures.looked import Looked
from analysis.figures.panels import sides
from analysis.figures.relation import NETWORKS, Relation
from analysis.figures.signed import COLOURS, Signed

MOST_CELLS = 24
"""On a side: finer levels become blocks of cells."""
SHADES = 33
PICTURE_SIDE, QUALITY = 320, 85
LARGEST = 127
"""Of a signed byte."""


def explorer(asked: Asked, pair: Looked, scale: Signed) -> dict[str, Any]:
    """Of the first image: one is enough to understand by, and each has its price in bytes."""
    scene = asked.scenes[0]
    point = asked.points[scene.id][0]
    names = asked.own.meta.levels
    return {
        "image": str(scene.id),
        "picture": _picture(pair, scene),
        "sides": [scene.width, scene.height],
        "boxes": [
            [
                round(share, 4)
                for share in (
                    x1 / scene.width,
                    y1 / scene.height,
                    (x2 - x1) / scene.width,
                    (y2 - y1) / scene.height,
                )
            ]
            for x1, y1, x2, y2 in scene.boxes
        ],
        "point": [round(share, 4) for share in point],
        "top": round(scale.top, 4),
        "colours": [
            to_hex(matplotlib.colormaps[COLOURS](place)) for place in np.linspace(0, 1, SHADES)
        ],
        "levels": [
            {"name": names[level].name, **_level([one.thinner(MOST_CELLS) for one in relations])}
            for level, relations in sorted(asked.relations[scene.id].items())
        ],
    }


def _level(relations: list[Relation]) -> dict[str, Any]:
    first = relations[0]
    return {
        "rows": first.shape[0],
        "columns": first.shape[1],
        "down": round(first.down, 4),
        "across": round(first.across, 4),
        "networks": [
            {"name": name, **_bytes(one)} for name, one in zip(NETWORKS, relations, strict=True)
        ],
    }


def _bytes(relation: Relation) -> dict[str, Any]:
    """Every channel in whole steps of its own; `weights` turn products of steps into affinities."""
    steps = [np.abs(one).max(axis=(1, 2)) / LARGEST for one in (relation.query, relation.key)]
    kept = (steps[0] > 0) & (steps[1] > 0)
    query, key = (
        base64.b64encode(np.rint(one[kept] / step[kept, None, None]).astype(np.int8).tobytes())
        for one, step in zip((relation.query, relation.key), steps, strict=True)
    )
    weights = (steps[0] * steps[1])[kept]
    return {
        "weights": [float(f"{weight:.5g}") for weight in weights],
        "query": query.decode("ascii"),
        "key": key.decode("ascii"),
    }


def _picture(pair: Looked, scene: Scene) -> str:
    pixels = pair.picture(scene, sides(scene, PICTURE_SIDE))  # (H, W, 3) in 0..1
    held = io.BytesIO()
    Image.fromarray((pixels * 255 + 0.5).astype(np.uint8)).save(held, "JPEG", quality=QUALITY)
    return "data:image/jpeg;base64," + base64.b64encode(held.getvalue()).decode("ascii")

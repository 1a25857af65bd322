"""Names beside points, moved apart where they would cover one another."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backend_bases import RendererBase
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.patheffects import withStroke
from matplotlib.text import Annotation, Text
from matplotlib.transforms import Bbox

AROUND = ((1, 0), (0, 1), (0, -1), (-1, 0), (1, 1), (1, -1), (-1, 1), (-1, -1))
DISTANCES = (5.0, 11.0, 18.0, 26.0, 38.0, 52.0)
"""Points; further ones are joined to their point by a line."""
ALIGNED = {1: "left", 0: "center", -1: "right"}
STOOD = {1: "bottom", 0: "center", -1: "top"}


def label_points(
    axes: Axes, points: Sequence[tuple[float, float]], names: Sequence[str], size: float = 7.0
) -> None:
    """Each name takes the first free place around its point, the nearest first."""
    canvas = axes.figure.canvas
    assert isinstance(canvas, FigureCanvasAgg)
    axes.figure.draw_without_rendering()  # type: ignore[union-attr]
    renderer = canvas.get_renderer()
    pixels = axes.transData.transform(np.asarray(points, np.float64).reshape(-1, 2))  # (P, 2)
    taken = [Bbox.from_bounds(x - 4, y - 4, 8, 8) for x, y in pixels]
    frame = axes.get_window_extent(renderer)
    for (x, y), name in zip(points, names, strict=True):
        best = None
        for distance in DISTANCES:
            for right, up in AROUND:
                arrow = {"arrowstyle": "-", "color": "#999999", "linewidth": 0.5}
                text = axes.annotate(
                    name,
                    (x, y),
                    (right * distance, up * distance),
                    textcoords="offset points",
                    ha=ALIGNED[right],
                    va=STOOD[up],
                    fontsize=size,
                    arrowprops=arrow if distance > DISTANCES[0] else None,
                    annotation_clip=False,
                    path_effects=[withStroke(linewidth=2, foreground="white")],
                )
                box = _extent(text, renderer)
                inside = frame.x0 <= box.x0 and box.x1 <= frame.x1
                inside &= frame.y0 <= box.y0 and box.y1 <= frame.y1
                clashes = sum(box.overlaps(other) for other in taken) + 2 * (not inside)
                if best is None or clashes < best[0]:
                    if best is not None:
                        best[1].remove()
                    best = (clashes, text, box)
                else:
                    text.remove()
                if not best[0]:
                    break
            if best is not None and not best[0]:
                break
        if best is not None:
            taken.append(best[2])


def _extent(text: Annotation, renderer: RendererBase) -> Bbox:
    """Of the letters alone: the line to the point may cross others."""
    text.update_positions(renderer)
    return Text.get_window_extent(text, renderer)

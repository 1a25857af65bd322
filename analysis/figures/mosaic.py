"""Many panels as one picture: a single raster for all images, vectors for boxes and words."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure

from analysis.figures.style import GREY, INK

GAP = 4
"""Pixels between panels."""
EMPTY = 0.93
"""Grey of a panel that has nothing to show."""
Box = tuple[float, float, float, float]
MARGIN_LEFT, MARGIN_RIGHT, MARGIN_BOTTOM = 0.42, 0.75, 0.05
LINE = 0.125
"""Inches of a line of a column's title."""


@dataclass
class Mosaic:
    """Panels of one size in rows and columns; smaller images are centred in theirs."""

    rows: int
    columns: int
    size: tuple[int, int]
    """Height and width of a panel in pixels."""
    band: int = 0
    """Rows after which columns start anew, below titles of their own; 0: never."""
    room: int = 0
    """Pixels above a further band, for its titles."""
    canvas: np.ndarray = field(init=False)
    lines: dict[tuple[str, float], list[list[tuple[float, float]]]] = field(default_factory=dict)
    words: list[tuple[float, float, str, dict[str, object]]] = field(default_factory=list)

    def __post_init__(self) -> None:
        height = self.corner(self.rows - 1, 0)[0] + self.size[0]
        width = self.columns * (self.size[1] + GAP) - GAP
        self.canvas = np.ones((height, width, 3))

    def corner(self, row: int, column: int) -> tuple[int, int]:
        further = row // self.band if self.band else 0
        return row * (self.size[0] + GAP) + further * self.room, column * (self.size[1] + GAP)

    def add(self, row: int, column: int, image: np.ndarray) -> tuple[int, int]:
        """Puts (h, w, 3) into its panel; where its corner (top, left) came to lie."""
        top, left = self.corner(row, column)
        top += (self.size[0] - image.shape[0]) // 2
        left += (self.size[1] - image.shape[1]) // 2
        self.canvas[top : top + image.shape[0], left : left + image.shape[1]] = image
        return top, left

    def leave_empty(self, row: int, column: int, why: str = "–") -> None:
        top, left = self.corner(row, column)
        self.canvas[top : top + self.size[0], left : left + self.size[1]] = EMPTY
        place = (left + self.size[1] / 2, top + self.size[0] / 2)
        self.words.append((*place, why, {"ha": "center", "va": "center", "color": GREY}))

    def boxes(
        self, corner: tuple[int, int], boxes: Sequence[Box], scale: float, colour: str, width: float
    ) -> None:
        """Image pixels times `scale` are panel pixels."""
        top, left = corner
        for x1, y1, x2, y2 in boxes:
            xs = (left + x1 * scale, left + x2 * scale)
            ys = (top + y1 * scale, top + y2 * scale)
            around = [(xs[0], ys[0]), (xs[1], ys[0]), (xs[1], ys[1]), (xs[0], ys[1])]
            self.lines.setdefault((colour, width), []).append([*around, around[0]])

    @staticmethod
    def margin_top(titles: Sequence[str]) -> float:
        return 0.08 + LINE * max((1 + title.count("\n") for title in titles), default=0)

    def figure_size(
        self,
        panel_width: float,
        titles: Sequence[str] = (),
        right: float = MARGIN_RIGHT,
        left: float = MARGIN_LEFT,
    ) -> tuple[float, float]:
        """Inches, for panels of this width."""
        scale = panel_width / self.size[1]
        height, width = self.canvas.shape[:2]
        return (
            width * scale + left + right,
            height * scale + self.margin_top(titles) + MARGIN_BOTTOM,
        )

    def draw(
        self,
        figure: Figure,
        row_titles: Sequence[str] = (),
        column_titles: Sequence[str] = (),
        right: float = MARGIN_RIGHT,
        size: float = 7.0,
        bottom: float = MARGIN_BOTTOM,
        left: float = MARGIN_LEFT,
    ) -> Axes:
        figure.set_layout_engine("none")
        width, height = figure.get_size_inches()
        top = self.margin_top(column_titles)
        frame = (
            left / width,
            bottom / height,
            1 - (left + right) / width,
            1 - (top + bottom) / height,
        )
        axes = figure.add_axes(frame)
        axes.set_axis_off()
        pixels = self.canvas.shape[:2]
        shown = (np.clip(self.canvas, 0, 1) * 255 + 0.5).astype(np.uint8)
        axes.imshow(shown, extent=(0, pixels[1], pixels[0], 0), interpolation="nearest")
        for (colour, line_width), lines in self.lines.items():
            drawn = LineCollection(lines, colors=colour, linewidths=line_width)
            axes.add_collection(drawn, autolim=False)
        for x, y, text, how in self.words:
            axes.text(x, y, text, **{"fontsize": size - 1, **how})  # type: ignore[arg-type]
        for row, title in enumerate(row_titles):
            top, _ = self.corner(row, 0)
            axes.text(
                -GAP * 1.5,
                top + self.size[0] / 2,
                title,
                ha="right",
                va="center",
                rotation=90 if len(title) > 3 else 0,
                fontsize=size,
                color=INK,
            )
        for place, title in enumerate(column_titles):  # band by band
            above, left = self.corner(place // self.columns * self.band, place % self.columns)
            axes.text(
                left + self.size[1] / 2,
                above - GAP,
                title,
                ha="center",
                va="bottom",
                fontsize=size,
                color=INK,
                linespacing=1.1,
            )
        return axes

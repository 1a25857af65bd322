"""What a scene of the digits benchmark consists of besides digits: texture, patches, strokes."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from workflow.data.digits_options import SIDE

Canvas = NDArray[np.float64]  # (SIDE, SIDE, 3), 0 to 255
Random = np.random.Generator


def background(rng: Random) -> Canvas:
    """A coloured ground with noise of several grain sizes, at times with stripes or checks."""
    ground = rng.uniform(30, 225, 3)
    canvas = np.broadcast_to(ground, (SIDE, SIDE, 3)).copy()
    strength = rng.uniform(6, 46)
    for cells in (2, 5, 11, 24, 52):
        if rng.random() < 0.7:
            canvas += strength * rng.random() * _noise(rng, cells)
    if rng.random() < 0.5:
        canvas += _pattern(rng)[..., None] * rng.uniform(-40, 40, 3)
    return np.clip(canvas, 0, 255)


def _noise(rng: Random, cells: int) -> Canvas:
    """(SIDE, SIDE, 3) smooth coloured noise between -1 and 1."""
    grain = rng.integers(0, 256, (cells, cells, 3), dtype=np.uint8)
    if rng.random() < 0.5:  # grey as often as coloured
        grain[...] = grain[..., :1]
    smooth = Image.fromarray(grain).resize((SIDE, SIDE), Image.Resampling.BICUBIC)
    return np.asarray(smooth).astype(np.float64) / 127.5 - 1


def _pattern(rng: Random) -> NDArray[np.float64]:
    """(SIDE, SIDE) stripes or checks between -1 and 1, at any slope."""
    rows, columns = np.mgrid[:SIDE, :SIDE]
    wave = _triangle(rng, columns, rows)
    if rng.random() < 0.4:
        wave = wave * _triangle(rng, rows, -columns)
    return np.clip(wave * rng.uniform(1, 5), -1, 1)


def _triangle(
    rng: Random, columns: NDArray[np.int64], rows: NDArray[np.int64]
) -> NDArray[np.float64]:
    position = (columns + rng.uniform(-1, 1) * rows) / rng.uniform(7, 40) + rng.random()
    return 4 * np.abs(position % 1 - 0.5) - 1


def place(stamp: NDArray[np.uint8], left: int, top: int) -> NDArray[np.uint8]:
    """(SIDE, SIDE) with the stamp at that place, cut off at the borders."""
    whole = np.zeros((SIDE, SIDE), np.uint8)
    height, width = stamp.shape
    x1, y1 = max(left, 0), max(top, 0)
    x2, y2 = min(left + width, SIDE), min(top + height, SIDE)
    if x1 < x2 and y1 < y2:
        whole[y1:y2, x1:x2] = stamp[y1 - top : y2 - top, x1 - left : x2 - left]
    return whole


def blend(canvas: Canvas, alpha: NDArray[np.uint8], colour: NDArray[np.float64]) -> None:
    """Paints `colour` with opacity `alpha` of 255, in place."""
    rows, columns = np.flatnonzero(alpha.any(axis=1)), np.flatnonzero(alpha.any(axis=0))
    if not len(rows):
        return
    window = slice(rows[0], rows[-1] + 1), slice(columns[0], columns[-1] + 1)
    canvas[window] += (colour - canvas[window]) * (alpha[window][..., None] / 255)


def patch(rng: Random, canvas: Canvas) -> NDArray[np.bool_]:
    """Paints a see-through or solid shape of four corners or an ellipse; returns what it hides."""
    alpha = Image.new("L", (SIDE, SIDE))
    pen = ImageDraw.Draw(alpha)
    solid = rng.random() < 0.5
    opacity = 255 if solid else int(rng.integers(70, 160))
    x, y = (int(value) for value in rng.integers(-10, SIDE, 2))
    width, height, lean = (int(value) for value in rng.integers((8, 8, -12), (56, 56, 13)))
    if rng.random() < 0.4:
        pen.ellipse([x, y, x + width, y + height], fill=opacity)
    else:
        right, bottom = x + width, y + height
        pen.polygon(
            [(x, y), (right, y + lean), (right + lean, bottom), (x + lean, bottom - lean)],
            fill=opacity,
        )
    painted = np.asarray(alpha)
    blend(canvas, painted, rng.uniform(20, 235, 3))
    return (painted > 0) & solid


def stroke(rng: Random, canvas: Canvas) -> NDArray[np.bool_]:
    """Paints an open curve such as a pen leaves, no digit; returns where."""
    alpha = Image.new("L", (SIDE, SIDE))
    start = rng.uniform(-8, SIDE + 8, 2)
    reach = rng.uniform(10, 60)
    bends = start + rng.uniform(-reach, reach, (3, 2))
    times = np.arange(17)[:, None] / 16
    back = 1 - times  # a cubic Bezier curve, (17, 2)
    curve = back * back * back * start + 3 * back * back * times * bends[0]
    curve = curve + 3 * back * times * times * bends[1] + times * times * times * bends[2]
    points = [(float(px), float(py)) for px, py in curve]
    pen_width = int(rng.integers(1, 6))
    ImageDraw.Draw(alpha).line(points, fill=255, width=pen_width, joint="curve")
    painted = np.asarray(alpha)
    middle = curve[8].clip(0, SIDE - 1).astype(int)
    under = canvas[middle[1], middle[0]]
    shade = rng.uniform(30, 140) * (1 if under.mean() < 128 else -1)
    blend(canvas, painted, np.clip(under + shade + rng.uniform(-25, 25, 3), 0, 255))
    return painted > 0

"""One scene of the digits benchmark: background, clutter, digits, occluders, noise."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFilter

from workflow.data import backdrop
from workflow.data.backdrop import Canvas, Random
from workflow.data.digits_options import CLASSES, SIDE
from workflow.data.glyphs import render

COUNT_WEIGHTS = (0.04, 0.10, 0.13, 0.14, 0.14, 0.13, 0.12, 0.11, 0.09)
"""Chance of 0 to 8 digits."""
HEIGHTS = (10.0, 68.0)
"""Of a digit, log-uniform: each octave gets the same share, so no size dominates AP."""
MOST_CONTRAST = 170.0
"""Grey levels between a digit's ink and what lies under it; log-uniform, so hard ones abound."""
LEAST_VISIBLE = 0.6
"""Share of its ink that a digit must keep, whatever covers it."""
MOST_OVERLAP = 0.35
"""Of the smaller of two digits' boxes: more, and a reader too would call it one blot."""
INKED = 110
"""Opacity (of 255) from which a pixel counts as the digit's, for masks and boxes."""


Box = tuple[int, int, int, int]  # x, y, width, height


@dataclass
class Digit:
    """One pasted digit and what is still seen of it."""

    scan: int
    label: int
    contrast: float
    ink: int  # inked pixels of the whole glyph, in the image or not
    seen: NDArray[np.bool_]  # (SIDE, SIDE)

    def box(self) -> Box:
        return _box(self.seen)

    def visible(self) -> float:
        return int(self.seen.sum()) / self.ink


@dataclass
class Scene:
    pixels: NDArray[np.uint8]  # (SIDE, SIDE, 3)
    digits: list[Digit] = field(default_factory=list)


def compose(rng: Random, hands: tuple[NDArray[np.int64], ...], least_contrast: float) -> Scene:
    """Draws a scene with scans from `hands` (one array of scan numbers per class)."""
    canvas = backdrop.background(rng)
    for _ in range(int(rng.integers(0, 6))):
        backdrop.patch(rng, canvas)
    for _ in range(int(rng.integers(0, 5))):
        backdrop.stroke(rng, canvas)
    digits: list[Digit] = []
    for _ in range(int(rng.choice(len(COUNT_WEIGHTS), p=COUNT_WEIGHTS))):
        _add_digit(rng, canvas, digits, hands, least_contrast)
    for _ in range(int(rng.integers(0, 5))):
        _cover(rng, canvas, digits)
    return Scene(_develop(rng, canvas), digits)


def _add_digit(
    rng: Random,
    canvas: Canvas,
    digits: list[Digit],
    hands: tuple[NDArray[np.int64], ...],
    least_contrast: float,
) -> None:
    """Pastes one digit; a place that hides another too much is tried again, then given up."""
    label = int(rng.integers(len(CLASSES)))
    scan = int(hands[label][rng.integers(len(hands[label]))])
    height = HEIGHTS[0] * (HEIGHTS[1] / HEIGHTS[0]) ** rng.random()
    glyph = render(
        scan,
        height,
        aspect=rng.uniform(0.75, 1.2),
        degrees=rng.uniform(-18, 18),
        shear=rng.uniform(-0.25, 0.25),
    )
    if not (glyph >= INKED).any():  # a scan too faint to be seen at this size
        return
    x, y, across, down = _box(glyph >= INKED)
    opacity = glyph[y : y + down, x : x + across]
    ink = int((opacity >= INKED).sum())
    overhang = 0.12  # of its size may lie outside the image
    for _ in range(12):
        left = round(rng.uniform(-overhang * across, SIDE - (1 - overhang) * across))
        top = round(rng.uniform(-overhang * down, SIDE - (1 - overhang) * down))
        alpha = backdrop.place(opacity, left, top)
        mask = alpha >= INKED
        if mask.sum() < LEAST_VISIBLE * ink or not _may_cover(mask, digits):
            continue
        box = _box(mask)
        if all(_overlap(box, digit.box()) <= MOST_OVERLAP for digit in digits):
            contrast = least_contrast * (MOST_CONTRAST / least_contrast) ** rng.random()
            colour = _ink_colour(rng, canvas, mask, contrast)
            backdrop.blend(canvas, alpha, colour)
            _hide(mask, digits)
            digits.append(Digit(scan, label, contrast, ink, mask))
            return


def _box(mask: NDArray[np.bool_]) -> Box:
    columns = np.flatnonzero(mask.any(axis=0))
    rows = np.flatnonzero(mask.any(axis=1))
    left, top = int(columns[0]), int(rows[0])
    return left, top, int(columns[-1]) + 1 - left, int(rows[-1]) + 1 - top


def _overlap(one: Box, other: Box) -> float:
    """Share of the smaller box that lies in the other."""
    width = min(one[0] + one[2], other[0] + other[2]) - max(one[0], other[0])
    height = min(one[1] + one[3], other[1] + other[3]) - max(one[1], other[1])
    return max(0, width) * max(0, height) / min(one[2] * one[3], other[2] * other[3])


def _ink_colour(
    rng: Random, canvas: Canvas, mask: NDArray[np.bool_], contrast: float
) -> NDArray[np.float64]:
    """(3,) a colour `contrast` grey levels lighter or darker than the mean under the mask."""
    under = canvas[mask].mean(axis=0)
    grey = float(under.mean())
    sign = 1 if rng.random() < 0.5 else -1
    if not 0 <= grey + sign * contrast <= 255:
        sign = -sign
    tint = rng.uniform(-25, 25, 3)
    return np.clip(under + sign * contrast + tint - tint.mean(), 0, 255)


def _may_cover(mask: NDArray[np.bool_], digits: list[Digit]) -> bool:
    return all((d.seen & ~mask).sum() >= LEAST_VISIBLE * d.ink for d in digits)


def _hide(mask: NDArray[np.bool_], digits: list[Digit]) -> None:
    for digit in digits:
        digit.seen &= ~mask


def _cover(rng: Random, canvas: Canvas, digits: list[Digit]) -> None:
    """Lays a patch or a stroke on top of everything, unless it hides too much."""
    trial = canvas.copy()
    shape = backdrop.patch if rng.random() < 0.4 else backdrop.stroke
    hidden = shape(rng, trial)
    if _may_cover(hidden, digits):
        canvas[...] = trial
        _hide(hidden, digits)


def _develop(rng: Random, canvas: Canvas) -> NDArray[np.uint8]:
    """Lens and sensor: sometimes a little blur, always a little noise."""
    image = Image.fromarray(np.clip(np.rint(canvas), 0, 255).astype(np.uint8))
    if rng.random() < 0.5:
        image = image.filter(ImageFilter.BoxBlur(rng.uniform(0.2, 0.9)))
    level = int(rng.integers(1, 14))
    noise = rng.integers(-level, level + 1, (SIDE, SIDE, 3))
    return np.clip(np.asarray(image).astype(np.int64) + noise, 0, 255).astype(np.uint8)

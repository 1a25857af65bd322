"""One colour scale for everything that says how much a cell counts, and its overlay on images."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import LogNorm
from matplotlib.figure import Figure

COLOURS = "magma"
"""Even steps to the eye, and readable in grey and with every kind of colour vision."""
OPACITY = 0.72
SMALLEST, LARGEST = 2.0, 32.0
TOP_SHARE = 98.0
"""Percentile of all shown values that the scale must reach: for the sake of a few peaks, a longer
one would make everything else look the same."""
GREY_WEIGHTS = (0.299, 0.587, 0.114)


@dataclass(frozen=True)
class Heat:
    """A logarithmic scale from 1/top to top: 1 is the mean of a level, or 'kept' in a mask."""

    top: float

    @property
    def norm(self) -> LogNorm:
        return LogNorm(1 / self.top, self.top)

    def over(self, image: np.ndarray, values: np.ndarray) -> np.ndarray:
        """Colours (H, W, 3) of values (H, W) laid over the grey image (H, W, 3)."""
        grey = (image @ np.array(GREY_WEIGHTS))[..., None]
        return OPACITY * self.colours(values) + (1 - OPACITY) * grey

    def colours(self, values: np.ndarray) -> np.ndarray:
        """What is 0, hidden, is black, as everything below the scale."""
        place = np.log(np.maximum(values, 1e-12)) / math.log(self.top)  # -1..1
        table = _table()
        index = np.clip((place + 1) / 2 * len(table), 0, len(table) - 1).astype(np.int64)
        colours = table[index]
        colours[values < 1 / self.top] = 0.0
        return colours

    def bar(self, figure: Figure, beside: Axes, label: str) -> None:
        """A colour bar in the page's right margin."""
        box, (width, height) = beside.get_position(), figure.get_size_inches()
        tall = min(box.height, 2.6 / height)
        axes = figure.add_axes((box.x1 + 0.09 / width, box.y1 - tall, 0.1 / width, tall))
        mapping = ScalarMappable(
            self.norm, matplotlib.colormaps[COLOURS].with_extremes(under="0.1")
        )
        bar = figure.colorbar(mapping, cax=axes, extend="both")
        ticks = [2.0**power for power in _powers(self.top)]
        bar.set_ticks(ticks, labels=[_told(tick) for tick in ticks])
        bar.ax.minorticks_off()
        bar.ax.tick_params(labelsize=6.5, length=2, pad=1.5)
        bar.outline.set_linewidth(0.4)
        bar.set_label(label, fontsize=6.5, labelpad=2)


def common(values: Iterable[np.ndarray]) -> Heat:
    """The scale that all panels of a figure share, a power of two."""
    every = [np.ravel(one) for one in values]
    high = float(np.percentile(np.concatenate(every), TOP_SHARE)) if every else SMALLEST
    power = math.ceil(math.log2(max(high, SMALLEST)))
    return Heat(min(2.0**power, LARGEST))


def mean_one(values: np.ndarray) -> np.ndarray:
    """Divided by its mean, for maps whose unit is their own."""
    mean = values.mean()
    return values / mean if mean > 0 else values


def _table() -> np.ndarray:
    return np.asarray(matplotlib.colormaps[COLOURS](np.linspace(0, 1, 256)))[:, :3]


def _powers(top: float) -> range:
    power = round(math.log2(top))
    step = 1 if power <= 3 else 2
    return range(-(power // step) * step, power + 1, step)


def _told(tick: float) -> str:
    return f"{tick:g}" if tick >= 1 else f"1/{1 / tick:g}"

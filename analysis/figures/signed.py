"""A colour scale for values with a sign, white at 0, laid over images."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize
from matplotlib.figure import Figure

from analysis.figures.heat import GREY_WEIGHTS, OPACITY, TOP_SHARE

COLOURS = "PuOr_r"
"""Orange above 0, purple below: told apart with every kind of colour vision."""


@dataclass(frozen=True)
class Signed:
    top: float

    def over(self, image: np.ndarray, values: np.ndarray) -> np.ndarray:
        grey = (image @ np.array(GREY_WEIGHTS))[..., None]
        place = np.clip(values / self.top, -1, 1) / 2 + 0.5
        return (
            OPACITY * np.asarray(matplotlib.colormaps[COLOURS](place))[..., :3]
            + (1 - OPACITY) * grey
        )

    def bar(self, figure: Figure, beside: Axes, label: str) -> None:
        box, (width, height) = beside.get_position(), figure.get_size_inches()
        tall = min(box.height, 2.6 / height)
        axes = figure.add_axes((box.x1 + 0.09 / width, box.y1 - tall, 0.1 / width, tall))
        mapping = ScalarMappable(Normalize(-self.top, self.top), COLOURS)
        bar = figure.colorbar(mapping, cax=axes, extend="both")
        bar.ax.tick_params(labelsize=6.5, length=2, pad=1.5)
        bar.outline.set_linewidth(0.4)
        bar.set_label(label, fontsize=6.5, labelpad=2)


def symmetric(values: Sequence[np.ndarray]) -> Signed:
    every = np.concatenate([np.abs(np.ravel(one)) for one in values])
    return Signed(max(float(np.percentile(every, TOP_SHARE)), 1e-6))

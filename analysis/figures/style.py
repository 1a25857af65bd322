"""How every figure looks, and how it becomes a file: the same bytes from the same data."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import matplotlib
from matplotlib.axis import Axis
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.ticker import LogFormatter

DPI = 160
PAGE_WIDTH = 7.2
"""Inches of a page's text; a paper's column is a little less than half."""
COLUMN_WIDTH = 3.4
INK, GREY, FAINT = "#222222", "#666666", "#bbbbbb"
HELPS, HURTS = "#0072B2", "#D55E00"
"""Blue and vermilion: told apart with every kind of colour vision, and in grey by lightness."""

# Okabe and Ito's set without its yellow, and Tol's muted set for the rest.
METHOD_COLOURS = {
    "amd": "#D55E00",
    "mgd": "#0072B2",
    "fgd": "#009E73",
    "fkd": "#CC79A7",
    "ssim": "#E69F00",
    "pkd": "#56B4E9",
    "cwd": "#882255",
    "icd": "#332288",
    "l1": "#999933",
    "l2": "#44AA99",
    "fitnet": "#8C564B",
    "fgfi": "#117733",
}
FURTHER_COLOURS = ("#AA4499", "#6699CC", "#661100", "#DDAA33", "#4477AA", "#228833", "#AA3377")
MARKERS = "osD^vPX<>ph*"
Dash = Literal["-"] | tuple[float, tuple[float, ...]]
DASHES: tuple[Dash, ...] = (
    "-",
    (0, (5, 1)),
    (0, (3, 1, 1, 1)),
    (0, (1, 1)),
)

# Beside a figure's own sizes and inks, this is seaborn's white grid at a paper's size, written out:
# to import seaborn takes longer than to draw most figures.
SETTINGS: dict[Any, Any] = {
    "font.family": "DejaVu Sans",  # comes with matplotlib: the same letters on every machine
    "font.size": 8.0,
    "axes.titlesize": 8.5,
    "axes.labelsize": 8.0,
    "xtick.labelsize": 7.0,
    "ytick.labelsize": 7.0,
    "legend.fontsize": 7.0,
    "legend.frameon": False,
    "axes.edgecolor": GREY,
    "axes.linewidth": 0.6,
    "grid.color": "#e4e4e4",
    "grid.linewidth": 0.5,
    "lines.linewidth": 1.3,
    "lines.markersize": 4.5,
    "text.color": INK,
    "text.parse_math": False,  # a title may speak of dollars
    "axes.labelcolor": INK,
    "pdf.fonttype": 42,  # letters stay letters: searchable, and editable by publishers
    "pdf.compression": 9,
    "image.interpolation": "nearest",
    "axes.axisbelow": True,
    "axes.grid": True,
    "legend.title_fontsize": 9.6,
    "lines.solid_capstyle": "round",
    "patch.edgecolor": "w",
    "patch.force_edgecolor": True,
    "patch.linewidth": 0.8,
    "xtick.bottom": False,
    "xtick.color": ".15",
    "xtick.major.size": 4.8,
    "xtick.major.width": 1.0,
    "xtick.minor.size": 3.2,
    "xtick.minor.width": 0.8,
    "ytick.left": False,
    "ytick.color": ".15",
    "ytick.major.size": 4.8,
    "ytick.major.width": 1.0,
    "ytick.minor.size": 3.2,
    "ytick.minor.width": 0.8,
}


@dataclass(frozen=True)
class Look:
    """Colour is never alone: every row differs in its marker or its dashes too."""

    colour: str
    marker: str
    dash: Dash


@contextmanager
def applied() -> Iterator[None]:
    """The style for everything drawn inside, and nothing of it left behind."""
    with matplotlib.rc_context():
        matplotlib.rcdefaults()  # a matplotlibrc of the user's is for their own figures
        matplotlib.rcParams.update(SETTINGS)
        yield


def looks(rows: Sequence[tuple[str, Sequence[str]]]) -> dict[str, Look]:
    """Row -> look, from (row, method keys). A method's own row looks the same in every figure;
    its variants, and rows of methods unknown here, take colours that are left."""
    found: dict[str, Look] = {}
    greys = (INK, GREY, "#999999", FAINT)
    plain = [row for row, methods in rows if not methods]
    for number, row in enumerate(plain):
        found[row] = Look(
            greys[number % len(greys)], MARKERS[number % len(MARKERS)], DASHES[number % 4]
        )
    order = [row for row, methods in rows if methods]
    own = {row for row in order if row in METHOD_COLOURS}
    taken = {METHOD_COLOURS[row] for row in own}
    every = (*METHOD_COLOURS.values(), *FURTHER_COLOURS)
    for row in sorted(order):
        if row in own:
            colour = METHOD_COLOURS[row]
        else:
            colour = _free(every, taken, row)
            taken.add(colour)
        slot = every.index(colour)
        found[row] = Look(colour, MARKERS[slot % len(MARKERS)], DASHES[slot % len(DASHES)])
    return found


def _free(every: Sequence[str], taken: set[str], name: str) -> str:
    """The first colour that is left, counted from a place that the name alone decides."""
    start = int(hashlib.sha256(name.encode()).hexdigest(), 16) % len(every)
    turned = (*every[start:], *every[:start])
    return next((colour for colour in turned if colour not in taken), turned[0])


def new_figure(width: float = PAGE_WIDTH, height: float = 3.0) -> Figure:
    """No pyplot: nothing is kept once the figure is forgotten."""
    figure = Figure(figsize=(width, height), layout="constrained")
    FigureCanvasAgg(figure)
    return figure


class _PlainPowers(LogFormatter):
    """0.01, where matplotlib would write a formula."""

    def __call__(self, x: float, pos: int | None = None) -> str:
        return self.fix_minus(f"{x:g}") if super().__call__(x, pos) else ""


def plain_powers(axis: Axis) -> None:
    """For a logarithmic axis."""
    axis.set_major_formatter(_PlainPowers())
    axis.set_minor_formatter(_PlainPowers(labelOnlyBase=False))


def save(figure: Figure, folder: Path, stem: str) -> dict[str, str]:
    """Both formats, without date, program or version in them."""
    folder.mkdir(parents=True, exist_ok=True)
    png = {"Software": None}
    pdf = {"Creator": None, "Producer": None, "CreationDate": None}
    files = {}
    for kind, metadata in (("png", png), ("pdf", pdf)):
        target = folder / f"{stem}.{kind}"
        partial = folder / f".{stem}.{os.getpid()}.{kind}"
        try:
            figure.savefig(partial, format=kind, dpi=DPI, metadata=metadata)
            # To find each thing its place takes as long as to draw it: the other format follows.
            figure.set_layout_engine("none")
            os.replace(partial, target)
        finally:
            partial.unlink(missing_ok=True)
        files[kind] = target.name
    return files

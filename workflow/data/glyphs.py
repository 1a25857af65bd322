"""The handwritten digits that scenes are made of: scikit-learn's 1,797, dealt out to the splits.

Everything that ends in pixels avoids BLAS, vectorised transcendentals and OpenCV: their last bits
depend on the processor, and the benchmark must be the same to the byte everywhere.
"""

from __future__ import annotations

import math
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from workflow.data.digits_options import CLASSES, SPLITS

SHARES = {"train": 0.6, "tune": 0.1, "test": 0.3}
"""Of each class's instances; whatever the number of images, so splits never share an instance."""
INK = (56, 150)
"""Grey values (of 255) where a stroke begins and where it is opaque: 8x8 scans are soft, and
without this a large digit would be a blur with no edge for a box to be right about."""

CONTRAST_CURVE = np.array(
    [min(255, max(0, (grey - INK[0]) * 255 // (INK[1] - INK[0]))) for grey in range(256)], np.uint8
)


@lru_cache(maxsize=1)
def scans() -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """All scans as (1797, 8, 8) grey values up to 255, and their classes."""
    images, classes = _read()
    grey = np.rint(images * (255 / 16)).astype(np.uint8)
    return grey, classes.astype(np.int64)


def _read() -> tuple[NDArray[Any], NDArray[Any]]:
    """From the file of `sklearn.datasets.load_digits`: to import that takes longer than to draw a
    small set, and every program that makes or verifies one would wait for it."""
    package = find_spec("sklearn")
    if package is not None and package.origin is not None:
        file = Path(package.origin).parent / "datasets" / "data" / "digits.csv.gz"
        if file.is_file():
            table = np.loadtxt(file, delimiter=",")  # (1797, 65): the last is the class
            return table[:, :-1].reshape(-1, 8, 8), table[:, -1]
    # Another release may keep it elsewhere.
    from sklearn.datasets import load_digits

    digits = load_digits()
    return digits.images, digits.target


@lru_cache(maxsize=4)
def deal(seed: int) -> dict[str, tuple[NDArray[np.int64], ...]]:
    """For each split, the scan numbers of each class; every scan belongs to one split."""
    _, classes = scans()
    hands: dict[str, list[NDArray[np.int64]]] = {split: [] for split in SPLITS}
    for label in range(len(CLASSES)):
        members = np.flatnonzero(classes == label)
        members = np.random.default_rng([seed, label]).permutation(members)
        ends = np.rint(np.cumsum([SHARES[split] for split in SPLITS]) * len(members)).astype(int)
        for split, hand in zip(SPLITS, np.split(members, ends[:-1]), strict=True):
            hands[split].append(np.sort(hand))
    return {split: tuple(hand) for split, hand in hands.items()}


def render(
    scan: int, height: float, aspect: float, degrees: float, shear: float
) -> NDArray[np.uint8]:
    """(side, side) opacity of one digit in the middle, `height` pixels high before turning."""
    grey, _ = scans()
    source = Image.fromarray(np.pad(grey[scan], 1))
    width = height * aspect
    cosine, sine = math.cos(math.radians(degrees)), math.sin(math.radians(degrees))
    side = math.ceil(1.3 * max(height, width)) + 2
    # Output pixel -> centre it, turn back, undo the shear and the scale -> scan pixel.
    across, down = 8 / width, 8 / height
    a, b = across * (cosine - shear * sine), across * (sine + shear * cosine)
    d, e = -down * sine, down * cosine
    middle = side / 2
    matrix = (a, b, 5 - (a + b) * middle, d, e, 5 - (d + e) * middle)
    soft = source.transform((side, side), Image.Transform.AFFINE, matrix, Image.Resampling.BICUBIC)
    return CONTRAST_CURVE[np.asarray(soft)]

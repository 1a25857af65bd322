"""What is known of the digits benchmark without making it. Imports no numpy."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from methods.settings.base import Frozen

SPLITS = ("train", "tune", "test")
CLASSES = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
SIDE = 128
"""Of every image, in pixels."""
AREA_LIMITS = {"small": [0, 16**2], "medium": [16**2, 30**2], "large": [30**2, 1e10]}
"""About a third of the boxes each."""
PIXEL_MEAN = (127.5, 127.5, 127.5)
PIXEL_STD = (60.0, 60.0, 60.0)
"""RGB; colours are drawn evenly, so no channel stands out. A test measures them."""


class DigitsOptions(Frozen):
    """What decides every byte of the set."""

    version: Literal[1] = 1
    seed: int = Field(0, ge=0)
    train: int = Field(2000, ge=1)
    tune: int = Field(300, ge=1)
    test: int = Field(700, ge=1)
    contrast: float = Field(70.0, ge=10, le=150)
    """Of the faintest digits, in grey levels between the ink and what lies under it: the lower, the
    harder the set. From about 50 down, short trainings learn little from it."""

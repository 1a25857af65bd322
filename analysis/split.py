"""The split that runs are judged on, and what follows from it: files and words."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

Split = Literal["test", "tune"]
REPORTED: Split = "test"
"""What tables report; `tune` is for choosing weights."""


def metrics_of(folder: Path, split: str) -> Path:
    return folder / f"metrics{_suffix(split)}.json"


def predictions_of(folder: Path, split: str) -> Path:
    return folder / f"predictions{_suffix(split)}.json.gz"


def images_of(split: str) -> str:
    """`test images`: what intervals over images, galleries and counts are about."""
    return f"{split} images"


def _suffix(split: str) -> str:
    return "" if split == REPORTED else f"-{split}"

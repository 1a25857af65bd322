"""On which split a run is judged, and how the files are called that say so. Imports no torch."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

Split = Literal["test", "tune"]
REPORTED: Split = "test"
"""What tables report; `tune` is for choosing weights."""
SPLITS: tuple[Split, ...] = ("test", "tune")


def predictions_of(folder: Path, split: str) -> Path:
    return folder / f"predictions{_suffix(split)}.json.gz"


def metrics_of(folder: Path, split: str) -> Path:
    return folder / f"metrics{_suffix(split)}.json"


def traced_of(folder: Path, split: str) -> Path:
    """The list of what the student detected there on its way, beside the detections themselves."""
    return folder / "work" / "curve" / f"{split}.json"


def judged_already(folder: Path) -> list[Split]:
    """The splits that the run has metrics of."""
    return [split for split in SPLITS if metrics_of(folder, split).is_file()]


def _suffix(split: str) -> str:
    return "" if split == REPORTED else f"-{split}"

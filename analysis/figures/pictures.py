"""The images behind the test annotations, found by the annotations' hash."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image, UnidentifiedImageError

from analysis.errors import AnalysisError
from analysis.statistics.images import ImageUncertainty

BLANK = 235
"""Grey where an image cannot be read: its maps can still be shown."""


@dataclass(frozen=True)
class Pictures:
    folder: Path

    def read(self, file_name: str, size: tuple[int, int]) -> np.ndarray:
        """(height, width, 3) in 0..1 at the wanted size."""
        with Image.open(self.folder / file_name) as image:
            shown = image.convert("RGB").resize(size[::-1], Image.Resampling.BILINEAR)
        return np.asarray(shown, np.float64) / 255


def pictures_of(
    images: ImageUncertainty, annotations_sha256: str, split: str | None = None
) -> Pictures:
    """`data/<set>/images/<split>` beside `data/<set>/annotations/<split>.json`; of another split
    of the same set where that is named."""
    annotations = images.annotation_file(annotations_sha256)
    return Pictures(annotations.parents[1] / "images" / (split or annotations.stem))


def read_picture(
    pictures: Pictures | None, file_name: str, size: tuple[int, int]
) -> tuple[np.ndarray, bool]:
    """The image and whether it could be read; grey where it could not."""
    if pictures is not None:
        try:
            return pictures.read(file_name, size), True
        except (OSError, UnidentifiedImageError):
            return np.full((*size, 3), BLANK / 255), False
    return np.full((*size, 3), BLANK / 255), False


def find_pictures(
    images: ImageUncertainty, annotations_sha256: str, split: str | None = None
) -> Pictures | None:
    try:
        found = pictures_of(images, annotations_sha256, split)
    except AnalysisError:
        return None
    return found if found.folder.is_dir() else None

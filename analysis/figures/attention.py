"""attention.npz: what teacher, student and methods look at on a few images."""

from __future__ import annotations

import json
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from pydantic import BaseModel, ConfigDict, ValidationError

from analysis.errors import AnalysisError

FILE = "attention.npz"
TEACHER, STUDENT, BEFORE = "teacher", "student", "before"
MAPS = ("mask", "weight", "error", "attention")
"""A method's map that stands for it, the first that it has."""


class Scene(BaseModel):
    """One image. The maps cover the padded input; `scale` is input pixels per image pixel."""

    model_config = ConfigDict(frozen=True)

    id: int | str
    file_name: str
    height: int
    width: int
    padded_height: int
    padded_width: int
    scale: float
    boxes: list[tuple[float, float, float, float]] = []
    labels: list[int] = []

    def cells(self, shape: tuple[int, int], size: tuple[int, int]) -> tuple[np.ndarray, np.ndarray]:
        """Row and column of the map (h, w) under each pixel of the image drawn at `size`
        (height, width): the padding is cropped, cells stay cells."""
        ys = (np.arange(size[0]) + 0.5) * self.height / size[0] * self.scale
        xs = (np.arange(size[1]) + 0.5) * self.width / size[1] * self.scale
        rows = (ys * shape[0] / self.padded_height).astype(np.int64)
        columns = (xs * shape[1] / self.padded_width).astype(np.int64)
        return np.minimum(rows, shape[0] - 1), np.minimum(columns, shape[1] - 1)

    def over_image(self, values: np.ndarray, size: tuple[int, int]) -> np.ndarray:
        """(h, w) over the padded input -> (height, width) over the image alone."""
        rows, columns = self.cells(values.shape, size)
        return values[np.ix_(rows, columns)]

    def valid(self, shape: tuple[int, int], stride: float) -> np.ndarray:
        """(h, w) of whether a cell's centre lies in the image, not in its padding."""
        rows = (np.arange(shape[0]) + 0.5) * stride < self.height * self.scale
        columns = (np.arange(shape[1]) + 0.5) * stride < self.width * self.scale
        return np.outer(rows, columns)

    def inside(self, shape: tuple[int, int], stride: float) -> np.ndarray:
        """(h, w) of whether a cell's centre lies in a box."""
        ys = (np.arange(shape[0]) + 0.5) * stride / self.scale
        xs = (np.arange(shape[1]) + 0.5) * stride / self.scale
        found = np.zeros(shape, bool)
        for x1, y1, x2, y2 in self.boxes:
            found |= np.outer((ys >= y1) & (ys < y2), (xs >= x1) & (xs < x2))
        return found


class Level(BaseModel):
    model_config = ConfigDict(frozen=True)

    name: str
    stride: int


class Meta(BaseModel):
    images: list[Scene]
    levels: list[Level]
    temperature: float


@dataclass(frozen=True)
class Attention:
    meta: Meta
    arrays: dict[str, np.ndarray]

    @property
    def scenes(self) -> list[Scene]:
        return self.meta.images

    @property
    def names(self) -> list[str]:
        return list(dict.fromkeys(key.rsplit("/", 1)[0] for key in self.arrays))

    def get(self, what: str, level: int, image: int) -> np.ndarray | None:
        """(h, w), or (C,) for a gate; None where there is no such map."""
        values = self.arrays.get(f"{what}/{level}")
        return None if values is None else values[image]

    def of_methods(self) -> list[str]:
        """The map that shows what each method of the run hides or weighs, `amd.mask`."""
        found: dict[str, dict[str, str]] = {}
        for name in self.names:
            method, _, kind = name.partition(".")
            if kind in MAPS and any(
                key.startswith(f"{name}/") and self.arrays[key].ndim == 3 for key in self.arrays
            ):
                found.setdefault(method, {})[kind] = name
        return [kinds[next(k for k in MAPS if k in kinds)] for kinds in found.values()]


def read_attention(folder: str | Path) -> Attention | None:
    """None where the run kept none."""
    path = Path(folder) / FILE
    if not path.is_file():
        return None
    try:
        with np.load(path) as content:
            arrays: dict[str, Any] = {name: content[name] for name in content.files}
        meta = Meta.model_validate(json.loads(str(arrays.pop("meta"))))
    except (ValueError, KeyError, OSError, zipfile.BadZipFile, EOFError) as error:
        told = error.errors()[0]["msg"] if isinstance(error, ValidationError) else error
        raise AnalysisError(
            f"{path}: cannot be read: {told}; remove it and make it again"
        ) from None
    counts = {len(values) for values in arrays.values()}
    if counts - {len(meta.images)}:
        raise AnalysisError(
            f"{path}: `meta` lists {len(meta.images)} images, the arrays hold {sorted(counts)}"
        )
    return Attention(meta, arrays)

"""How much one cell of a map looks at every other, from the vectors that a non-local block relates
them by."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from analysis.figures.attention import STUDENT, TEACHER, Attention, Scene

NETWORKS = (TEACHER, STUDENT)
QUERY, KEY = "query", "key"
FEWEST = 4
"""Cells of a level whose relations say anything."""
Point = tuple[float, float]
"""Across and down, as shares of the image's sides."""


@dataclass(frozen=True)
class Relation:
    """One network's vectors for the cells of one image, its padding cropped; (C, h, w) each."""

    query: np.ndarray
    key: np.ndarray
    across: float
    """Width of the image in cells; the last column may be there in part."""
    down: float

    @property
    def shape(self) -> tuple[int, int]:
        return self.query.shape[1], self.query.shape[2]

    def cell(self, point: Point) -> tuple[int, int]:
        """Row and column of the cell under a point of the image."""
        row, column = int(point[1] * self.down), int(point[0] * self.across)
        return min(row, self.shape[0] - 1), min(column, self.shape[1] - 1)

    def affinity(self, row: int, column: int) -> np.ndarray:
        """(h, w) of one cell to every cell, in units of its mean size; with a sign."""
        products = np.einsum("c,chw->hw", self.query[:, row, column], self.key)
        size = float(np.abs(products).mean())
        return products / size if size > 0 else products

    def thinner(self, most: int) -> Relation:
        """Of blocks of cells, as few as leave no side above `most`."""
        block = 1
        while max(self.shape) > most * block:
            block *= 2
        if block == 1:
            return self
        query, key = (_blocks(vectors, block) for vectors in (self.query, self.key))
        return Relation(query, key, self.across / block, self.down / block)


def correlation(one: np.ndarray, other: np.ndarray) -> float | None:
    """None where a map is the same everywhere."""
    if one.std() == 0 or other.std() == 0:
        return None
    return float(np.corrcoef(one.ravel(), other.ravel())[0, 1])


def related(own: Attention) -> list[str]:
    """The methods of a run whose blocks' vectors were kept."""
    ends = tuple(f".{network}_{QUERY}" for network in NETWORKS)
    return list(dict.fromkeys(name.split(".")[0] for name in own.names if name.endswith(ends)))


def relations(own: Attention, method: str, scene: Scene) -> Iterator[tuple[int, list[Relation]]]:
    """Every level that has cells enough, with the relations of all networks."""
    image = own.scenes.index(scene)
    for level in range(len(own.meta.levels)):
        found = []
        for network in NETWORKS:
            query = own.get(f"{method}.{network}_{QUERY}", level, image)
            key = own.get(f"{method}.{network}_{KEY}", level, image)
            if query is not None and key is not None:
                found.append(_cropped(query, key, scene))
        if len(found) == len(NETWORKS) and min(np.prod(one.shape) for one in found) >= FEWEST:
            yield level, found


def _cropped(query: np.ndarray, key: np.ndarray, scene: Scene) -> Relation:
    """Cells count whose centre lies in the image."""
    _, rows, columns = query.shape
    down = rows * scene.height * scene.scale / scene.padded_height
    across = columns * scene.width * scene.scale / scene.padded_width
    kept = (slice(None), slice(max(1, round(down))), slice(max(1, round(across))))
    return Relation(query[kept].astype(np.float64), key[kept].astype(np.float64), across, down)


def _blocks(vectors: np.ndarray, block: int) -> np.ndarray:
    """Means over blocks; the last ones may be of fewer cells."""
    for axis in (1, 2):
        starts = np.arange(0, vectors.shape[axis], block)
        counts = np.diff([*starts, vectors.shape[axis]])
        shape = [-1 if other == axis else 1 for other in range(3)]
        vectors = np.add.reduceat(vectors, starts, axis=axis) / counts.reshape(shape)
    return vectors

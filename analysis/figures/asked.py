"""What an affinity figure asks of one run: which images, which points, and what they look at."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from analysis.figures.attention import Attention, Scene
from analysis.figures.relation import Point, Relation, correlation, relations

Place = tuple[int | str, Point, int]
"""Image, point and level."""


@dataclass(frozen=True)
class Asked:
    own: Attention
    method: str
    scenes: list[Scene]
    given: tuple[Point, ...]
    """The same for every image; without any, the middle of each image's largest box."""

    @cached_property
    def points(self) -> dict[int | str, tuple[Point, ...]]:
        return {scene.id: self.given or (middle_of_largest_box(scene),) for scene in self.scenes}

    @cached_property
    def relations(self) -> dict[int | str, dict[int, list[Relation]]]:
        """By image and level, a relation for each network."""
        return {scene.id: dict(relations(self.own, self.method, scene)) for scene in self.scenes}

    @cached_property
    def levels(self) -> list[int]:
        return sorted({level for found in self.relations.values() for level in found})

    @cached_property
    def maps(self) -> dict[Place, list[np.ndarray]]:
        """For each network the affinity of the cell under the point, (h, w)."""
        return {
            (scene.id, point, level): [one.affinity(*one.cell(point)) for one in found]
            for scene in self.scenes
            for point in self.points[scene.id]
            for level, found in self.relations[scene.id].items()
        }

    def agreement(self, level: int) -> float | None:
        """Mean correlation of the student's maps with the teacher's; None where none has one."""
        found = [correlation(*pair) for (_, _, at), pair in self.maps.items() if at == level]
        known = [value for value in found if value is not None]
        return float(np.mean(known)) if known else None


def middle_of_largest_box(scene: Scene) -> Point:
    """Of the image where there is none."""
    if not scene.boxes:
        return 0.5, 0.5
    x1, y1, x2, y2 = max(scene.boxes, key=lambda box: (box[2] - box[0]) * (box[3] - box[1]))
    return (x1 + x2) / 2 / scene.width, (y1 + y2) / 2 / scene.height

"""The attention that a pair's rows kept, gathered so that any panel of an atlas can be drawn."""

from __future__ import annotations

import textwrap
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from analysis.figures.attention import (
    BEFORE,
    STUDENT,
    TEACHER,
    Attention,
    Level,
    Scene,
    read_attention,
)
from analysis.figures.heat import mean_one
from analysis.figures.pictures import Pictures, find_pictures, read_picture
from analysis.figures.wanted import NothingToDraw, Wanted
from analysis.split import REPORTED
from analysis.statistics.tables import CellStatistics

ATTENDED = REPORTED
"""The split whose images are attended to, whatever the runs are judged on."""
TITLE_WIDTH = 14
"""Letters of a line over a panel."""


@dataclass(frozen=True)
class Column:
    """One thing that is looked at: a map of a row's run."""

    title: str
    attention: Attention
    what: str

    def values(self, level: int, image_id: int | str) -> np.ndarray | None:
        """(h, w) on the common scale; errors are divided by their mean, their unit is their own."""
        places = [scene.id for scene in self.attention.scenes]
        if image_id not in places:
            return None
        values = self.attention.get(self.what, level, places.index(image_id))
        if values is None or values.ndim != 2:
            return None
        return mean_one(values) if self.what.endswith("error") else values


Kept = tuple[CellStatistics, Attention]


@dataclass(frozen=True)
class Looked:
    """One pair: the first run of every row that has an attention.npz."""

    group: str
    kept: tuple[Kept, ...]
    pictures: Pictures | None

    @property
    def first(self) -> Attention:
        return self.kept[0][1]

    @property
    def scenes(self) -> list[Scene]:
        return self.first.scenes

    @property
    def levels(self) -> list[Level]:
        return self.first.meta.levels

    @property
    def student(self) -> Kept:
        """Whose student is shown: the baseline's, where that has seen the images."""
        return next((kept for kept in self.kept if kept[0].is_baseline), self.kept[0])

    @property
    def baseline(self) -> Attention | None:
        cell, own = self.student
        return own if cell.is_baseline else None

    @cached_property
    def teacher(self) -> Column | None:
        """The teacher is the pair's: any row that has seen it shows it."""
        for _, own in self.kept:
            if TEACHER in own.names:
                return Column("teacher", own, TEACHER)
        return None

    @property
    def networks(self) -> list[Column]:
        """Teacher, and the baseline's student before and after its training."""
        found = [self.teacher] if self.teacher else []
        cell, own = self.student
        found.append(Column(f"student\nbefore\n({cell.title})", own, BEFORE))
        found.append(Column(f"student\nafter\n({cell.title})", own, STUDENT))
        return [column for column in found if column.what in column.attention.names]

    @property
    def methods(self) -> list[Column]:
        """One map a method of every row."""
        return [
            Column(column_title(cell.title, name), own, name)
            for cell, own in self.kept
            for name in own.of_methods()
        ]

    def picture(self, scene: Scene, size: tuple[int, int]) -> np.ndarray:
        return read_picture(self.pictures, scene.file_name, size)[0]

    def front(self) -> Scene:
        """The image with a middling number of boxes: neither bare nor crowded."""
        counts = [len(scene.boxes) for scene in self.scenes]
        middle = float(np.median(counts))
        return min(self.scenes, key=lambda scene: abs(len(scene.boxes) - middle))


def column_title(row: str, name: str) -> str:
    """`AMD` and `amd.mask` -> the row over the map's name, narrow enough for a panel."""
    kind = name.split(".", 1)[1].replace("_", " ")
    return "\n".join((*textwrap.wrap(row, TITLE_WIDTH), kind))


def look(wanted: Wanted) -> list[Looked]:
    """A pair each; a note where the images themselves cannot be found."""
    found = []
    wanted.finished()
    for group in wanted.groups:
        kept = []
        for cell in wanted.of_group(group):
            for folder in wanted.records.frame.loc[list(cell.runs), "folder"]:
                own = read_attention(folder)
                if own is not None and own.scenes:
                    kept.append((cell, own))
                    break
        if kept:
            found.append(Looked(group, tuple(kept), _pictures(wanted, kept[0][0])))
    if not found:
        raise NothingToDraw(
            "no finished run kept attention maps; `attend: {images: 12}` in the suite asks for them"
        )
    return found


def _pictures(wanted: Wanted, cell: CellStatistics) -> Pictures | None:
    sha256 = str(wanted.records.frame.loc[cell.runs[0], "annotations_sha256"])
    pictures = find_pictures(wanted.images, sha256, ATTENDED)
    if pictures is None:
        wanted.notes.append(
            f"The test images are not below {wanted.images.data_dir}, so maps lie over grey."
        )
    return pictures

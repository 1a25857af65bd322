"""The images where a method helped most and hurt most, baseline and method side by side."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from analysis.errors import AnalysisError
from analysis.evaluate_input import Annotations, Detections
from analysis.figures.mosaic import Mosaic
from analysis.figures.options import GalleryOptions
from analysis.figures.pictures import Pictures, find_pictures, read_picture
from analysis.figures.style import HURTS, new_figure
from analysis.figures.wanted import NothingToDraw, Picture, Wanted, sentences
from analysis.per_image import ImageScores, image_scores
from analysis.split import images_of
from analysis.statistics.images import detections_of
from analysis.statistics.tables import CellStatistics
from analysis.tables.numbers import signed

SIDE, PANEL_WIDTH, KEY_HEIGHT = 176, 1.15, 0.3
TRUTH, RIGHT, HALO = "#ffffff", "#56B4E9", "#000000"
OVERLAP = 0.5
RIGHT_MARGIN = 0.08


@dataclass(frozen=True)
class Seen:
    """One run's detections and how well they do on each image."""

    detections: Detections
    scores: ImageScores

    def of(self, image_id: int) -> np.ndarray:
        """(D, 5) of box x, y, width, height and class, those that reach the threshold."""
        own = (self.detections.image_ids == image_id) & (
            self.detections.scores >= self.scores.threshold
        )
        labels = self.detections.category_ids[own][:, None]
        return np.concatenate([self.detections.boxes[own], labels], axis=1)


@dataclass(frozen=True)
class Rivals:
    """A row and the baseline of the same seed, and the change on every image."""

    cell: CellStatistics
    seed: int
    base: Seen
    method: Seen

    @property
    def change(self) -> np.ndarray:
        return self.method.scores.values - self.base.scores.values  # (I,)


def draw(wanted: Wanted) -> list[Picture]:
    options = wanted.options(GalleryOptions)
    cells = [c for c in wanted.finished() if not options.rows or c.cell.row in options.rows]
    pages: list[Picture] = []
    further: list[Picture] = []
    for group in wanted.groups:
        own = [cell for cell in cells if cell.cell.group == group and not cell.is_baseline]
        rivals = [found for cell in own if (found := _rivals(wanted, cell))]
        if not rivals:
            continue
        annotations, pictures = _truth(wanted, rivals[0])
        pages.append(
            _overview(wanted, group, rivals, annotations, pictures, group if pages else "")
        )
        further += [
            _own_page(wanted, group, one, annotations, pictures, options.images) for one in rivals
        ]
    if not pages:
        told = "; ".join(sorted(set(wanted.images.problems.values()))[:2])
        raise NothingToDraw(
            told or "no finished row shares a seed with a finished baseline whose boxes are kept"
        )
    return pages + further


def _rivals(wanted: Wanted, cell: CellStatistics) -> Rivals | None:
    """The first seed that both have."""
    frame = wanted.records.frame
    base = frame.loc[[id for id in cell.cell.baseline if id in frame.index]]
    for _, run in frame.loc[list(cell.runs)].iterrows():
        other = base[base["seed"] == run["seed"]]
        if len(other):
            try:
                seen = _seen(wanted, other.iloc[0]), _seen(wanted, run)
            except AnalysisError as problem:
                wanted.images.problems[str(run["id"])] = str(problem)
                return None
            return Rivals(cell, int(run["seed"]), *seen)
    return None


def _seen(wanted: Wanted, run: pd.Series[Any]) -> Seen:
    annotations = wanted.images.annotations(str(run["annotations_sha256"]))
    detections = detections_of(run, annotations)
    return Seen(detections, image_scores(annotations, detections))


def _truth(wanted: Wanted, rivals: Rivals) -> tuple[Annotations, Pictures | None]:
    run = wanted.records.frame.loc[rivals.cell.runs[0]]
    sha256 = str(run["annotations_sha256"])
    pictures = find_pictures(wanted.images, sha256)
    if pictures is None:
        wanted.notes.append(
            f"The {images_of(wanted.plan.split)} are not below {wanted.images.data_dir}."
        )
    return wanted.images.annotations(sha256), pictures


def _overview(
    wanted: Wanted,
    group: str,
    rivals: list[Rivals],
    annotations: Annotations,
    pictures: Pictures | None,
    part: str,
) -> Picture:
    """A line a row: the image that it helped most, and the one that it hurt most."""
    mosaic = Mosaic(len(rivals), 4, (SIDE, SIDE))
    titles = [
        "helped most:\nbaseline",
        "with the\nmethod",
        "hurt most:\nbaseline",
        "with the\nmethod",
    ]
    told = []
    for row, one in enumerate(rivals):
        order = np.argsort(-one.change, kind="stable")
        for column, place in ((0, int(order[0])), (2, int(order[-1]))):
            _side_by_side(mosaic, row, column, one, place, annotations, pictures)
        told.append(
            f"{one.cell.title} {signed(one.change[order[0]])} and {signed(one.change[order[-1]])}"
        )
    figure = _draw(mosaic, [one.cell.title for one in rivals], titles)
    caption = _caption(wanted, group, rivals)
    alt = f"Change of right less wrong detections, best and worst image: {'; '.join(told)}."
    return Picture(figure, caption, alt, part, wanted.pair_title(group) if part else "")


def _own_page(
    wanted: Wanted,
    group: str,
    one: Rivals,
    annotations: Annotations,
    pictures: Pictures | None,
    count: int,
) -> Picture:
    order = np.argsort(-one.change, kind="stable")
    count = min(count, max(1, len(order) // 2))
    mosaic = Mosaic(count, 4, (SIDE, SIDE))
    for row in range(count):
        _side_by_side(mosaic, row, 0, one, int(order[row]), annotations, pictures)
        _side_by_side(mosaic, row, 2, one, int(order[-1 - row]), annotations, pictures)
    title = one.cell.title
    titles = ["helped most:\nbaseline", f"with\n{title}", "hurt most:\nbaseline", f"with\n{title}"]
    figure = _draw(mosaic, [f"{place + 1}" for place in range(count)], titles)
    ids = annotations.image_ids
    best = ", ".join(str(ids[place]) for place in order[:count])
    worst = ", ".join(str(ids[place]) for place in order[::-1][:count])
    alt = f"{title}: helped most on images {best}; hurt most on images {worst}."
    part = f"{group}-{one.cell.cell.row}"
    return Picture(figure, _caption(wanted, group, [one]), alt, part, title, further=True)


def _caption(wanted: Wanted, group: str, rivals: list[Rivals]) -> str:
    return sentences(
        f"{images_of(wanted.plan.split).capitalize()} on which right less wrong detections change "
        "most against the baseline of the "
        f"same seed ({wanted.pair_title(group)}, seed {rivals[0].seed}); the change stands in the "
        "corner.",
        "Counted and drawn are detections that reach the score at which each model's own F1 is "
        "best; the count is a mean over overlaps 0.50 to 0.95. The extremes of many images are "
        "luck in part: read them as examples, not as evidence.",
    )


def _side_by_side(
    mosaic: Mosaic,
    row: int,
    column: int,
    one: Rivals,
    place: int,
    annotations: Annotations,
    pictures: Pictures | None,
) -> None:
    image_id = annotations.image_ids[place]
    image = next(entry for entry in annotations.truth["images"] if entry["id"] == image_id)
    truth = [a for a in annotations.truth["annotations"] if a["image_id"] == image_id]
    height, width = int(image.get("height", SIDE)), int(image.get("width", SIDE))
    scale = SIDE / max(height, width)
    size = (max(1, round(height * scale)), max(1, round(width * scale)))
    picture, _ = read_picture(pictures, str(image.get("file_name", "")), size)
    for number, seen in enumerate((one.base, one.method)):
        corner = mosaic.add(row, column + number, picture)
        there = [shown_part(entry["bbox"], width, height) for entry in truth]
        mosaic.boxes(corner, there, scale, HALO, 1.5)
        mosaic.boxes(corner, there, scale, TRUTH, 0.8)
        found = seen.of(image_id)
        right = np.array([_right(box, truth) for box in found], bool)
        for colour, chosen in ((RIGHT, right), (HURTS, ~right)):
            boxes = [shown_part(box, width, height) for box in found[chosen]]
            mosaic.boxes(corner, boxes, scale, colour, 1.1)
        if number:
            how = {"ha": "right", "va": "top", "color": "white", "fontweight": "bold"}
            how["bbox"] = {"facecolor": "black", "edgecolor": "none", "pad": 1.2, "alpha": 0.7}  # type: ignore[assignment]
            text = signed(float(one.change[place]))
            mosaic.words.append((corner[1] + size[1] - 4, corner[0] + 4, text, dict(how)))


def _corners(box: Any) -> tuple[float, float, float, float]:
    return float(box[0]), float(box[1]), float(box[0] + box[2]), float(box[1] + box[3])


def shown_part(box: Any, width: int, height: int) -> tuple[float, float, float, float]:
    """What of a box lies in its image: the next image is none of its business."""
    x1, y1, x2, y2 = _corners(box)
    return max(x1, 0.0), max(y1, 0.0), min(x2, width), min(y2, height)


def _right(found: np.ndarray, truth: list[dict[str, Any]]) -> bool:
    """Of its class, and on a box by at least half."""
    x1, y1, x2, y2 = _corners(found)
    for entry in truth:
        if entry["category_id"] != found[4]:
            continue
        a1, b1, a2, b2 = _corners(entry["bbox"])
        shared = max(0.0, min(x2, a2) - max(x1, a1)) * max(0.0, min(y2, b2) - max(y1, b1))
        union = (x2 - x1) * (y2 - y1) + (a2 - a1) * (b2 - b1) - shared
        if union > 0 and shared / union >= OVERLAP:
            return True
    return False


def _draw(mosaic: Mosaic, rows: list[str], titles: list[str]) -> Figure:
    width, height = mosaic.figure_size(PANEL_WIDTH, titles, RIGHT_MARGIN)
    figure = new_figure(width, height + KEY_HEIGHT)
    mosaic.draw(figure, rows, titles, RIGHT_MARGIN, bottom=KEY_HEIGHT)
    marks = (
        (TRUTH, "annotated"),
        (RIGHT, "found, right class"),
        (HURTS, "wrong place or class"),
    )
    handles = [Line2D([], [], color=colour, label=label) for colour, label in marks]
    key = figure.legend(handles=handles, loc="lower center", ncols=3, frameon=True)
    key.get_frame().set(facecolor="#888888", edgecolor="none")
    for text in key.get_texts():
        text.set_color("white")
    return figure

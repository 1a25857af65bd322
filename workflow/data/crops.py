"""Crops of ground-truth boxes: what the classification teacher is trained on. Imports no torch.

A box is stretched to a square by bilinear sampling with zeros outside the image: the same sampling
by which the teacher later sees boxes inside the detector's input (a spatial transformer with
`align_corners` off), so it is never asked about pictures unlike those it learnt from.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from pydantic import Field

from methods.settings.base import Frozen
from workflow.data import annotations as files
from workflow.data.catalogue import Split
from workflow.data.errors import DataError

Box = tuple[float, float, float, float]  # x1, y1, x2, y2 in image pixels


class CropOptions(Frozen):
    size: int = Field(112, ge=1)
    """Side of the square that a crop is stretched to."""
    context: float = Field(0.0, ge=0)
    """Added on every side, as a share of the box's own width and height."""
    minimum: float = Field(2.0, ge=0)
    """Boxes whose shorter side has fewer pixels are left out: nothing can be learnt from them."""
    crowds: bool = False
    """Whether boxes around crowds, which show many objects, count as one of them."""


@dataclass(frozen=True)
class Crop:
    image: Path
    box: Box
    label: int
    annotation: int  # its id


def list_crops(split: Split, classes: Sequence[str], options: CropOptions) -> list[Crop]:
    """Every usable box of the split, in the order of images and annotations; opens no image."""
    content = files.read(split.annotations)
    labels = {name: label for label, name in enumerate(classes)}
    try:
        of_category = {c["id"]: labels[c["name"]] for c in content["categories"]}
        paths = {image["id"]: split.images / image["file_name"] for image in content["images"]}
        crops = []
        for item in content["annotations"]:
            x, y, width, height = item["bbox"]
            if min(width, height) < max(options.minimum, 1e-6):
                continue
            if item.get("iscrowd", 0) and not options.crowds:
                continue
            box = widened((x, y, x + width, y + height), options.context)
            label = of_category[item["category_id"]]
            crops.append(Crop(paths[item["image_id"]], box, label, item["id"]))
    except (KeyError, TypeError, ValueError) as error:
        raise DataError(
            f"{split.annotations}: {error!r}; `python -m workflow.data.validate` says what is wrong"
        ) from error
    return crops


def widened(box: Box, context: float) -> Box:
    """The box with `context` times its width and height added on each side."""
    x1, y1, x2, y2 = box
    across, down = context * (x2 - x1), context * (y2 - y1)
    return x1 - across, y1 - down, x2 + across, y2 + down


def cut(image: Image.Image, box: Box, size: int) -> NDArray[np.uint8]:
    """(size, size, 3) RGB: the box stretched to a square, zeros where it leaves the image."""
    # One pixel of zeros around the image, or Pillow would repeat border pixels half a pixel out.
    framed = Image.new("RGB", (image.width + 2, image.height + 2))
    framed.paste(image.convert("RGB"), (1, 1))
    moved = tuple(side + 1 for side in box)
    square = framed.transform(
        (size, size), Image.Transform.EXTENT, moved, Image.Resampling.BILINEAR
    )
    return np.asarray(square)


def cut_all(crops: Sequence[Crop], size: int) -> NDArray[np.uint8]:
    """(N, size, size, 3) for sets that fit into memory; opens each image once."""
    squares = np.empty((len(crops), size, size, 3), np.uint8)
    order = sorted(range(len(crops)), key=lambda number: (crops[number].image, number))
    for path, numbers in groupby(order, key=lambda number: crops[number].image):
        with Image.open(path) as image:
            image.load()
            for number in numbers:
                squares[number] = cut(image, crops[number].box, size)
    return squares

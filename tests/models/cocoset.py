"""A COCO-format set of a few pictures with boxes and outlines, made in a folder."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np

from workflow.data.catalogue import IMAGENET_MEAN, IMAGENET_STD, DataSet, Split
from workflow.data.coco_names import COCO_CLASSES

SIZES = ((150, 100), (96, 140), (128, 128))
"""(width, height): lying, standing, square, so that batches are padded."""
BOXES = ((20.0, 16.0, 50.0, 40.0), (60.0, 40.0, 30.0, 50.0))
"""x, y, width, height."""


def make_set(folder: Path) -> DataSet:
    """One split of three noise pictures, each with two coloured objects."""
    images = folder / "images"
    images.mkdir(parents=True)
    generator = np.random.default_rng(0)
    content: dict[str, list[dict[str, object]]] = {
        "images": [],
        "annotations": [],
        "categories": [{"id": i + 1, "name": name} for i, name in enumerate(COCO_CLASSES)],
    }
    for number, (width, height) in enumerate(SIZES):
        picture = generator.integers(0, 120, (height, width, 3), dtype=np.uint8)
        name = f"{number}.png"
        content["images"].append(
            {"id": number, "file_name": name, "width": width, "height": height}
        )
        for index, (x, y, w, h) in enumerate(BOXES):
            picture[int(y) : int(y + h), int(x) : int(x + w)] = (250, 100 * index, 40)
            content["annotations"].append(
                {
                    "id": len(content["annotations"]) + 1,
                    "image_id": number,
                    "category_id": 3 + 20 * index,
                    "bbox": [x, y, w, h],
                    "area": w * h,
                    "iscrowd": 0,
                    "segmentation": [[x, y, x + w, y, x + w, y + h, x, y + h]],
                }
            )
        cv2.imwrite(str(images / name), picture)
    annotations = folder / "train.json"
    annotations.write_text(json.dumps(content), encoding="utf-8")
    split = Split(annotations, images)
    return DataSet(
        name="few",
        root=folder,
        classes=COCO_CLASSES,
        splits=dict.fromkeys(("train", "tune", "test"), split),
        pixel_mean=IMAGENET_MEAN,
        pixel_std=IMAGENET_STD,
        image_size=None,
    )

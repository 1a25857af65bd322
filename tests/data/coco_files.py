"""A small, valid COCO-format set for tests to break."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

NAMES = ("cat", "dog", "hen")


def content(images: int = 6, boxes: int = 4, first_image: int = 1) -> dict[str, Any]:
    """Every image 64x48 with so many boxes; every category is used."""
    pictures = [
        {"id": n, "file_name": f"{n:04d}.jpg", "width": 64, "height": 48}
        for n in range(first_image, first_image + images)
    ]
    annotations = []
    for image in pictures:
        for place in range(boxes):
            number = len(annotations) + 1
            annotations.append(
                {
                    "id": 1000 + number,
                    "image_id": image["id"],
                    "category_id": 5 * (number % len(NAMES)) + 5,
                    "bbox": [3.0 + 10 * place, 2.5, 9.5, 20 + place],
                    "area": 9.5 * (20 + place),
                    "iscrowd": 0,
                    "segmentation": [[3, 2, 12, 2, 12, 20]],
                }
            )
    categories = [{"id": 5 * n + 5, "name": name} for n, name in enumerate(NAMES)]
    return {"images": pictures, "annotations": annotations, "categories": categories}


def write(root: Path, name: str, data: Any) -> tuple[Path, Path]:
    """Annotation file and image folder, with a real JPEG for every image."""
    annotations, folder = root / f"{name}.json", root / name
    folder.mkdir(parents=True, exist_ok=True)
    annotations.write_text(json.dumps(data))
    rng = np.random.default_rng(0)
    for image in data["images"]:
        pixels = rng.integers(0, 256, (image["height"], image["width"], 3), dtype=np.uint8)
        Image.fromarray(pixels).save(folder / image["file_name"])
    return annotations, folder

"""The embedded benchmark: ten classes of handwritten digits in 128x128 scenes, made on the spot."""

from __future__ import annotations

from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from workflow.data.digits_options import AREA_LIMITS, CLASSES, SIDE, SPLITS, DigitsOptions
from workflow.data.folder import write_json
from workflow.data.glyphs import deal
from workflow.data.scene import compose
from workflow.machine import usable_cores

CHUNK = 50  # scenes that one worker makes in one go


def make(options: DigitsOptions, folder: Path, workers: int | None = None) -> None:
    """Writes images and annotations into an existing, empty folder."""
    counts = {split: getattr(options, split) for split in SPLITS}
    tasks = []
    for split, count in counts.items():
        (folder / "images" / split).mkdir(parents=True)
        tasks += [(split, range(i, min(i + CHUNK, count))) for i in range(0, count, CHUNK)]
    work = partial(_draw, options=options, folder=folder)
    found: dict[str, list[list[dict[str, Any]]]] = {split: [] for split in SPLITS}
    with ProcessPoolExecutor(min(workers or usable_cores(), len(tasks))) as pool:
        for (split, _), annotated in zip(tasks, pool.map(work, tasks), strict=True):
            found[split] += annotated
    for split in SPLITS:
        write_json(folder / "annotations" / f"{split}.json", _coco(options, split, found[split]))


def _draw(
    task: tuple[str, range], options: DigitsOptions, folder: Path
) -> list[list[dict[str, Any]]]:
    """Writes the PNG files of one task; returns each image's annotations, still without ids."""
    split, numbers = task
    hands = deal(options.seed)[split]
    annotated = []
    for number in numbers:
        key = [options.version, options.seed, SPLITS.index(split), number]
        scene = compose(np.random.default_rng(key), hands, options.contrast)
        path = folder / "images" / split / _file_name(number)
        # Level 1: noise hardly compresses, and higher levels only cost time.
        Image.fromarray(scene.pixels).save(path, compress_level=1)
        annotated.append(
            [
                {
                    "category_id": digit.label + 1,
                    "bbox": list(digit.box()),
                    "area": digit.box()[2] * digit.box()[3],
                    "iscrowd": 0,
                    "scan": digit.scan,
                    "visible": round(digit.visible(), 3),
                    "contrast": round(digit.contrast, 1),
                }
                for digit in scene.digits
            ]
        )
    return annotated


def _file_name(number: int) -> str:
    return f"{number + 1:06d}.png"


def _coco(
    options: DigitsOptions, split: str, annotated: list[list[dict[str, Any]]]
) -> dict[str, Any]:
    annotations = [
        {"image_id": number + 1, **annotation}
        for number, of_image in enumerate(annotated)
        for annotation in of_image
    ]
    return {
        "info": {
            "description": f"handwritten digits in scenes, {split} split",
            "options": options.model_dump(),
            "area_limits": AREA_LIMITS,
        },
        "licenses": [],
        "categories": [
            {"id": label + 1, "name": name, "supercategory": "digit"}
            for label, name in enumerate(CLASSES)
        ],
        "images": [
            {"id": number + 1, "file_name": _file_name(number), "width": SIDE, "height": SIDE}
            for number in range(len(annotated))
        ],
        "annotations": [{"id": number + 1, **a} for number, a in enumerate(annotations)],
    }

"""Checks of the image files behind a COCO-format file: there, of the stated size, decodable."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Literal

import numpy as np
from PIL import Image, UnidentifiedImageError
from tqdm import tqdm

from workflow.data.report import Report
from workflow.data.tables import UNKNOWN, Images

Decode = Literal["none", "sample", "all"]
SAMPLE = 200
"""Images that are decoded of a set too large to decode whole, evenly over the list."""
THREADS = 4  # reading waits for the disk, and Pillow decodes outside Python's lock


def check_files(
    images: Images, folder: Path, report: Report, decode: Decode = "sample", progress: bool = False
) -> None:
    """Every file is looked for and its header read; `decode` says which are decoded whole."""
    there: list[int] = []
    listings: dict[Path, set[str]] = {}
    for number, name in enumerate(images.files):
        if not name:
            continue  # told already
        path = folder / name
        if path.parent not in listings:  # one listing is a thousand times cheaper than 118k stats
            listings[path.parent] = set(os.listdir(path.parent)) if path.parent.is_dir() else set()
        if path.name in listings[path.parent]:
            there.append(number)
        else:
            report.add("missing-file", _identity(images, number), str(path))
    chosen = set(_chosen(there, decode))

    def look(number: int) -> tuple[str, str] | None:
        return _look(folder / images.files[number], images.sizes[number].tolist(), number in chosen)

    for number, found in zip(there, _in_threads(look, there, progress), strict=True):
        if found is not None:
            report.add(found[0], _identity(images, number), found[1])


def _chosen(there: list[int], decode: Decode) -> Iterable[int]:
    if decode == "none" or not there:
        return []
    if decode == "all" or len(there) <= SAMPLE:
        return there
    return [there[i] for i in np.linspace(0, len(there) - 1, SAMPLE).astype(int)]


def _look(path: Path, size: list[int], decode: bool) -> tuple[str, str] | None:
    """The kind of problem with one file and what was found, or None."""
    try:
        with Image.open(path) as image:
            if size[0] != UNKNOWN and list(image.size) != size:
                stated = f"{size[0]}x{size[1]} stated"
                return "wrong-size", f"{path}: {image.width}x{image.height}, {stated}"
            if decode:
                image.load()
    except (OSError, UnidentifiedImageError, ValueError, SyntaxError) as error:
        return "unreadable-image", f"{path}: {error}"
    return None


def _in_threads(
    look: Callable[[int], tuple[str, str] | None], numbers: list[int], progress: bool
) -> Iterator[tuple[str, str] | None]:
    with ThreadPoolExecutor(THREADS) as pool:
        found = pool.map(look, numbers)
        yield from tqdm(found, "images", len(numbers), disable=not progress, unit="")


def _identity(images: Images, number: int) -> int | str:
    identity = int(images.ids[number])
    return identity if identity != UNKNOWN else images.files[number]

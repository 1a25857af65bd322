"""From a COCO file's objects to columns, telling of every entry that does not fit into one.

The only passes over single objects are here, each one loop; all checks of values are vectorised in
`checks`, so a file of COCO's size takes seconds.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any

import numpy as np
from numpy.typing import NDArray

from workflow.data.report import Report

UNKNOWN = -(2**62)
"""Stands where an id or number cannot be used; told once, and left out of every later check."""
Integers = NDArray[np.int64]


@dataclass(frozen=True)
class Categories:
    ids: Integers  # (C,)
    names: list[str]


@dataclass(frozen=True)
class Images:
    ids: Integers  # (I,)
    sizes: Integers  # (I, 2) width, height
    files: list[str]  # empty where the entry has no usable name


@dataclass(frozen=True)
class Annotations:
    ids: Integers  # (A,)
    images: Integers  # (A,)
    categories: Integers  # (A,)
    boxes: NDArray[np.float64]  # (A, 4) x, y, width, height; NaN where told already
    areas: NDArray[np.float64]  # (A,) NaN where it is no number
    crowds: NDArray[np.int64]  # (A,) 0 or 1


def read_categories(section: list[Any], report: Report) -> Categories:
    ids, names, seen = [], [], set()
    for number, item in _objects(section, "category", report):
        ids.append(_identity(item, "id", f"category entry {number}", report))
        name = item.get("name")
        if not isinstance(name, str) or not name or name in seen:
            report.add("category-name", item.get("id", f"category entry {number}"), repr(name))
        names.append(name if isinstance(name, str) else "")
        seen.add(names[-1])
    return Categories(np.array(ids, np.int64), names)


def read_images(section: list[Any], report: Report) -> Images:
    ids, sizes, files, seen = [], [], [], set()
    for number, item in _objects(section, "image", report):
        identity = _identity(item, "id", f"image entry {number}", report)
        ids.append(identity)
        where = identity if identity != UNKNOWN else f"image entry {number}"
        size = (item.get("width"), item.get("height"))
        if not all(type(side) is int and 0 < side < 2**31 for side in size):
            report.add("image-size", where, f"width {size[0]!r}, height {size[1]!r}")
            size = (UNKNOWN, UNKNOWN)
        sizes.append(size)
        name = item.get("file_name")
        usable = isinstance(name, str) and _stays_inside(name)
        if not usable or name in seen:
            report.add("file-name", where, repr(name))
        files.append(name if isinstance(name, str) and usable else "")
        seen.add(files[-1])
    return Images(np.array(ids, np.int64), np.array(sizes, np.int64).reshape(-1, 2), files)


def _stays_inside(name: str) -> bool:
    path = PurePosixPath(name)
    plain = name.isprintable() and "\\" not in name
    return plain and path.name != "" and not path.is_absolute() and ".." not in path.parts


def read_annotations(section: list[Any], report: Report) -> Annotations:
    count = len(section)
    keys = np.full((count, 3), UNKNOWN, np.int64)
    boxes = np.full((count, 4), np.nan)
    areas = np.full(count, np.nan)
    crowds = np.zeros(count, np.int64)
    kept = np.zeros(count, bool)
    for number, item in _objects(section, "annotation", report):
        kept[number] = True
        identity = _identity(item, "id", f"annotation entry {number}", report)
        where = identity if identity != UNKNOWN else f"annotation entry {number}"
        keys[number] = (
            identity,
            _identity(item, "image_id", where, report),
            _identity(item, "category_id", where, report),
        )
        box = item.get("bbox")
        if type(box) is list and len(box) == 4 and all(map(_is_number, box)):
            boxes[number] = box
        else:
            report.add("box-not-numbers", where, f"bbox {_short(box)}")
        area = item.get("area")
        if _is_number(area):
            areas[number] = area
        else:
            report.add("area", where, f"area {_short(area)}")
        crowd = item.get("iscrowd", 0)
        if isinstance(crowd, int) and crowd in (0, 1):
            crowds[number] = crowd
        else:
            report.add("crowd", where, f"iscrowd {_short(crowd)}")
    keys = keys[kept]
    return Annotations(keys[:, 0], keys[:, 1], keys[:, 2], boxes[kept], areas[kept], crowds[kept])


def _objects(section: list[Any], what: str, report: Report) -> Iterator[tuple[int, dict[str, Any]]]:
    for number, item in enumerate(section):
        if type(item) is dict:
            yield number, item
        else:
            report.add("entry", f"{what} entry {number}", _short(item))


def _identity(item: dict[str, Any], key: str, where: Any, report: Report) -> int:
    value = item.get(key)
    if type(value) is int and -(2**53) < value < 2**53:
        return value
    report.add("id", where, f"{key} {_short(value)}")
    return UNKNOWN


def _is_number(value: Any) -> bool:
    if type(value) is float:
        return math.isfinite(value)
    return type(value) is int and abs(value) < 2**53


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."

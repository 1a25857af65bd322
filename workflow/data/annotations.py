"""Reading COCO-format JSON of any size, as far as boxes need it."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from traceback import walk_stack
from typing import Any

from workflow.data.errors import DataError

DEPTH = 500
"""How far lists and objects may nest; COCO's go five deep."""


def read(path: Path) -> dict[str, Any]:
    """The file's object without `segmentation`: polygons are nine tenths of COCO's memory, and no
    detector here looks at them. Raises DataError where it is no JSON object."""
    try:
        raw = path.read_bytes()
    except OSError as error:
        raise DataError(f"{path}: cannot be read: {error.strerror}") from error
    try:
        with _shallow():
            content = json.loads(raw, object_hook=_without_masks)
    except (ValueError, RecursionError) as error:
        page = raw[:512].lstrip().lower().startswith((b"<!doctype", b"<html"))
        hint = ": it is an HTML page, perhaps a failed download" if page else f": {error}"
        raise DataError(f"{path}: no JSON{hint}") from error
    if not isinstance(content, dict):
        raise DataError(
            f"{path}: a JSON {_kind(content)} where an object with `images`, `annotations` and "
            "`categories` should be"
        )
    return content


@contextmanager
def _shallow() -> Iterator[None]:
    """Lists nested without end shall end in RecursionError. mmrazor lifts Python's limit so high
    that the parser would run out of stack first, and take the program with it."""
    limit = sys.getrecursionlimit()
    sys.setrecursionlimit(min(limit, sum(1 for _ in walk_stack(None)) + DEPTH))
    try:
        yield
    finally:
        sys.setrecursionlimit(limit)


def _without_masks(item: dict[str, Any]) -> dict[str, Any]:
    item.pop("segmentation", None)
    return item


def _kind(value: Any) -> str:
    names = {list: "list", str: "string", bool: "boolean", type(None): "null"}
    return names.get(type(value), "number")

"""Part of a COCO-format file: fractions for cheap trials, a share held out for choosing weights.

Which images are taken depends on their ids, their categories and a seed, and on nothing else: no
generator whose stream may change with a library's version.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from workflow.data.errors import DataError
from workflow.data.folder import write_json

Mask = NDArray[np.bool_]


def presence(content: dict[str, Any]) -> Mask:
    """(I, C + 1) which image shows which category; the last column is 'none of them'."""
    image_row = {image["id"]: row for row, image in enumerate(content["images"])}
    column = {category["id"]: c for c, category in enumerate(content["categories"])}
    shown = np.zeros((len(image_row), len(column) + 1), bool)
    for item in content["annotations"]:
        shown[image_row[item["image_id"]], column[item["category_id"]]] = True
    shown[:, -1] = ~shown.any(axis=1)
    return shown


def shuffled(ids: Collection[int], purpose: str, seed: int) -> NDArray[np.int64]:
    """(I,) places of the ids in an order that looks random and never changes."""
    digests = [hashlib.sha256(f"{purpose}/{seed}/{i}".encode()).digest() for i in ids]
    return np.array(sorted(range(len(digests)), key=digests.__getitem__), np.int64)


def choose(shown: Mask, order: NDArray[np.int64], count: int) -> Mask:
    """(I,) `count` images in which every category keeps its share, and none is lost (so there may
    be more of them where so few cannot show every category).

    The rarest category chooses first: images taken for it bring common ones along, never the
    other way round.
    """
    totals = shown.sum(axis=0)
    wanted = np.rint(totals * (count / len(order))).astype(int)
    wanted = np.where(totals > 0, np.maximum(wanted, 1), 0)
    taken = np.zeros(len(order), bool)
    for category in np.argsort(totals, kind="stable"):
        missing = wanted[category] - int(shown[taken, category].sum())
        if missing > 0:
            candidates = order[shown[order, category] & ~taken[order]]
            taken[candidates[:missing]] = True
    if (short := count - int(taken.sum())) > 0:
        taken[order[~taken[order]][:short]] = True
    _trim(shown, order, wanted, taken, count)
    _trim(shown, order, np.minimum(wanted, 1), taken, count)  # shares give way, categories do not
    return taken


def _trim(
    shown: Mask, order: NDArray[np.int64], wanted: NDArray[np.int64], taken: Mask, count: int
) -> None:
    """Gives back, last first, what is too much, as far as no category falls below its share."""
    have = shown[taken].sum(axis=0)
    for place in order[::-1]:
        if taken.sum() <= count:
            return
        if taken[place] and (have - shown[place] >= wanted)[shown[place]].all():
            taken[place] = False
            have -= shown[place]


def held_out(content: dict[str, Any], count: int, seed: int) -> Mask:
    """(I,) the images kept for choosing weights; of every category one is left for training."""
    images = len(content["images"])
    if not 0 < count < images:
        raise DataError(f"cannot hold {count} of {images} images out for choosing weights")
    order = shuffled([image["id"] for image in content["images"]], "tune", seed)
    taken = choose(presence(content), order, count)
    learnt = [item for item in content["annotations"] if not item.get("iscrowd", 0)]
    _leave_one(presence({**content, "annotations": learnt})[:, :-1], order, taken)
    if not taken.any():
        raise DataError("no image can be held out: each is the only one of some category")
    return taken


def _leave_one(shown: Mask, order: NDArray[np.int64], taken: Mask) -> None:
    """Gives images back until no category lies in `taken` alone, where nothing could learn it, and
    takes others for them as far as that costs no category. Mostly there is nothing to give back.
    """
    count = taken.sum()
    left = shown[~taken].sum(axis=0)
    for category in np.flatnonzero(shown.any(axis=0)):
        if left[category] == 0:
            last = order[shown[order, category] & taken[order]][-1]
            taken[last] = False
            left += shown[last]
    for place in order[~taken[order]]:
        if taken.sum() >= count:
            return
        if (left[shown[place]] > 1).all():
            taken[place] = True
            left -= shown[place]


def fraction(content: dict[str, Any], among: Mask, count: int, seed: int) -> Mask:
    """(I,) `count` images `among` those that may be used."""
    ids = [image["id"] for image, usable in zip(content["images"], among, strict=True) if usable]
    taken = np.zeros(len(among), bool)
    places = np.flatnonzero(among)
    chosen = choose(presence(content)[among], shuffled(ids, "train", seed), count)
    taken[places[chosen]] = True
    return taken


def write_subset(source: Path, kept_images: set[int], target: Path, what: str) -> None:
    """Copies the kept images' entries, masks and all; what is not kept is never held in memory."""

    def keep(item: dict[str, Any]) -> dict[str, Any] | None:
        return None if item.get("image_id") not in kept_or_none else item

    kept_or_none = kept_images | {None}
    content = json.loads(source.read_bytes(), object_hook=keep)
    content["images"] = [image for image in content["images"] if image["id"] in kept_images]
    content["annotations"] = [item for item in content["annotations"] if item is not None]
    content["info"] = {**(content.get("info") or {}), "subset": what}
    write_json(target, content)

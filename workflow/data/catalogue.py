"""Which data sets there are, and where their parts lie once made. Imports no torch, no numpy.

Every set has one shape on disk, `data/<name>-<hash8 of options>/`, whoever made the images; so the
programs that train, predict and draw know nothing of digits, COCO or links.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from pydantic import Field, ValidationError

from methods.settings.base import Frozen
from workflow.data import digits_options
from workflow.data.coco_names import COCO_CLASSES
from workflow.data.digits_options import SPLITS, DigitsOptions
from workflow.data.errors import DataError, OptionsError
from workflow.data.folder import sha256_of
from workflow.spec import DataSpec
from workflow.wording import Location, described, unknown_name

IMAGENET_MEAN = (123.675, 116.28, 103.53)
IMAGENET_STD = (58.395, 57.12, 57.375)
COCO_SHARES = {"coco": 1.0, "coco-10pct": 0.1, "coco-1pct": 0.01}
"""Share of the training images; `tune` and `test` are the same in all of them."""

COCO_FOLDER = "coco2017"
"""Below the data root: where a fetched COCO 2017 is unpacked."""
USER_TUNE_SHARE = 0.1
"""Of a user's training images, held out where the suite names no tune split."""


class CocoOptions(Frozen):
    """What decides the content of the splits made from COCO 2017."""

    version: Literal[1] = 1
    seed: int = Field(0, ge=0)
    tune: int = Field(2000, ge=1)
    """Images of train2017 on which weights are chosen."""
    hold_out: bool = False
    """Whether `coco` leaves the tune images out of training. The papers train on all of train2017,
    so it does not unless told; the fractions always do."""


class SplitFiles(Frozen):
    annotations: str
    images: str


class UserOptions(Frozen):
    """What a suite says of a set of the user's own; paths are relative to the suite's folder."""

    train: SplitFiles
    test: SplitFiles
    tune: SplitFiles | None = None
    """Left out: a tenth of `train` is held out for choosing weights."""
    classes: tuple[str, ...] = ()
    """In the order of the labels; left out: the categories of `test`, in the order of their ids.
    Every split has these categories; in which order and with which ids is its own affair."""


OPTIONS: dict[str, type[Frozen]] = {
    "digits": DigitsOptions,
    **dict.fromkeys(COCO_SHARES, CocoOptions),
}
"""Of the sets that are known by name; any other name is a set of the user's own."""


@dataclass(frozen=True)
class Split:
    annotations: Path
    images: Path


@dataclass(frozen=True)
class DataSet:
    """A data set as the programs see it. The paths exist once `workflow.data.make` has run."""

    name: str
    root: Path
    classes: tuple[str, ...]
    splits: dict[str, Split]
    pixel_mean: tuple[float, float, float]
    pixel_std: tuple[float, float, float]
    image_size: tuple[int, int] | None
    """(width, height) where all images are alike."""


def resolve(name: str, options: Mapping[str, Any], base: Path = Path()) -> DataSpec:
    """Completes and checks what a suite says of its data; raises DataError with all that is wrong.

    For a user's set the annotation files must exist: their SHA-256 is what identifies the set, and
    the paths go into `locations`, which is no part of the identity.
    """
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]*", name):
        allowed = "letters, digits, '.', '_' and '-' are allowed"
        raise OptionsError(name, [(("name",), f"{allowed}, found {name!r}")])
    kind = OPTIONS.get(name, UserOptions)
    # A set of one's own says at least where one of its splits lies: without, it is a slip.
    if kind is UserOptions and not any(isinstance(options.get(s), Mapping) for s in SPLITS):
        told = unknown_name("data set", name, OPTIONS)
        own = "a set of your own has `options: {train: {annotations, images}, test: {...}}`"
        raise OptionsError(name, [(("name",), f"{told}; {own}")])
    try:
        given = kind.model_validate(dict(options))
    except ValidationError as error:
        problems = [(("options", *at), message) for at, message in described(error, kind)]
        raise OptionsError(name, problems) from error
    if isinstance(given, UserOptions):
        return _resolve_user(name, given, base)
    return DataSpec(name=name, options=given.model_dump())


def _resolve_user(name: str, options: UserOptions, base: Path) -> DataSpec:
    identity: dict[str, Any] = {}
    locations: dict[str, dict[str, str]] = {}
    lost: list[tuple[Location, str]] = []
    twice = sorted({name for name in options.classes if options.classes.count(name) > 1})
    if twice:
        lost.append((("options", "classes"), f"every name once, found more of {', '.join(twice)}"))
    for split in SPLITS:
        files: SplitFiles | None = getattr(options, split)
        if files is None:
            continue
        annotations, images = (
            Path(os.path.realpath(base / os.path.expanduser(path)))
            for path in (files.annotations, files.images)
        )
        # Not `Path.is_file`, which raises where a folder on the way is closed to us.
        if not os.path.isfile(annotations):
            lost.append((("options", split, "annotations"), f"no file {annotations}"))
        else:
            try:
                identity[split] = sha256_of(annotations)
            except OSError as error:
                told = f"{annotations} cannot be read: {error.strerror}"
                lost.append((("options", split, "annotations"), told))
        if not os.path.isdir(images):
            lost.append((("options", split, "images"), f"no folder {images}"))
        locations[split] = {"annotations": str(annotations), "images": str(images)}
    if lost:
        raise OptionsError(name, lost)
    classes = options.classes or _category_names(Path(locations["test"]["annotations"]))
    return DataSpec(name=name, options={**identity, "classes": classes}, locations=locations)


def _category_names(annotations: Path) -> tuple[str, ...]:
    try:
        content = json.loads(annotations.read_bytes())
        categories = sorted(content["categories"], key=lambda category: int(category["id"]))
        names = tuple(str(category["name"]) for category in categories)
    except (ValueError, KeyError, TypeError) as error:
        raise DataError(f"{annotations}: cannot read `categories` ({error!r})") from error
    if not names:
        raise DataError(f"{annotations}: `categories` is empty")
    return names


def trains_on_tune(spec: DataSpec) -> bool:
    """Whether the tune images are among those trained on, so that nothing can be chosen on them."""
    return COCO_SHARES.get(spec.name) == 1.0 and not spec.options["hold_out"]


def folder_name(spec: DataSpec) -> str:
    text = json.dumps(spec.model_dump(mode="json")["options"], sort_keys=True)
    return f"{spec.name}-{hashlib.sha256(text.encode()).hexdigest()[:8]}"


def describe(spec: DataSpec, data_root: str | Path) -> DataSet:
    """Where everything of this set lies, or will lie. Reads nothing."""
    root = Path(data_root) / folder_name(spec)
    digits = spec.name == "digits"
    classes: tuple[str, ...]
    if digits:
        classes = digits_options.CLASSES
    elif spec.name in COCO_SHARES:
        classes = COCO_CLASSES
    else:
        classes = tuple(spec.options["classes"])
    return DataSet(
        name=spec.name,
        root=root,
        classes=classes,
        splits={s: Split(root / "annotations" / f"{s}.json", root / "images" / s) for s in SPLITS},
        pixel_mean=digits_options.PIXEL_MEAN if digits else IMAGENET_MEAN,
        pixel_std=digits_options.PIXEL_STD if digits else IMAGENET_STD,
        image_size=(digits_options.SIDE, digits_options.SIDE) if digits else None,
    )

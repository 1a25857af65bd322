"""How much there is to train on in a user's set, before it is made. Imports no torch, no numpy."""

from __future__ import annotations

import json
import os
import tempfile
from contextlib import suppress
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path

from workflow.data import annotations as files
from workflow.data.catalogue import USER_TUNE_SHARE
from workflow.data.errors import DataError
from workflow.spec import DataSpec


@dataclass(frozen=True)
class TrainingCounts:
    """Of the training split, without what will be held out of it."""

    images: float
    """Those that hold a box; mmdet leaves out the others."""
    boxes: float


def training_counts(spec: DataSpec) -> TrainingCounts | None:
    """None where the annotation file cannot be counted: it is another set than a user's, it is not
    known where it lies, or it is broken, which the making of the set tells at length."""
    train = spec.locations.get("train")
    if train is None:
        return None
    try:
        whole = _counted(Path(train["annotations"]), spec.options["train"])
    except (DataError, AttributeError, KeyError, TypeError):
        return None
    share = 1.0 if "tune" in spec.locations else 1 - USER_TUNE_SHARE
    return TrainingCounts(share * whole.images, share * whole.boxes)


@cache
def _counted(annotations: Path, sha256: str) -> TrainingCounts:
    """Once per content: such a file can have half a gigabyte, which takes gigabytes to read, and
    Snakemake asks in every job of a cluster."""
    kept = _cache() / f"{sha256}.json"
    try:
        return TrainingCounts(**json.loads(kept.read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError):
        pass  # nobody counted yet, or no whole file is there
    entries = files.read(annotations)["annotations"]
    of_images = {entry["image_id"] for entry in entries}
    found = TrainingCounts(images=len(of_images), boxes=len(entries))
    with suppress(OSError):  # it is counted again then
        kept.parent.mkdir(parents=True, exist_ok=True)
        new = kept.with_name(f"{kept.name}.{os.getpid()}")
        new.write_text(json.dumps(asdict(found)), encoding="utf-8")
        new.replace(kept)
    return found


def _cache() -> Path:
    base = Path(os.environ.get("XDG_CACHE_HOME") or "~/.cache")
    try:
        base = base.expanduser()
    except RuntimeError:  # somebody without a home, as in many a container
        base = Path(tempfile.gettempdir()) / f"cache-{os.getuid()}"
    return base / "detection-distillation-benchmark" / "counts"

"""What is known of a made data set: that it was found valid, and what its content is.

Every set that exists under `data/` was checked when it was made (one that fails is never made), and
its manifest says so, with the hash of all that was checked. Programs that train ask here first.
"""

from __future__ import annotations

import hashlib
import json
import os
from pathlib import Path
from typing import Any

from workflow.data.catalogue import DataSet
from workflow.data.digits_options import SPLITS
from workflow.data.errors import DataError
from workflow.data.folder import (
    MANIFEST,
    check_manifest,
    read_manifest,
    sha256_of,
    write_manifest,
)
from workflow.data.report import Report

VALIDATOR = 1
"""Raised when the validator learns to find what it passed before: sets are then checked again."""
REMAKE = "delete the folder, and `python -m workflow.data.make` makes and checks it again"


def vouch(folder: Path, content: dict[str, Any], reports: dict[str, Report]) -> None:
    """Writes the manifest of a set whose reports are all good."""
    linked = {split: folder / "images" / split for split in SPLITS}
    write_manifest(
        folder,
        {
            **content,
            "validator": VALIDATOR,
            "counts": {split: report.counts for split, report in reports.items()},
            "notes": {s: r.to_json()["problems"] for s, r in reports.items() if r.problems},
            "linked": {s: listing(path) for s, path in linked.items() if path.is_symlink()},
        },
    )


def listing(folder: Path) -> str:
    """SHA-256 over the names and sizes below a folder that lies elsewhere: reading every byte of
    COCO's images before every run would cost more than it tells."""
    digest = hashlib.sha256()
    for parent, folders, names in os.walk(folder):
        folders.sort()
        relative = os.path.relpath(parent, folder)
        for name in sorted(names):
            size = os.stat(os.path.join(parent, name)).st_size
            digest.update(f"{relative}/{name}\0{size}\0".encode())
    return digest.hexdigest()


def fingerprint(dataset: DataSet) -> str | None:
    """SHA-256 of the content: options, annotations, images. Wherever the files lie, it is equal.

    None where the set is not made.
    """
    if not (dataset.root / MANIFEST).is_file():
        return None
    manifest = read_manifest(dataset.root)
    identity = {key: manifest.get(key) for key in ("name", "options", "files", "linked")}
    return hashlib.sha256(json.dumps(identity, sort_keys=True).encode()).hexdigest()


def require_valid(dataset: DataSet) -> None:
    """Raises DataError unless the set was checked, passed, and has the annotations it had then."""
    if not (dataset.root / MANIFEST).is_file():
        raise DataError(
            f"data set {dataset.name!r} is not there ({dataset.root}); "
            "`python -m workflow.data.make` makes and checks it"
        )
    manifest = read_manifest(dataset.root)
    if manifest.get("validator") != VALIDATOR:
        raise DataError(f"{dataset.root}: was never checked by this version; {REMAKE}")
    for split, files in dataset.splits.items():
        name = files.annotations.relative_to(dataset.root).as_posix()
        if not files.annotations.is_file():
            raise DataError(f"{files.annotations}: missing; {REMAKE}")
        if sha256_of(files.annotations) != manifest["files"].get(name):
            raise DataError(f"{files.annotations}: changed since it was checked; {REMAKE}")
        if not files.images.is_dir():
            raise DataError(f"{files.images}: the {split} images are not there; {REMAKE}")


def verify(dataset: DataSet) -> None:
    """As `require_valid`, and compares every file of the set's own, every linked one's size."""
    require_valid(dataset)
    check_manifest(dataset.root)
    for split, digest in read_manifest(dataset.root).get("linked", {}).items():
        images = dataset.splits[split].images
        if listing(images) != digest:
            raise DataError(
                f"{images.resolve()}: files were added, removed or changed since the set was "
                f"checked; delete {dataset.root}, and it is checked and made again"
            )

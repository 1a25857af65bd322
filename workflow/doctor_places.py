"""What the doctor says of the places where results and data go."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

from workflow.finding import ABSENT, GIGABYTE, WRONG, Finding

ENOUGH_DISK = 10 * GIGABYTE
"""For the small benchmark with all its seeds; the forecast of a suite says what that one needs."""
LEAST_DISK = GIGABYTE
"""For the demo."""


def disk(data: Path, runs: Path) -> Iterator[Finding]:
    """Room and the right to write, where results and data go."""
    for subject, folder in (("runs", runs), ("data", data)):
        place = _there(folder)
        free = shutil.disk_usage(place).free
        text = f"{free / GIGABYTE:.0f} GB free for {folder}"
        if not os.access(place, os.W_OK):
            mend = f"get the right to write in {place}, or name another folder"
            yield Finding(f"disk, {subject}", f"{place} cannot be written to", WRONG, mend)
        elif free < ENOUGH_DISK:
            mend = f"free {ENOUGH_DISK / GIGABYTE:.0f} GB there, or name another folder"
            state = WRONG if free < LEAST_DISK else ABSENT
            yield Finding(f"disk, {subject}", text, state, mend)
        else:
            yield Finding(f"disk, {subject}", text)


def locks(data: Path, runs: Path) -> Iterator[Finding]:
    """Two jobs keep out of each other's way by locks, which not every shared file system gives."""
    from workflow.data.folder import NoLocks, take

    for subject, folder in (("runs", runs), ("data", data)):
        place = _there(folder)
        if not os.access(place, os.W_OK):
            continue  # told above
        try:
            with tempfile.NamedTemporaryFile(dir=place, prefix=".lock-") as handle:
                take(handle.file, Path(handle.name))
        except NoLocks as error:
            text, _, mend = str(error).partition("; ")
            yield Finding(f"locks, {subject}", text, WRONG, mend)
        else:
            yield Finding(f"locks, {subject}", f"{place} gives them")


def _there(folder: Path) -> Path:
    """The folder, or the nearest above it that exists."""
    whole = folder.absolute()
    return next(path for path in (whole, *whole.parents) if path.exists())


def data_sets(data: Path) -> Iterator[Finding]:
    """Sets that were made here: all their files still there? (`workflow.data.make` reads them.)"""
    from workflow.data.errors import DataError
    from workflow.data.folder import MANIFEST, read_manifest

    manifests = sorted(data.glob(f"*/{MANIFEST}"))
    if not manifests:
        mend = "made when a suite first needs it; python -m workflow.data.make --suite demo"
        yield Finding("data sets", f"none in {data}", ABSENT, mend)
    for manifest in manifests:
        folder = manifest.parent
        try:
            files = read_manifest(folder)["files"]
        except DataError as error:
            yield Finding("data set", f"{folder.name}: {error}", WRONG, f"rm -r {folder}")
            continue
        missing = [name for name in files if not (folder / name).exists()]
        if missing:
            text = f"{folder.name}: {len(missing)} of {len(files)} files missing ({missing[0]})"
            mend = f"rm -r {folder}; it is made anew when needed"
            yield Finding("data set", text, WRONG, mend)
        else:
            yield Finding("data set", f"{folder.name}: all {len(files)} files are there")

"""Folders that are either whole or not there, and the manifest that says what is in them."""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, Any

from workflow.data.errors import DataError

MANIFEST = "manifest.json"


@contextmanager
def appearing(target: Path) -> Iterator[Path]:
    """Yields a folder beside `target` that takes its name only when the block ends well.

    One process at a time makes the same folder; the others wait, and should look again whether it
    is there. What an earlier, killed attempt left behind is swept away.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    half_made = target.parent / f".{target.name}.half-made"
    try:
        shutil.rmtree(half_made, ignore_errors=True)
        half_made.mkdir()
        yield half_made
        flush(half_made)
        half_made.rename(target)
        flush(target.parent)
    except OSError as error:
        raise DataError(f"{target}: could not be made: {error}") from error
    finally:
        shutil.rmtree(half_made, ignore_errors=True)


class Busy(RuntimeError):
    """Somebody else is making it, and waiting was not wanted."""


class NoLocks(DataError):
    """The file system does not let programs keep out of each other's way."""


@contextmanager
def only_one(target: Path, wait: bool = True) -> Iterator[None]:
    """Holds a lock beside `target`, so that two programs do not make the same thing at once."""
    lock = target.parent / f".{target.name}.lock"
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        opened = lock.open("w")
    except OSError as error:
        raise DataError(f"{target.parent}: cannot be written to: {error.strerror}") from error
    with opened as handle:
        take(handle, lock, wait)
        yield


def take(handle: IO[Any], path: Path, wait: bool = True) -> None:
    """The lock of an open file, held until that is closed; Busy and NoLocks say what is wrong."""
    try:
        fcntl.flock(handle, fcntl.LOCK_EX if wait else fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        raise Busy(f"{path} is held by another process") from error
    except OSError as error:  # shared file systems have locks only where somebody switched them on
        raise NoLocks(
            f"{path.parent}: its file system gives no locks ({error.strerror}), without which two "
            "jobs could do the same at once; use a folder on one that does (`results`, `data`), "
            "or have this one mounted with locks (Lustre: -o flock)"
        ) from error


def flush(folder: Path) -> None:
    """Makes sure that the folder's own entries, a new name among them, reached the disk."""
    with suppress(OSError):  # some network file systems cannot sync a folder
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def write_json(path: Path, content: Any, indent: int | None = None) -> None:
    """Writes canonical JSON: the same content is the same bytes. Atomic."""
    path.parent.mkdir(parents=True, exist_ok=True)
    separators = (",", ":") if indent is None else None
    text = json.dumps(content, indent=indent, separators=separators, allow_nan=False)
    partial = path.with_name(f".{path.name}.half-made")
    partial.write_text(text + "\n", encoding="utf-8")
    partial.replace(path)


def sha256_of(path: Path) -> str:
    with path.open("rb") as handle:
        return hashlib.file_digest(handle, "sha256").hexdigest()


def write_manifest(folder: Path, content: dict[str, Any]) -> None:
    """Adds `files`: the SHA-256 of every file below the folder, by its path."""
    files = {
        path.relative_to(folder).as_posix(): sha256_of(path)
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.name != MANIFEST
    }
    write_json(folder / MANIFEST, {**content, "files": files}, indent=1)


def read_manifest(folder: Path) -> dict[str, Any]:
    path = folder / MANIFEST
    try:
        manifest = json.loads(path.read_text(encoding="utf-8"))
        if not isinstance(manifest["files"], dict):
            raise TypeError("`files` is no object")
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise DataError(f"{path}: no readable manifest ({error}); delete {folder}") from error
    return manifest


def check_manifest(folder: Path) -> None:
    """Raises DataError unless every file is there and has the content it was made with."""
    wrong = [
        f"{name} ({'changed' if (folder / name).is_file() else 'missing'})"
        for name, digest in read_manifest(folder)["files"].items()
        if not (folder / name).is_file() or sha256_of(folder / name) != digest
    ]
    if wrong:
        shown = ", ".join(wrong[:20]) + (" ..." if len(wrong) > 20 else "")
        raise DataError(
            f"{folder}: {len(wrong)} files are not as they were made: {shown}; "
            "delete the folder, and it is made again"
        )

"""Zip archives of one folder, unpacked whole or not at all, and nowhere else than they should."""

from __future__ import annotations

import shutil
import stat
import zipfile
import zlib
from pathlib import Path, PurePosixPath

from tqdm import tqdm

from workflow.data.errors import DataError
from workflow.data.folder import appearing


def unpack(archive: Path, target: Path, progress: bool = False) -> None:
    """Unpacks the archive's folder `target.name` to `target`; every entry must lie in it."""
    try:
        with zipfile.ZipFile(archive) as packed, appearing(target) as folder:
            entries = [(entry, _inside(entry, target.name, archive)) for entry in packed.infolist()]
            _require_room(folder, sum(entry.file_size for entry, _ in entries), archive)
            for entry, path in tqdm(entries, archive.name, disable=not progress, unit=""):
                _write(packed, entry, folder / path)
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError) as error:
        raise DataError(f"{archive}: no sound zip archive: {error}") from error


def _inside(entry: zipfile.ZipInfo, top: str, archive: Path) -> PurePosixPath:
    """The entry's path below the top folder; raises DataError for anything that leads out."""
    path = PurePosixPath(entry.filename)
    is_link = stat.S_ISLNK(entry.external_attr >> 16)
    leads_out = path.is_absolute() or ".." in path.parts or "\\" in entry.filename
    if is_link or leads_out or not path.parts or path.parts[0] != top:
        raise DataError(
            f"{archive}: entry {entry.filename!r} {'is a link' if is_link else 'lies'} outside "
            f"the folder {top!r}; nothing was unpacked"
        )
    return path.relative_to(top)


def _require_room(folder: Path, needed: int, archive: Path) -> None:
    free = shutil.disk_usage(folder).free
    if needed > free:
        raise DataError(
            f"{archive}: unpacked it needs {needed:,} bytes, and {free:,} are free at "
            f"{folder.parent}"
        )


def _write(packed: zipfile.ZipFile, entry: zipfile.ZipInfo, path: Path) -> None:
    if entry.is_dir():
        path.mkdir(parents=True, exist_ok=True)
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    with packed.open(entry) as source, path.open("wb") as copy:
        shutil.copyfileobj(source, copy, 1 << 20)

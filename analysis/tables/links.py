"""From a row to the folders of the runs behind it."""

from __future__ import annotations

import os
from pathlib import Path
from urllib.parse import quote

from analysis.tables.model import Row


def folder_of(row: Row) -> Path | None:
    """The run's own folder, or the one that holds all of the row's runs and no other row's."""
    folders = [run.folder for run in row.runs]
    if len(folders) == 1:
        return folders[0]
    above = {folder.parent for folder in folders}
    return above.pop() if len(above) == 1 else None


def nearest_folder(row: Row) -> Path | None:
    """The deepest folder that all runs of the row lie in."""
    if not row.runs:
        return None
    return folder_of(row) or Path(os.path.commonpath([run.folder for run in row.runs]))


def href(folder: Path, base: Path) -> str:
    """As a page in `base` links to the folder."""
    return f"{quote(Path(os.path.relpath(folder, base)).as_posix())}/"

"""The figures, put into the page itself, so that it opens anywhere and without a network."""

from __future__ import annotations

import base64
import struct
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from analysis.errors import AnalysisError
from analysis.files import read_json
from analysis.plan import Plan

FOLDER = "figures"
INDEX = "index.json"
PNG_START = b"\x89PNG\r\n\x1a\n"
WIDE = 1.6
"""Width over height above which a phone shows the figure larger than its screen, to be scrolled."""


@dataclass(frozen=True)
class Picture:
    name: str
    title: str
    caption: str
    alt: str
    note: str
    """What is missing from the figure, or why there is none."""
    source: str = ""
    """The PNG as a data URI; empty where there is none."""
    width: int = 0
    height: int = 0
    pdf: str = ""
    """Where the vector file lies, relative to the page."""

    @property
    def wide(self) -> bool:
        return self.height > 0 and self.width / self.height > WIDE


def read_pictures(plan: Plan, suite_dir: Path) -> list[Picture]:
    """What was drawn, in the order of its index; then what the suite wants and nobody drew."""
    entries = _index(suite_dir / FOLDER / INDEX)
    pictures = [_picture(entry, suite_dir) for entry in entries]
    drawn = {picture.name for picture in pictures}
    for wanted in plan.figures:
        if wanted.name not in drawn:
            title = wanted.title or wanted.name
            pictures.append(Picture(wanted.name, title, "", "", "It has not been drawn yet."))
    return pictures


def _index(path: Path) -> list[dict[str, Any]]:
    if not path.exists():
        return []
    content = read_json(path)
    if not isinstance(content, list) or not all(
        isinstance(e, dict) and "name" in e for e in content
    ):
        raise AnalysisError(
            f"{path}: expected a list of figures, each with a `name`; draw them again"
        )
    return content


def _picture(entry: dict[str, Any], suite_dir: Path) -> Picture:
    name = str(entry["name"])
    title = str(entry.get("title") or name)
    files = entry.get("files") or {}
    note = str(entry.get("note") or "")
    told = Picture(
        name, title, str(entry.get("caption") or ""), str(entry.get("alt") or title), note
    )
    if "png" not in files:
        return _without(told, note or "Nothing was drawn, and no reason is told.")
    path = suite_dir / FOLDER / files["png"]
    try:
        content = path.read_bytes()
    except OSError:
        return _without(told, f"Its file {FOLDER}/{files['png']} cannot be read; draw it again.")
    if not content.startswith(PNG_START):
        return _without(told, f"Its file {FOLDER}/{files['png']} is no PNG; draw it again.")
    width, height = struct.unpack(">II", content[16:24])
    source = "data:image/png;base64," + base64.b64encode(content).decode("ascii")
    pdf = files.get("pdf", "")
    there = bool(pdf) and (suite_dir / FOLDER / pdf).is_file()
    return Picture(
        name, title, told.caption, told.alt, note, source, width, height,
        f"{FOLDER}/{pdf}" if there else "",
    )  # fmt: skip


def _without(told: Picture, note: str) -> Picture:
    return Picture(told.name, told.title, told.caption, told.alt, note)

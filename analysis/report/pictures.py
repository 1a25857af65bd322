"""The figures, put into the page itself, so that it opens anywhere and without a network."""

from __future__ import annotations

import base64
import json
import struct
from dataclasses import dataclass, replace
from pathlib import Path

from markupsafe import Markup

from analysis.errors import AnalysisError
from analysis.figures.index import Entry, read_index
from analysis.files import read_json
from analysis.plan import FigurePlan, Plan

FOLDER = "figures"
PNG_START = b"\x89PNG\r\n\x1a\n"
SIZE_START, SIZE_END = 16, 24
"""Where a PNG says how wide and high it is."""
TALL = 0.8
"""Height to width above which a figure has a printed sheet for itself."""
WIDE = 640
"""Pixels above which a phone shows the figure larger than its screen, to be scrolled."""


@dataclass(frozen=True)
class Explorer:
    """What the reader of the page may ask of the figure, `analysis/figures/explorer.py`."""

    image: str
    top: float
    text: Markup
    """The whole as JSON that cannot end the script element it stands in."""


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
    explorer: Explorer | None = None
    further: tuple[tuple[str, str], ...] = ()
    """Titles and files of pages that are linked, not shown."""

    @property
    def wide(self) -> bool:
        return self.width > WIDE

    @property
    def tall(self) -> bool:
        return self.height > TALL * self.width


def read_pictures(plan: Plan, suite_dir: Path) -> list[Picture]:
    """In the order of the suite's wishes; what nobody has drawn yet is named too."""
    folder = suite_dir / FOLDER
    absent = "It has not been drawn yet."
    pages: dict[str, list[Entry]] = {}
    try:
        for entry in read_index(folder):
            pages.setdefault(entry.figure, []).append(entry)
    except AnalysisError as error:
        absent = str(error)
    found = []
    for wanted in plan.figures:
        own = pages.get(wanted.name, [])
        linked = tuple(_link(page, wanted) for page in own if page.further and page.files)
        shown = [_picture(page, folder) for page in own if not page.further]
        if not shown:
            title = wanted.title or wanted.name
            shown = [Picture(wanted.name, title, "", "", absent)]
        found += [*shown[:-1], replace(shown[-1], further=linked)]
    return found


def _link(page: Entry, wanted: FigurePlan) -> tuple[str, str]:
    """What the page shows, without the figure's own title that all its pages share."""
    file = page.files.get("pdf") or page.files["png"]
    return page.title.removeprefix(f"{wanted.title or wanted.name}: "), f"{FOLDER}/{file}"


def _picture(page: Entry, folder: Path) -> Picture:
    told = Picture(page.name, page.title, page.caption, page.alt or page.title, page.note)
    file = page.files.get("png")
    if file is None:
        return (
            told if page.note else replace(told, note="Nothing was drawn, and no reason is told.")
        )
    try:
        content = (folder / file).read_bytes()
    except OSError:
        return replace(told, note=f"Its file {FOLDER}/{file} cannot be read; draw it again.")
    if not content.startswith(PNG_START) or len(content) < SIZE_END:
        return replace(told, note=f"Its file {FOLDER}/{file} is no PNG; draw it again.")
    width, height = struct.unpack(">II", content[SIZE_START:SIZE_END])
    source = "data:image/png;base64," + base64.b64encode(content).decode("ascii")
    pdf = page.files.get("pdf")
    vector = f"{FOLDER}/{pdf}" if pdf and (folder / pdf).is_file() else ""
    try:
        explorer = _explorer(folder / page.files["json"]) if "json" in page.files else None
    except AnalysisError as error:
        explorer, told = None, replace(told, note=f"Its cells cannot be asked: {error}.")
    return replace(told, source=source, width=width, height=height, pdf=vector, explorer=explorer)


def _explorer(path: Path) -> Explorer:
    content = read_json(path)
    text = json.dumps(content, separators=(",", ":"), ensure_ascii=False).replace("<", "\\u003c")
    return Explorer(content["image"], content["top"], Markup(text))

"""From a wish to files: draws all pages of one figure, or writes down why it cannot."""

from __future__ import annotations

import json
import textwrap
from pathlib import Path

from analysis.figures import style
from analysis.figures.index import Entry, remove_pages, update_index
from analysis.figures.kinds import KINDS
from analysis.figures.wanted import NothingToDraw, Picture, Wanted, sentences
from analysis.figures.wishes import options_of
from analysis.files import write_text
from analysis.plan import FigurePlan
from analysis.records import Records
from analysis.statistics.images import ImageUncertainty

FOLDER = "figures"


def make_figure(
    figure: FigurePlan, records: Records, images: ImageUncertainty, folder: Path
) -> list[Entry]:
    """Writes the pages and their entries in the index."""
    options_of(figure)  # or the kind is unknown
    draw = KINDS[figure.kind]
    wanted = Wanted(figure, records, images)
    title = figure.title or figure.name
    with style.applied():
        try:
            pages, note = draw(wanted), ""
            if not pages:
                raise NothingToDraw("no finished run has anything of what it shows")
        except NothingToDraw as reason:
            note = str(reason)
            pages = [_note(title, note)]
        names = [f"{figure.name}-{page.part}" if page.part else figure.name for page in pages]
        remove_pages(folder, figure.name, names)
        # Words in place of a picture are files too, for whoever waits for those.
        saved = [
            style.save(page.figure, folder, name) | _explorer(page, folder, name)
            for name, page in zip(names, pages, strict=True)
        ]
        entries = [
            Entry(
                name=name,
                figure=figure.name,
                kind=figure.kind,
                title=f"{title}: {page.title}" if page.title else title,
                caption=sentences(page.caption, *wanted.notes),
                files={} if note else files,
                alt=page.alt,
                further=page.further,
                note=note,
            )
            for name, page, files in zip(names, pages, saved, strict=True)
        ]
    update_index(folder, records.plan, figure.name, entries)
    return entries


def _explorer(page: Picture, folder: Path, name: str) -> dict[str, str]:
    file = f"{name}.json"
    if page.explorer is None:
        (folder / file).unlink(missing_ok=True)  # of an earlier drawing
        return {}
    write_text(folder / file, json.dumps(page.explorer, separators=(",", ":"), allow_nan=False))
    return {"json": file}


def _note(title: str, note: str) -> Picture:
    """Words in place of a picture: whoever waits for the file learns why."""
    figure = style.new_figure(style.PAGE_WIDTH, 1.0)
    text = "\n".join(textwrap.wrap(f"{title}: not drawn, {note}.", 95))
    figure.text(0.02, 0.5, text, va="center", fontsize=8, color=style.GREY)
    return Picture(figure, "", f"No picture: {note}.")

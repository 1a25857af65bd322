"""Tables as HTML: sortable, self-contained, every figure a link to the runs behind it."""

from __future__ import annotations

import re
from html import escape
from pathlib import Path

from analysis.tables.links import href, nearest_folder
from analysis.tables.model import Column, Document, Entry, Footnotes, Row, RunLink, Table

_HERE = Path(__file__).parent
STYLE = (_HERE / "table.css").read_text(encoding="utf-8")
SCRIPT = (_HERE / "table.js").read_text(encoding="utf-8")


def to_html(document: Document, base: Path) -> str:
    """A page that opens from disk with no network."""
    title = escape(document.tables[0].title)
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{title}</title>\n<style>\nbody {{ margin: 1rem; }}\n"
        f"h1 {{ font: 600 1.4rem/1.3 system-ui, sans-serif; }}\n{STYLE}"
        "h1 + .table-scroll caption strong { display: none; }\n</style>\n"
        f"</head>\n<body>\n<main>\n<h1>{title}</h1>\n{fragment(document, base)}</main>\n"
        f"<script>\n{SCRIPT}</script>\n</body>\n</html>\n"
    )


def fragment(document: Document, base: Path) -> str:
    """The tables alone, for a page that brings `STYLE` and `SCRIPT` itself. Links to run folders
    are relative to `base`, the folder of that page."""
    return "".join(_table(table, base) for table in document.tables)


def _table(table: Table, base: Path) -> str:
    notes = Footnotes()
    name = escape(table.name)
    head = "".join(
        f'<th scope="col" class="{column.align}"><button type="button">'
        f"{_title(column.title)}</button></th>"
        for column in table.columns
    )
    bodies = []
    for section in table.sections:
        heading = ""
        if section.heading:
            heading = (
                f'<tr class="section"><th scope="rowgroup" colspan="{len(table.columns)}">'
                f"<span>{escape(section.heading)}</span></th></tr>\n"
            )
        rows = "\n".join(_row(row, table, notes, base) for row in section.rows)
        bodies.append(f"<tbody>\n{heading}{rows}\n</tbody>")
    listed = "".join(
        f'<li id="{name}-note-{number}">{escape(text)}</li>\n'
        for number, text in enumerate(notes.texts, start=1)
    )
    remarks = "".join(f"<p>{escape(note)}</p>\n" for note in table.notes)
    below = f"{remarks}<ol>\n{listed}</ol>\n" if listed else remarks
    return (
        f'<div class="table-scroll" role="region" aria-label="{escape(table.title)}" '
        f'tabindex="0">\n<table class="results" id="table-{name}">\n<caption><div><strong>'
        f"{escape(table.title)}</strong> {_title(table.caption)}</div></caption>\n"
        f"<thead><tr>{head}</tr></thead>\n" + "\n".join(bodies) + "\n</table>\n</div>\n"
        f'<div class="table-notes">\n{below}{_runs(table, base)}</div>\n'
    )


def _row(row: Row, table: Table, notes: Footnotes, base: Path) -> str:
    cells = []
    pairs = zip(row.entries, table.columns, strict=True)
    for place, (entry, column) in enumerate(pairs):
        text = _linked(entry, row, base, name=place == 0)
        numbers = [notes.number(note) for note in entry.notes]
        raised = ", ".join(
            f'<a href="#{escape(table.name)}-note-{n}" aria-label="note {n}">{n}</a>'
            for n in numbers
        )
        content = text + (f"<sup>{raised}</sup>" if raised else "")
        cells.append(_cell(entry, column, content, first=place == 0))
    return f"<tr>{''.join(cells)}</tr>"


def _title(text: str) -> str:
    return re.sub(r"AP_([SML])\b", r"AP<sub>\1</sub>", escape(text))


def _cell(entry: Entry, column: Column, content: str, first: bool) -> str:
    value = "" if entry.value is None else f' data-value="{entry.value!r}"'
    css = f"{column.align} {entry.mark}".strip()
    tag, scope = ("th", ' scope="row"') if first else ("td", "")
    return f'<{tag}{scope} class="{css}"{value}>{content}</{tag}>'


def _linked(entry: Entry, row: Row, base: Path, name: bool) -> str:
    """The row's name and its numbers lead to its runs."""
    text = escape(entry.text)
    folder = nearest_folder(row)
    if folder is None or not (name or (entry.value is not None and entry.ours)):
        return text
    return f'<a href="{_href(folder, base)}">{text}</a>'


def _runs(table: Table, base: Path) -> str:
    """Every run behind every row, folded away."""
    items = "".join(
        f"<li>{escape(row.entries[0].text)}: {_links(row.runs, base)}</li>\n"
        for row in table.rows()
        if row.runs
    )
    if not items:
        return ""
    return f"<details>\n<summary>Run folders</summary>\n<ul>\n{items}</ul>\n</details>\n"


def _links(runs: tuple[RunLink, ...], base: Path) -> str:
    return ", ".join(f'<a href="{_href(run.folder, base)}">{escape(run.id)}</a>' for run in runs)


def _href(folder: Path, base: Path) -> str:
    return escape(href(folder, base))

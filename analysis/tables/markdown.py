"""Tables as Markdown: bold and underline for marks, numbered notes, rows linked to their runs."""

from __future__ import annotations

from pathlib import Path

from analysis.tables.links import folder_of, href
from analysis.tables.model import Document, Entry, Footnotes, Row, Table

SPECIAL = "\\`*_[]<>|$~"


def to_markdown(document: Document, base: Path) -> str:
    """`base`: the folder from which links to run folders are followed."""
    return "\n".join(_table(table, document.name, base) for table in document.tables)


def _table(table: Table, document: str, base: Path) -> str:
    notes = Footnotes()
    scattered = f"runs of several folders: their ids stand in the column 'runs' of {document}.csv"
    lines = [f"## {escape(table.title)}", "", escape(table.caption), ""]
    for section in table.sections:
        if section.heading:
            lines += [f"**{escape(section.heading)}**", ""]
        lines.append(_line([escape(column.title) for column in table.columns]))
        lines.append(_line(["---" if c.align == "left" else "---:" for c in table.columns]))
        for row in section.rows:
            lines.append(_line(_entries(row, notes, base, scattered)))
        lines.append("")
    lines += [f"{escape(note)}\n" for note in table.notes]
    for number, text in enumerate(notes.texts, start=1):
        lines.append(f"<sup>{number}</sup> {escape(text)}  ")
    return "\n".join(lines) + "\n"


def _entries(row: Row, notes: Footnotes, base: Path, scattered: str) -> list[str]:
    """The row's name leads to its runs; where they lie apart, one note for all such rows."""
    folder = folder_of(row)
    entries = []
    for place, entry in enumerate(row.entries):
        text = _text(entry)
        numbers = [notes.number(note) for note in entry.notes]
        if place == 0 and folder is not None:
            text = f"[{text}]({href(folder, base)})"
        elif place == 0 and row.runs:
            numbers.append(notes.number(scattered))
        raised = f"<sup>{','.join(map(str, numbers))}</sup>" if numbers else ""
        entries.append(text + raised)
    return entries


def _text(entry: Entry) -> str:
    text = escape(entry.text)
    if entry.mark == "best":
        return f"**{text}**"
    return f"<u>{text}</u>" if entry.mark == "second" else text


def _line(entries: list[str]) -> str:
    return "| " + " | ".join(entries) + " |"


def escape(text: str) -> str:
    return "".join(f"\\{sign}" if sign in SPECIAL else sign for sign in text)

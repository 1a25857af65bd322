"""Tables as Markdown: bold and underline for marks, numbered notes, links to the run folders."""

from __future__ import annotations

import os
from pathlib import Path
from urllib.parse import quote

from analysis.tables.model import Document, Entry, Footnotes, Row, RunLink, Table

SPECIAL = "\\`*_[]<>|"


def to_markdown(document: Document, base: Path) -> str:
    """`base`: the folder from which links to run folders are followed."""
    return "\n".join(_table(table, base) for table in document.tables)


def _table(table: Table, base: Path) -> str:
    notes = Footnotes()
    links: dict[str, tuple[RunLink, ...]] = {}
    lines = [f"## {escape(table.title)}", "", escape(table.caption), ""]
    for section in table.sections:
        if section.heading:
            lines += [f"**{escape(section.heading)}**", ""]
        lines.append(_line([escape(column.title) for column in table.columns]))
        lines.append(_line(["---" if c.align == "left" else "---:" for c in table.columns]))
        for row in section.rows:
            lines.append(_line(_entries(row, notes, links)))
        lines.append("")
    lines += [f"{escape(note)}\n" for note in table.notes]
    for number, text in enumerate(notes.texts, start=1):
        told = _runs(links[text], base) if text in links else escape(text)
        lines.append(f"<sup>{number}</sup> {told}  ")
    return "\n".join(lines) + "\n"


def _entries(row: Row, notes: Footnotes, links: dict[str, tuple[RunLink, ...]]) -> list[str]:
    entries = []
    for place, entry in enumerate(row.entries):
        numbers = [notes.number(note) for note in entry.notes]
        if place == 0 and row.runs:
            key = "runs: " + ", ".join(run.id for run in row.runs)
            links[key] = row.runs
            numbers.append(notes.number(key))
        raised = f"<sup>{','.join(map(str, numbers))}</sup>" if numbers else ""
        entries.append(_text(entry) + raised)
    return entries


def _text(entry: Entry) -> str:
    text = escape(entry.text)
    if entry.mark == "best":
        return f"**{text}**"
    return f"<u>{text}</u>" if entry.mark == "second" else text


def _runs(runs: tuple[RunLink, ...], base: Path) -> str:
    told = (f"[{escape(run.id)}]({quote(os.path.relpath(run.folder, base))}/)" for run in runs)
    return "runs: " + ", ".join(told)


def _line(entries: list[str]) -> str:
    return "| " + " | ".join(entries) + " |"


def escape(text: str) -> str:
    return "".join(f"\\{sign}" if sign in SPECIAL else sign for sign in text)

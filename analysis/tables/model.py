"""A table before it has a format: what stands where, which is best, and where it comes from."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

Align = Literal["left", "right"]
Mark = Literal["", "best", "second"]
MISSING = "–"
YES, NO = "✓", "·"


@dataclass(frozen=True)
class Entry:
    """One cell. `text` is what people read, `value` sorts, `raw` goes to the CSV unrounded; `ours`
    is False for a figure that does not come from the row's runs."""

    text: str
    value: float | None = None
    mark: Mark = ""
    notes: tuple[str, ...] = ()
    raw: dict[str, float | int | str | None] = field(default_factory=dict)
    ours: bool = True


@dataclass(frozen=True)
class Column:
    key: str
    title: str
    align: Align = "right"


@dataclass(frozen=True)
class RunLink:
    """A run folder that stands behind a row."""

    id: str
    folder: Path


@dataclass(frozen=True)
class Row:
    entries: tuple[Entry, ...]
    runs: tuple[RunLink, ...] = ()


@dataclass(frozen=True)
class Section:
    """Rows below one heading, a teacher-student pair."""

    heading: str
    rows: tuple[Row, ...]


@dataclass(frozen=True)
class Table:
    name: str
    title: str
    caption: str
    """Units and conditions: what a reader must know to quote a number from it."""
    columns: tuple[Column, ...]
    sections: tuple[Section, ...]
    notes: tuple[str, ...] = ()
    """Remarks about the table as a whole."""

    def __post_init__(self) -> None:
        for row in self.rows():
            if len(row.entries) != len(self.columns):
                raise ValueError(
                    f"table {self.name!r}: a row has {len(row.entries)} entries for "
                    f"{len(self.columns)} columns"
                )

    def rows(self) -> Iterator[Row]:
        for section in self.sections:
            yield from section.rows


@dataclass(frozen=True)
class Document:
    """What one wanted table comes to: the table, and what follows from it."""

    name: str
    tables: tuple[Table, ...]


class Footnotes:
    """Numbers remarks in the order in which they are met; equal ones share a number."""

    def __init__(self) -> None:
        self.texts: list[str] = []

    def number(self, text: str) -> int:
        if text not in self.texts:
            self.texts.append(text)
        return self.texts.index(text) + 1


def compact_runs(runs: tuple[RunLink, ...]) -> str:
    """`digits/pair/amd/{seed0-12ab, seed1-34cd}`: what runs share is said once."""
    if not runs:
        return ""
    heads = dict.fromkeys(run.id.rsplit("/", 1)[0] for run in runs)
    parts = []
    for head in heads:
        tails = [run.id.rsplit("/", 1)[1] for run in runs if run.id.rsplit("/", 1)[0] == head]
        parts.append(f"{head}/{tails[0]}" if len(tails) == 1 else f"{head}/{{{', '.join(tails)}}}")
    return "; ".join(parts)

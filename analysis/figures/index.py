"""`figures/index.json`: what was drawn, with captions and words for those who cannot see it."""

from __future__ import annotations

import fcntl
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, TypeAdapter, ValidationError

from analysis.errors import AnalysisError
from analysis.files import read_json, write_json
from analysis.plan import Plan

FILE = "index.json"


class Entry(BaseModel):
    """One page. All pages of a figure share `figure`; the first has its name."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str
    figure: str
    kind: str
    title: str
    caption: str
    files: dict[str, str]
    """`png` and `pdf` beside the index, `json` for what a reader may ask; empty where there is no
    picture."""
    alt: str
    further: bool = False
    """Of interest after the others: a page that a report rather links than shows."""
    note: str = ""
    """Why there is no picture, or empty."""


ENTRIES = TypeAdapter(list[Entry])


def read_index(folder: Path) -> list[Entry]:
    path = folder / FILE
    if not path.exists():
        return []
    try:
        return ENTRIES.validate_python(read_json(path))
    except ValidationError as error:
        told = error.errors()[0]
        place = ".".join(map(str, told["loc"]))
        raise AnalysisError(f"{path}: {place}: {told['msg']}; remove it and draw again") from None


def update_index(folder: Path, plan: Plan, name: str, entries: Sequence[Entry]) -> None:
    """Replaces one figure's pages. Figures are drawn side by side: one writer at a time."""
    with _alone(folder):
        try:
            kept = [entry for entry in read_index(folder) if entry.figure != name]
        except AnalysisError:
            kept = []  # of an older version: what is drawn from now on counts
        order = [figure.name for figure in plan.figures]
        known = [entry for entry in (*kept, *entries) if entry.figure in order]
        known.sort(key=lambda entry: order.index(entry.figure))  # stable: pages keep theirs
        content: list[dict[str, Any]] = [entry.model_dump() for entry in known]
        write_json(folder / FILE, content)


def remove_pages(folder: Path, name: str, keep: Sequence[str]) -> None:
    """Pages of an earlier drawing of this figure that are no more."""
    with _alone(folder):
        try:
            former = [entry for entry in read_index(folder) if entry.figure == name]
        except AnalysisError:
            former = []
        for entry in former:
            if entry.name not in keep:
                for file in entry.files.values():
                    (folder / Path(file).name).unlink(missing_ok=True)


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / f".{FILE}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield

"""`history.csv`: every loss term over the training."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from pathlib import Path

from workflow.running.folder import write_text

Row = dict[str, float]
FIRST = ("iteration", "epoch", "lr", "loss")
LAST = ("seconds", "data_seconds")


class History:
    """Rows are plain data inside the resumable state, so a resumed run's file has no seam."""

    def __init__(self, rows: Sequence[Row] = (), waiting: Sequence[Row] = ()) -> None:
        self.rows = list(rows)
        self.waiting = list(waiting)

    def add(self, terms: Mapping[str, float]) -> None:
        """One step's losses and times; `line` closes the mean over all since the last line."""
        self.waiting.append(dict(terms))

    def line(self, iteration: int, epoch: float, lr: float) -> Row:
        names = list(dict.fromkeys(name for terms in self.waiting for name in terms))
        row: Row = {"iteration": iteration, "epoch": round(epoch, 4), "lr": lr}
        for name in names:
            values = [terms[name] for terms in self.waiting if name in terms]
            row[name] = sum(values) / len(values)
        self.rows.append(row)
        self.waiting.clear()
        return row

    def write(self, path: Path) -> None:
        terms = dict.fromkeys(name for row in self.rows for name in row)
        columns = [*FIRST, *(name for name in terms if name not in (*FIRST, *LAST)), *LAST]
        text = io.StringIO()
        writer = csv.DictWriter(text, columns, restval="", lineterminator="\n")
        writer.writeheader()
        for row in self.rows:
            writer.writerow({name: _short(value) for name, value in row.items()})
        write_text(path, text.getvalue())


def _short(value: float) -> str:
    return str(value) if isinstance(value, int) else f"{value:.8g}"

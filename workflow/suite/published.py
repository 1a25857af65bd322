"""Which printed number stands beside a cell. Reads results/published/published.csv, no more."""

from __future__ import annotations

import csv
from functools import cache
from pathlib import Path

from workflow.suite.schema import Published

FILE = Path(__file__).parents[2] / "results" / "published" / "published.csv"
KEY = ("paper", "table", "method", "variant", "teacher", "student", "schedule", "metric_set")
"""Together they tell every row of the file apart."""

Row = dict[str, str]


@cache
def rows() -> tuple[Row, ...]:
    with FILE.open(encoding="utf-8", newline="") as handle:
        return tuple(csv.DictReader(handle))


@cache
def of_paper(paper: str) -> tuple[Row, ...]:
    return tuple(row for row in rows() if row["paper"] == paper)


def papers() -> tuple[str, ...]:
    return tuple(dict.fromkeys(row["paper"] for row in rows()))


def places(row: Row) -> list[str]:
    """A row printed in several places names them all, joined by `; `."""
    return row["table"].split("; ")


def matching(wanted: Published) -> list[Row]:
    """Rows that have every value that is not None."""
    values = wanted.model_dump(exclude_none=True)
    table = values.pop("table", None)
    pool = of_paper(values.pop("paper")) if "paper" in values else rows()
    return [
        row
        for row in pool
        if (table is None or table in places(row) or table == row["table"])
        and all(row[column] == value for column, value in values.items())
    ]


def key_of(row: Row) -> tuple[tuple[str, str], ...]:
    return tuple((column, row[column]) for column in KEY)

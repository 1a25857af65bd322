"""The main figures of a results table, put into a page between two marks.

    python -m analysis.excerpt --table results/reference/mini/tables/main.csv --into README.md

So the page says what the table says, and a test can hold it to that. Rows without a run are left
out, and pairs in which nothing can be compared yet; intervals are over the seeds where there are
several, over the choice of images otherwise.
"""

from __future__ import annotations

import argparse
import csv
import sys
from collections.abc import Iterator
from pathlib import Path

from analysis import marked
from analysis.errors import run_program
from analysis.files import write_text
from analysis.tables.numbers import signed

MARK = "figures from {}"
HEAD = ("Method", "AP", "over the baseline", "over inheriting alone", "seeds")
Line = dict[str, str]


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="analysis.excerpt", description="a table in a page")
    parser.add_argument("--table", type=Path, required=True, help="tables/<name>.csv")
    parser.add_argument("--into", type=Path, required=True, help="a page in Markdown")
    given = parser.parse_args(arguments)

    def program() -> None:
        page = given.into.read_text(encoding="utf-8")
        write_text(given.into, replaced(page, given.table))

    return run_program(program)


def replaced(page: str, table: Path) -> str:
    return marked.replaced(page, MARK.format(table.as_posix()), excerpt(table))


def excerpt(table: Path) -> str:
    with table.open(newline="", encoding="utf-8") as file:
        lines = [line for line in csv.DictReader(file) if line["part"] == table.stem and line["AP"]]
    compared = {line["section"] for line in lines if line["delta"]}
    return "\n".join(_told([line for line in lines if line["section"] in compared]))


def _told(lines: list[Line]) -> Iterator[str]:
    heading = ""
    for line in lines:
        if line["section"] != heading:
            yield from ([""] if heading else [])
            heading = line["section"]
            yield f"**{heading}**"
            yield ""
            yield f"| {' | '.join(HEAD)} |"
            yield f"|---|{'---:|' * (len(HEAD) - 1)}"
        gains = (_gain(line, "delta"), _gain(line, "own"))
        cells = (line["title"], f"{float(line['AP']):.1f}", *gains, line["n"])
        yield f"| {' | '.join(cells)} |"


def _gain(line: Line, name: str) -> str:
    if not line.get(name):
        return "–"
    over = name if line.get(f"{name}_low") else f"{name}_images"
    found = signed(float(line[name]))
    if line.get(f"{over}_low"):
        low, high = float(line[f"{over}_low"]), float(line[f"{over}_high"])
        found += f" [{signed(low)}, {signed(high)}]"
    return found


if __name__ == "__main__":
    sys.exit(main())

"""Everything that the tables say, for other programs.

    python -m analysis.statistics --suite-dir results/suites/demo [--runs ...] [--data ...]

writes `statistics.json`. Intervals carry their `kind`: `seeds` (train again) or `images` (other
test images).
"""

from __future__ import annotations

import argparse
import dataclasses
import math
import sys
from pathlib import Path
from typing import Any

from analysis.errors import run_program
from analysis.files import write_json
from analysis.places import CACHE, DATA, RUNS
from analysis.plan import read_plan
from analysis.records import read_records
from analysis.statistics.estimates import CONFIDENCE
from analysis.statistics.images import ImageUncertainty
from analysis.statistics.tables import CellStatistics, TableStatistics, table_statistics


def as_json(tables: list[TableStatistics]) -> dict[str, Any]:
    content = {"confidence": CONFIDENCE, "tables": {t.plan.name: _table(t) for t in tables}}
    return _finite(content)


def _table(table: TableStatistics) -> dict[str, Any]:
    return {
        "cells": [_cell(cell) for cell in table.cells],
        "across_pairs": [dataclasses.asdict(row) for row in table.across_pairs()],
        "ranks": [dataclasses.asdict(rank) for rank in table.ranks()],
        "groups": dataclasses.asdict(table.difference_groups()),
    }


def _cell(cell: CellStatistics) -> dict[str, Any]:
    return {
        "row": cell.cell.row,
        "group": cell.cell.group,
        "runs": list(cell.runs),
        "missing": cell.missing,
        "verdict": {metric: cell.verdict(metric) for metric in cell.estimates},
        "estimates": {m: dataclasses.asdict(e) for m, e in cell.estimates.items()},
        "deltas": {m: dataclasses.asdict(d) for m, d in cell.deltas.items()},
        "images": cell.images and dataclasses.asdict(cell.images),
        "image_delta": cell.image_delta and dataclasses.asdict(cell.image_delta),
        "own_deltas": {m: dataclasses.asdict(d) for m, d in cell.own_deltas.items()},
        "own_image_delta": cell.own_image_delta and dataclasses.asdict(cell.own_image_delta),
    }


def _finite(value: Any) -> Any:
    """JSON has no infinity and no NaN: null."""
    if isinstance(value, dict):
        return {key: _finite(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="analysis.statistics", description="statistics.json")
    parser.add_argument("--suite-dir", type=Path, required=True, help="results/suites/<suite>")
    parser.add_argument("--runs", type=Path, default=RUNS, help="where the run folders lie")
    parser.add_argument("--data", type=Path, default=DATA, help="where the data sets lie")
    given = parser.parse_args(arguments)

    def program() -> None:
        plan = read_plan(given.suite_dir)
        records = read_records(plan, given.runs)
        images = ImageUncertainty(given.data, given.suite_dir / CACHE)
        tables = [table_statistics(records, table, images) for table in plan.tables]
        write_json(given.suite_dir / "statistics.json", as_json(tables))
        for problem in sorted(set(images.problems.values())):
            print(f"warning: {problem}", file=sys.stderr)

    return run_program(program)


if __name__ == "__main__":
    sys.exit(main())

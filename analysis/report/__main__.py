"""One page that says what a suite says, and what that rests on.

    python -m analysis.report --suite-dir results/suites/demo [--runs ...] [--data ...]

writes `report.html`, which needs no other file: figures, style and script stand in it. Whatever is
missing (runs, figures) is named in the page and stops nothing.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from analysis.errors import run_program
from analysis.files import write_text
from analysis.places import DATA, RUNS
from analysis.report.page import make_page

REPORT_FILE = "report.html"


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="analysis.report", description="a suite's page")
    parser.add_argument("--suite-dir", type=Path, required=True, help="results/suites/<suite>")
    parser.add_argument("--runs", type=Path, default=RUNS, help="where the run folders lie")
    parser.add_argument("--data", type=Path, default=DATA, help="where the data sets lie")
    given = parser.parse_args(arguments)

    def program() -> None:
        target = given.suite_dir / REPORT_FILE
        write_text(target, make_page(given.suite_dir, given.runs, given.data))
        print(f"{target} ({target.stat().st_size / 2**20:.1f} MiB)")

    return run_program(program)


if __name__ == "__main__":
    sys.exit(main())

"""The tables that a suite wants, in four formats each.

    python -m analysis.tables --suite-dir results/suites/demo [--table NAME] [--runs results/runs]

writes `tables/<name>.md`, `.tex`, `.html` and `.csv`. Runs that are missing, failed or stale leave
their cells marked, with the reason; they never stop a table.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from analysis.errors import run_program
from analysis.files import write_text
from analysis.places import CACHE, DATA, RUNS
from analysis.plan import read_plan
from analysis.records import RECORDS_FILE, read_records
from analysis.statistics.images import ImageUncertainty
from analysis.tables.build import build_document
from analysis.tables.csv_text import to_csv
from analysis.tables.html import to_html
from analysis.tables.latex import to_latex
from analysis.tables.markdown import to_markdown
from analysis.tables.model import Document

FOLDER = "tables"


def write_document(document: Document, suite_dir: Path) -> None:
    folder = suite_dir / FOLDER
    # Told from the folder of all results, wherever that lies on this machine.
    records = Path(*(suite_dir / RECORDS_FILE).resolve().parts[-4:])
    write_text(folder / f"{document.name}.md", to_markdown(document, folder))
    write_text(folder / f"{document.name}.tex", to_latex(document, records))
    write_text(folder / f"{document.name}.html", to_html(document, folder))
    write_text(folder / f"{document.name}.csv", to_csv(document))


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="analysis.tables", description="tables of a suite")
    parser.add_argument("--suite-dir", type=Path, required=True, help="results/suites/<suite>")
    parser.add_argument("--runs", type=Path, default=RUNS, help="where the run folders lie")
    parser.add_argument("--data", type=Path, default=DATA, help="where the data sets lie")
    parser.add_argument("--table", help="only this one; all without it")
    given = parser.parse_args(arguments)

    def program() -> None:
        plan = read_plan(given.suite_dir)
        wanted = [plan.table(given.table)] if given.table else list(plan.tables)
        records = read_records(plan, given.runs)
        images = ImageUncertainty(given.data, given.suite_dir / CACHE)
        for table in wanted:
            document = build_document(records, table, images)
            write_document(document, given.suite_dir)
            print(f"{given.suite_dir / FOLDER / table.name}.md .tex .html .csv")
        for problem in sorted(set(images.problems.values())):
            print(f"warning: {problem}", file=sys.stderr)

    return run_program(program)


if __name__ == "__main__":
    sys.exit(main())

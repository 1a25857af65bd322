"""The figures that a suite wants, as PDF and PNG.

    python -m analysis.figures --suite-dir results/suites/demo [--figure NAME] [--runs results/runs]

writes `figures/<name>.pdf` and `.png`, further pages as `<name>-<part>`, and `figures/index.json`
with captions. What cannot be drawn yet says why; it never stops the others.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from analysis.errors import run_program
from analysis.figures.wishes import check, figure_of
from analysis.places import CACHE, DATA, RUNS
from analysis.plan import Plan, read_plan


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="analysis.figures", description="figures of a suite")
    parser.add_argument("--suite-dir", type=Path, required=True, help="results/suites/<suite>")
    parser.add_argument("--runs", type=Path, default=RUNS, help="where the run folders lie")
    parser.add_argument("--data", type=Path, default=DATA, help="where the data sets lie")
    parser.add_argument("--figure", help="only this one; all without it")
    parser.add_argument("--check", action="store_true", help="only whether the wishes make sense")
    given = parser.parse_args(arguments)

    def program() -> None:
        plan = read_plan(given.suite_dir)
        if given.check:
            check(plan)
            return
        draw(plan, given)

    return run_program(program)


def draw(plan: Plan, given: argparse.Namespace) -> None:
    # Only now: whoever checks draws nothing.
    from analysis.figures.make import FOLDER, make_figure
    from analysis.records import read_records
    from analysis.statistics.images import ImageUncertainty

    wanted = [figure_of(plan, given.figure)] if given.figure else list(plan.figures)
    records = read_records(plan, given.runs)
    images = ImageUncertainty(given.data, given.suite_dir / CACHE)
    folder = given.suite_dir / FOLDER
    for figure in wanted:
        entries = make_figure(figure, records, images, folder)
        note = entries[0].note
        pages = f" and {len(entries) - 1} more" if len(entries) > 1 else ""
        print(f"{folder / figure.name}.pdf .png" + (f": {note}" if note else pages))
    for problem in sorted(set(images.problems.values())):
        print(f"warning: {problem}", file=sys.stderr)


if __name__ == "__main__":
    sys.exit(main())

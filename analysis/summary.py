"""What a suite says, in one sentence.

python -m analysis.summary --suite-dir results/suites/demo [--runs results/runs]
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from analysis.errors import run_program
from analysis.findings.headline import summary
from analysis.places import RUNS
from analysis.plan import read_plan
from analysis.records import read_records


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="analysis.summary", description="a suite in a sentence")
    parser.add_argument("--suite-dir", type=Path, required=True, help="results/suites/<suite>")
    parser.add_argument("--runs", type=Path, default=RUNS, help="where the run folders lie")
    given = parser.parse_args(arguments)

    def program() -> None:
        print(summary(read_records(read_plan(given.suite_dir), given.runs)))

    return run_program(program)


if __name__ == "__main__":
    sys.exit(main())

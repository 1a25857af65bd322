"""Puts a suite's results into a compact form that can stand in the repository: no weights, no
detections, and not a word that depends on where the run folders lie.

    snakemake report --config suite=mini partial=true
    python -m analysis.reference --suite-dir results/suites/mini --out results/reference/mini

A later call replaces what an earlier one left, so results can be added as they come.
"""

from __future__ import annotations

import argparse
import re
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

from analysis.errors import AnalysisError, run_program
from analysis.files import write_text
from analysis.findings.headline import summary
from analysis.plan import read_plan
from analysis.records import RUNS, Records, read_records
from analysis.report.provenance import provenance

KEPT = ("records.csv", "folders.csv", "statistics.json")
TABLES = ("*.md", "*.csv", "*.tex")
LARGEST_PICTURE = 1_000_000  # bytes: every later call adds its pictures to the history again
TO_A_RUN = re.compile(r"\[([^\]]*)\]\((?:\.\./)+(?:[^()\s]*/)?runs/[^()\s]*\)")
"""A link of a table to a run's folder, which is not there for whoever reads the compact form."""


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="analysis.reference", description="compact results")
    parser.add_argument("--suite-dir", type=Path, required=True, help="results/suites/<suite>")
    parser.add_argument("--runs", type=Path, default=RUNS, help="where the run folders lie")
    parser.add_argument("--out", type=Path, required=True, help="results/reference/<suite>")
    given = parser.parse_args(arguments)
    return run_program(lambda: keep(given.suite_dir, given.runs, given.out))


def keep(suite: Path, runs: Path, out: Path) -> None:
    records = read_records(read_plan(suite), runs)
    lacking = [name for name in KEPT if not (suite / name).is_file()]
    if lacking:
        raise AnalysisError(f"{suite}: has no {', '.join(lacking)}; make its report first")
    for part in ("tables", "figures"):
        shutil.rmtree(out / part, ignore_errors=True)
        (out / part).mkdir(parents=True)
    for name in KEPT:
        shutil.copyfile(suite / name, out / name)
    for pattern in TABLES:
        for path in sorted((suite / "tables").glob(pattern)):
            text = TO_A_RUN.sub(r"\1", path.read_text(encoding="utf-8"))
            write_text(out / "tables" / path.name, text)
    for figure in records.plan.figures:
        path = suite / "figures" / f"{figure.name}.png"
        if path.is_file() and path.stat().st_size <= LARGEST_PICTURE:
            shutil.copyfile(path, out / "figures" / path.name)
    write_text(out / "README.md", "\n".join(_page(records, out)) + "\n")


def _page(records: Records, out: Path) -> Iterator[str]:
    plan, frame = records.plan, records.frame
    yield f"# Reference results: {plan.title}"
    yield ""
    yield plan.description
    yield ""
    yield f"**{summary(records)}**"
    yield ""
    yield f"{len(frame)} of {len(plan.runs)} planned runs stand. `records.csv` has a line for each"
    yield "(metrics, costs, hashes of settings, data, predictions and weights), `folders.csv` one"
    yield "for each that is lacking, with the reason."
    yield ""
    yield "| made with | |"
    yield "| --- | --- |"
    for what, told in _conditions(records):
        yield f"| {what} | {told} |"
    yield ""
    yield f"To make them again: `snakemake --config suite={plan.suite}`."
    for part, pattern in (("tables", "*.md"), ("figures", "*.png")):
        found = sorted((out / part).glob(pattern))
        if found:
            yield ""
            links = ", ".join(f"[{path.stem}]({part}/{path.name})" for path in found)
            yield f"{part.capitalize()}: {links}"


def _conditions(records: Records) -> Iterator[tuple[str, str]]:
    """What the runs say of themselves; several values where they were not made alike."""
    told = provenance(records)
    hours = records.frame["wall_seconds"].sum() / 3600
    days = dict.fromkeys(moment[:10] for moment in (told.first, told.last) if moment)
    yield "finished", " to ".join(days) or "none yet"
    yield "trainings", f"{hours:.1f} hours of one process in all"
    yield "machines", "; ".join(told.machines)
    yield "code", ", ".join(f"`{revision[:10]}`" for revision in told.revisions)
    packages = (f"{name} {', '.join(found)}" for name, found in told.versions.items())
    yield "packages", "; ".join(packages)


if __name__ == "__main__":
    sys.exit(main())

"""Puts a suite's results into a compact form that can stand in the repository: no weights, no
detections, and not a word that depends on where the run folders lie.

    snakemake report --config suite=mini partial=true
    python -m analysis.reference --suite-dir results/suites/mini --out results/reference/mini

A later call replaces what an earlier one left, so results can be added as they come. Below `runs/`
stand the run folders without what is heavy: `python -m workflow.restore` puts them back on any
machine, so a suite that takes days can be carried out in pieces, on several.
"""

from __future__ import annotations

import argparse
import re
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

from analysis.errors import AnalysisError, run_program
from analysis.figures.index import read_index
from analysis.files import read_json, write_json, write_text
from analysis.findings.headline import summary
from analysis.places import CACHE, RUNS
from analysis.plan import read_plan
from analysis.records import FOLDERS_FILE, RUN_FILE, Records, read_records
from analysis.report.provenance import provenance
from analysis.split import metrics_of
from analysis.statistics.images import measured_of

KEPT = ("records.csv", FOLDERS_FILE, "statistics.json")
OF_A_RUN = ("outcome.json", "cost.json", "history.csv", "curve.csv", "agreement.csv")
"""Beside its record and its metrics."""
ATTENTION = "attention.npz"
LARGEST_ATTENTION = 4_000_000  # bytes: of small networks all of it, of large ones none
HERE_ONLY = ("command",)
"""What a run's record says of the machine's folders."""
TABLES = ("*.md", "*.csv", "*.tex")
LARGEST_PICTURE = 1_000_000  # bytes: every later call adds its pictures to the history again
TO_A_RUN = re.compile(r"\[([^\]]*)\]\((?:\.\./)+(?:[^()\s]*/)?runs/[^()\s]*\)")
"""A link of a table to a run's folder, which is not there for whoever reads the compact form."""


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="analysis.reference", description="compact results")
    parser.add_argument("--suite-dir", type=Path, required=True, help="results/suites/<suite>")
    parser.add_argument("--runs", type=Path, default=RUNS, help="where the run folders lie")
    parser.add_argument("--out", type=Path, required=True, help="results/reference/<suite>")
    parser.add_argument(
        "--runs-alone",
        action="store_true",
        help="add run folders, and leave tables and pictures as they are until more runs stand",
    )
    given = parser.parse_args(arguments)
    program = keep_runs if given.runs_alone else keep
    return run_program(lambda: program(given.suite_dir, given.runs, given.out))


def keep(suite: Path, runs: Path, out: Path) -> None:
    records = read_records(read_plan(suite), runs)
    lacking = [name for name in KEPT if not (suite / name).is_file()]
    if lacking:
        raise AnalysisError(f"{suite}: has no {', '.join(lacking)}; make its report first")
    _refuse_to_lose(records, out / "runs")
    for part in ("tables", "runs"):
        shutil.rmtree(out / part, ignore_errors=True)
        (out / part).mkdir(parents=True)
    for name in KEPT:
        shutil.copyfile(suite / name, out / name)
    # What else lies in this machine's folder of runs is nobody's business.
    planned = records.folders[records.folders["id"].isin([*records.plan.by_id])]
    write_text(out / FOLDERS_FILE, planned.to_csv(index=False, lineterminator="\n"))
    for pattern in TABLES:
        for path in sorted((suite / "tables").glob(pattern)):
            text = TO_A_RUN.sub(r"\1", path.read_text(encoding="utf-8"))
            write_text(out / "tables" / path.name, text)
    earlier = _keep_figures(records, suite / "figures", out / "figures")
    keep_runs(suite, runs, out)
    write_text(out / "README.md", "\n".join(_page(records, out, earlier)) + "\n")


def _keep_figures(records: Records, drawn: Path, out: Path) -> list[str]:
    """The names of those that are of an earlier time: what they show (attention above all) need not
    be kept with the runs, so a figure that cannot be drawn stays as it was."""
    out.mkdir(parents=True, exist_ok=True)
    wanted = {figure.name for figure in records.plan.figures}
    for path in out.iterdir():
        if path.stem not in wanted:
            path.unlink()
    now = {entry.name for entry in read_index(drawn) if entry.files} & wanted
    for name in now:
        path = drawn / f"{name}.png"
        if path.is_file() and path.stat().st_size <= LARGEST_PICTURE:
            shutil.copyfile(path, out / path.name)
    return sorted(path.stem for path in out.iterdir() if path.stem not in now)


def keep_runs(suite: Path, runs: Path, out: Path) -> None:
    """What stands here beside what is kept."""
    frame = read_records(read_plan(suite), runs).frame
    (out / CACHE).mkdir(parents=True, exist_ok=True)
    for id, run in frame.iterrows():
        _keep_run(Path(str(run["folder"])), out / "runs" / str(id), str(run["split"]))
        for path in (suite / CACHE).glob(f"{measured_of(run)}-*"):
            shutil.copyfile(path, out / CACHE / path.name)


def _refuse_to_lose(records: Records, kept: Path) -> None:
    """What an earlier call kept and this machine does not have."""
    folders = (path.parent.relative_to(kept).as_posix() for path in kept.rglob(RUN_FILE))
    lost = sorted({*folders} & records.plan.by_id.keys() - {*records.frame.index})
    if lost:
        raise AnalysisError(
            f"{kept}: {len(lost)} of the runs that are kept there are not here, for example "
            f"{lost[0]}; `python -m workflow.restore --suite {records.plan.suite} --to-read` "
            "brings them back, then make the report again"
        )


def _keep_run(folder: Path, out: Path, split: str) -> None:
    out.mkdir(parents=True, exist_ok=True)
    record = {k: v for k, v in read_json(folder / RUN_FILE).items() if k not in HERE_ONLY}
    write_json(out / RUN_FILE, record)
    for name in (*OF_A_RUN, metrics_of(folder, split).name):
        if (folder / name).is_file():
            shutil.copyfile(folder / name, out / name)
    attention = folder / ATTENTION
    if attention.is_file() and attention.stat().st_size <= LARGEST_ATTENTION:
        shutil.copyfile(attention, out / ATTENTION)


def _page(records: Records, out: Path, earlier: list[str]) -> Iterator[str]:
    plan, frame = records.plan, records.frame
    yield f"# Reference results: {plan.title}"
    yield ""
    yield plan.description
    yield ""
    yield f"**{summary(records)}**"
    yield ""
    yield f"{len(frame)} of {len(plan.runs)} planned runs stand. `records.csv` has a line for each"
    yield "(metrics, costs, hashes of settings, data, predictions and weights), `folders.csv` one"
    yield "for each that is lacking, with the reason; `runs/` has their folders without weights and"
    yield "detections."
    yield ""
    yield "| made with | |"
    yield "| --- | --- |"
    for what, told in _conditions(records):
        yield f"| {what} | {told} |"
    yield ""
    yield f"To make them again: `snakemake --config suite={plan.suite}`. To go on from what stands:"
    yield f"`python -m workflow.restore --suite {plan.suite}` before it."
    for part, pattern in (("tables", "*.md"), ("figures", "*.png")):
        found = sorted((out / part).glob(pattern))
        if found:
            yield ""
            links = ", ".join(f"[{path.stem}]({part}/{path.name})" for path in found)
            yield f"{part.capitalize()}: {links}"
    if earlier:
        yield ""
        yield "Drawn earlier, from runs that were kept without what they show:"
        yield f"{', '.join(earlier)}."


def _short(revision: str) -> str:
    commit, plus, changes = revision.partition("+")
    return f"`{commit[:10]}{plus}{changes}`"


def _conditions(records: Records) -> Iterator[tuple[str, str]]:
    """What the runs say of themselves; several values where they were not made alike."""
    told = provenance(records)
    hours = records.frame["wall_seconds"].sum() / 3600
    days = dict.fromkeys(moment[:10] for moment in (told.first, told.last) if moment)
    yield "finished", " to ".join(days) or "none yet"
    yield "trainings", f"{hours:.1f} hours of one process in all"
    yield "machines", "; ".join(told.machines)
    yield "code", ", ".join(dict.fromkeys(map(_short, told.revisions)))
    packages = (f"{name} {', '.join(found)}" for name, found in told.versions.items())
    yield "packages", "; ".join(packages)


if __name__ == "__main__":
    sys.exit(main())

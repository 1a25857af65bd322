"""Puts kept results back where runs lie, so that a suite goes on from them instead of from nothing.

    python -m workflow.restore --suite mini             # then: snakemake --config suite=mini
    python -m workflow.restore --suite mini --to-read   # all of them, for tables and figures alone

They come from `results/reference/<suite>`, which `analysis.reference` made, and have no weights. So
a run whose weights a training that is still to be done would learn from (a teacher, a backbone) is
left to be trained, and forgotten if it was restored before. Nothing else that lies here is touched.
Imports no torch.
"""

from __future__ import annotations

import argparse
import shutil
import sys
from pathlib import Path

from workflow import outcome
from workflow.command import MISTAKE, speaking
from workflow.stages import recorded
from workflow.suite import Suite, load

MEASURED = "measured"
"""Below a suite's folder: what was measured on detections that are not kept."""


@speaking
def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--suite", required=True)
    parser.add_argument("--kept", type=Path, help="results/reference/<suite>")
    parser.add_argument("--results", type=Path, default=Path("results"))
    parser.add_argument(
        "--to-read", action="store_true", help="teachers too, though students lack that need them"
    )
    options = parser.parse_args(arguments)
    suite = load(options.suite)
    kept: Path = options.kept or Path("results/reference") / suite.name
    runs: Path = options.results / "runs"
    found = [id for id in suite.by_id if _complete(suite, kept / "runs", id)]
    if not found:
        print(f"{kept}: keeps no run of suite {suite.name!r}", file=sys.stderr)
        return MISTAKE
    absent = [id for id in found if not outcome.path_of(runs, id).is_file()]
    needed = set() if options.to_read else weights_needed(suite, runs, {*found})
    restored = [id for id in absent if id not in needed]
    for id in restored:
        _put(kept / "runs", runs, id)
    for id in needed:
        if outcome.without_weights(runs, id):
            outcome.path_of(runs, id).unlink()
    measured = options.results / "suites" / suite.name / MEASURED
    if (kept / MEASURED).is_dir():
        shutil.copytree(kept / MEASURED, measured, dirs_exist_ok=True)
    print(f"{len(restored)} runs restored, {len(found) - len(absent)} were here already")
    for id in absent:
        if id in needed:
            print(f"  left to be trained, because others will learn from its weights: {id}")
    return 0


def weights_needed(suite: Suite, runs: Path, kept: set[str]) -> set[str]:
    """Runs that a training learns from which is still to be done, be it one of these itself."""
    needed: set[str] = set()
    for id, run in reversed(suite.by_id.items()):  # what learns comes before what it learns from
        here = outcome.path_of(runs, id).is_file()
        if here and id in needed and outcome.without_weights(runs, id):
            here = False
        if not here and (id not in kept or id in needed):
            needed |= {other.id for other in run.dependencies()}
    return needed


def _complete(suite: Suite, kept: Path, id: str) -> bool:
    ended = outcome.read(kept, id)
    made_from = recorded(kept / id).get("hash")
    return ended is not None and ended.complete and made_from == suite.by_id[id].hash


def _put(kept: Path, runs: Path, id: str) -> None:
    """The outcome last: it is what says that all of it is there."""
    (runs / id).mkdir(parents=True, exist_ok=True)
    for path in sorted((kept / id).iterdir()):
        if path.name != outcome.FILE:
            shutil.copyfile(path, runs / id / path.name)
    ended = outcome.read(kept, id)
    assert ended is not None  # or it would not have been found complete
    outcome.write(runs, ended)


if __name__ == "__main__":
    sys.exit(main())

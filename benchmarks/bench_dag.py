"""How long snakemake takes to say what it would do: the coco suite, and one of 5,000 runs.

    python -m benchmarks.bench_dag

Times are wall times of a whole `snakemake --dry-run`, and of reading the suite alone, which every
job does again. The limits are for two quiet cores.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).parents[1]
RUNS = 5000
LIMITS = {"coco": 6.0, "made up": 40.0}
"""Seconds that a dry run may take."""


def made_up(runs: int) -> str:
    """A suite of so many students: three pairs, ten seeds, one method at many weights."""
    pairs = ["retinanet-x101-r50", "cascade-mask-x101-faster-r50", "reppoints-x101-r50"]
    seeds = list(range(10))
    weights = [round(0.01 * step, 2) for step in range(1, runs // (len(pairs) * len(seeds)) + 2)]
    return (
        "title: Made up\ndata: coco\n"
        f"seeds: {seeds}\npairs: {pairs}\n"
        f"rows: [baseline, {{row: mgd, grid: {{weight: {weights}}}}}]\n"
    )


def timed(*command: str) -> tuple[float, float, str]:
    """Wall seconds, processor seconds, and what was said."""
    before, start = os.times(), time.perf_counter()
    ended = subprocess.run(
        [sys.executable, "-m", *command], cwd=ROOT, capture_output=True, text=True, check=True
    )
    after = os.times()
    spent = after.children_user + after.children_system
    spent -= before.children_user + before.children_system
    return time.perf_counter() - start, spent, ended.stdout + ended.stderr


def jobs(text: str) -> int:
    return int(next(line.split()[1] for line in text.splitlines() if line.startswith("total ")))


def main() -> int:
    missed = 0
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "made_up.yaml"
        path.write_text(made_up(RUNS), encoding="utf-8")
        for name, suite in (("coco", "coco"), ("made up", str(path))):
            wall, spent, _ = timed("workflow.suite", suite)
            print(f"{name:8} read       {wall:6.2f} s wall {spent:6.2f} s processor")
            options = ("--config", f"suite={suite}", f"results={folder}/results")
            # An empty results folder: everything is still to be done, the longest listing.
            wall, spent, said = timed("snakemake", "--dry-run", "students", *options)
            verdict = "" if wall <= LIMITS[name] else f"  MORE than {LIMITS[name]:.0f} s"
            missed += bool(verdict)
            print(
                f"{name:8} dry run    {wall:6.2f} s wall {spent:6.2f} s processor"
                f"  {jobs(said)} jobs{verdict}"
            )
    return min(1, missed)


if __name__ == "__main__":
    sys.exit(main())

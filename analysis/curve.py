"""AP over a training, from what the student detected on its way.

    python -m analysis.curve --predictions work/curve/tune.json --annotations tune.json \\
        --out curve.csv

`--predictions` is the list that `workflow.trace` wrote beside the detections: the split, and a file
for every iteration. A line of curve.csv is one of them.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

import pandas as pd

from analysis.errors import AnalysisError, run_program
from analysis.evaluate import AP_METRICS, evaluate
from analysis.evaluate_engines import ENGINES, Engine
from analysis.evaluate_input import read_annotations, read_detections
from analysis.files import read_json, write_text

ITERATION, SPLIT, IMAGES = "iteration", "split", "images"
COLUMNS = (ITERATION, SPLIT, IMAGES, *AP_METRICS)
FILE = "curve.csv"


def curve(traced: Path, annotations: Path, engine: Engine = "hotcoco") -> pd.DataFrame:
    """A line an iteration, in order."""
    told = read_json(traced)
    try:
        split = str(told["split"])
        points = sorted((int(p["iteration"]), str(p["predictions"])) for p in told["points"])
    except (KeyError, TypeError, ValueError) as error:
        raise AnalysisError(
            f"{traced}: expected `split` and `points` of `iteration` and `predictions`: {error!r}"
        ) from None
    truth = read_annotations(annotations)
    rows: list[dict[str, Any]] = []
    for iteration, name in points:
        found = evaluate(truth, read_detections(traced.with_name(name), truth), engine)
        measured = {key: found[key] for key in (IMAGES, *AP_METRICS)}
        rows.append({ITERATION: iteration, SPLIT: split, **measured})
    return pd.DataFrame(rows, columns=list(COLUMNS)).astype(dict.fromkeys(AP_METRICS, float))


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="analysis.curve", description="AP over a training")
    parser.add_argument("--predictions", type=Path, required=True, help="the list of them, .json")
    parser.add_argument("--annotations", type=Path, required=True, help="COCO annotations")
    parser.add_argument("--out", type=Path, required=True, help="curve.csv to write")
    parser.add_argument("--engine", choices=ENGINES, default="hotcoco")
    given = parser.parse_args(arguments)

    def program() -> None:
        found = curve(given.predictions, given.annotations, given.engine)
        text = found.to_csv(index=False, lineterminator="\n", float_format="%.6g")
        write_text(given.out, text)
        shown = (f"{line.iteration}: {line.AP:.1f}" for line in found.itertuples())
        print("AP at iteration " + ", ".join(shown))

    return run_program(program)


if __name__ == "__main__":
    sys.exit(main())

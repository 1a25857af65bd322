"""Time and memory of making the digits, and of validating and cutting a file of COCO train's size.

    python -m benchmarks.bench_data [--images 118287] [--annotations 860000]

Each step runs in a process of its own, so that its memory is its own. The table says what share of
its limit each step took; exit code 1 where one is over.
"""

from __future__ import annotations

import argparse
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from workflow.data import annotations as files
from workflow.data import digits, subsets
from workflow.data.coco_names import COCO_CLASSES
from workflow.data.digits_options import DigitsOptions
from workflow.data.validate import validate
from workflow.machine import peak_bytes

GIB = 2**30
POLYGON = 70
"""Numbers in an annotation's outline; COCO train has about so many on average."""
FRACTION = 0.01


def make_digits(folder: Path) -> str:
    target = Path(tempfile.mkdtemp(dir=folder))
    options = DigitsOptions()
    digits.make(options, target)
    return f"{options.train + options.tune + options.test:,} images"


def validate_boxes(folder: Path) -> str:
    return _validate(folder / "boxes.json")


def validate_outlines(folder: Path) -> str:
    return _validate(folder / "outlines.json")


def _validate(path: Path) -> str:
    report = validate(path, None)
    assert report.ok, report.lines()
    return f"{report.counts['annotations']:,} boxes, {path.stat().st_size / 2**20:,.0f} MiB"


def cut_fraction(folder: Path) -> str:
    """What making `coco-1pct` costs beside the verification."""
    source = folder / "outlines.json"
    content = files.read(source)
    tune = subsets.held_out(content, 2000, seed=0)
    count = round(FRACTION * len(tune))
    taken = subsets.fraction(content, ~tune, count, seed=0)
    kept = {im["id"] for im, wanted in zip(content["images"], taken, strict=True) if wanted}
    subsets.write_subset(source, kept, folder / "fraction.json", "a benchmark")
    return f"{len(kept):,} of {len(tune):,} images"


STEPS: dict[str, tuple[Callable[[Path], str], float, float]] = {
    "make digits": (make_digits, 20, 3),
    "validate boxes": (validate_boxes, 30, 3),
    "validate with outlines": (validate_outlines, 30, 3),
    "cut a fraction": (cut_fraction, 60, 3),
}
"""Name -> program, seconds and GiB that it may take on two cores."""


def write_coco(folder: Path, images: int, annotations: int) -> None:
    """Two files of COCO's size: boxes alone, and with outlines as the real one has."""
    rng = np.random.default_rng(0)
    where = rng.integers(1, images + 1, annotations)
    label = 1 + np.minimum(rng.geometric(0.06, annotations) - 1, len(COCO_CLASSES) - 1)
    size = np.exp(rng.uniform(np.log(8), np.log(300), (annotations, 2))).round(2)
    corner = (rng.random((annotations, 2)) * (np.array([640, 480]) - size)).round(2)
    outlines = [
        "[[" + ",".join(f"{value:.2f}" for value in rng.random(POLYGON) * 640) + "]]"
        for _ in range(500)
    ]
    head = ",".join(
        f'{{"id":{n},"file_name":"{n:012d}.jpg","width":640,"height":480}}'
        for n in range(1, images + 1)
    )
    names = ",".join(f'{{"id":{n + 1},"name":"{name}"}}' for n, name in enumerate(COCO_CLASSES))
    rows = [
        f'{{"id":{n + 1},"image_id":{w},"category_id":{c},"bbox":[{x},{y},{width},{height}],'
        f'"area":{width * height:.3f},"iscrowd":0'
        for n, (w, c, (x, y), (width, height)) in enumerate(
            zip(where.tolist(), label.tolist(), corner.tolist(), size.tolist(), strict=True)
        )
    ]
    for name, outline in (("boxes", False), ("outlines", True)):
        with (folder / f"{name}.json").open("w") as out:
            out.write(f'{{"images":[{head}],"categories":[{names}],"annotations":[')
            for n, row in enumerate(rows):
                end = f',"segmentation":{outlines[n % len(outlines)]}}}' if outline else "}"
                out.write(("," if n else "") + row + end)
            out.write("]}")


def _measure(step: str, folder: str) -> None:
    """In the child: runs one step, prints seconds, GiB (with its own children's), what it did."""
    start = time.perf_counter()
    done = STEPS[step][0](Path(folder))
    seconds = time.perf_counter() - start
    kinds = (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
    memory = sum(map(peak_bytes, kinds)) / GIB
    print(seconds, memory, done, sep="\t")


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.bench_data", description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("--images", type=int, default=118_287)
    parser.add_argument("--annotations", type=int, default=860_000)
    parser.add_argument("--step", choices=STEPS, help=argparse.SUPPRESS)
    parser.add_argument("--folder", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.step:
        _measure(options.step, options.folder)
        return 0
    over = False
    with tempfile.TemporaryDirectory() as folder:
        write_coco(Path(folder), options.images, options.annotations)
        print(f"{'step':24}{'seconds':>9}{'of limit':>10}{'GiB':>7}{'of limit':>10}  what")
        for step, (_, most_seconds, most_memory) in STEPS.items():
            command = [sys.executable, "-m", "benchmarks.bench_data", "--step", step]
            out = subprocess.run(
                [*command, "--folder", folder], capture_output=True, text=True, check=True
            )
            seconds, memory, done = out.stdout.strip().split("\t")
            shares = float(seconds) / most_seconds, float(memory) / most_memory
            print(
                f"{step:24}{float(seconds):9.1f}{shares[0]:10.0%}"
                f"{float(memory):7.2f}{shares[1]:10.0%}  {done}",
                flush=True,
            )
            over |= max(shares) > 1
    return int(over)


if __name__ == "__main__":
    sys.exit(main())

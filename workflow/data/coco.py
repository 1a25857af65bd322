"""COCO 2017: what a whole copy looks like, and the splits made from it.

    python -m workflow.data.coco verify /data/coco --decode all

Training uses all of train2017, as the papers do; `hold_out` and the fractions leave the tune images
out, so that weights can be chosen on images that were not trained on.
"""

from __future__ import annotations

import argparse
import os
import sys
from dataclasses import dataclass
from pathlib import Path

from workflow.data import annotations as files
from workflow.data import linked, subsets
from workflow.data.catalogue import COCO_SHARES, CocoOptions, Split
from workflow.data.coco_names import COCO_CLASSES
from workflow.data.errors import DataError
from workflow.data.pictures import Decode
from workflow.data.report import Report
from workflow.data.state import vouch
from workflow.data.validate import validate
from workflow.spec import DataSpec

TOLERATED = frozenset({"box-zero-area", "area", "box-outside"})
"""train2017 itself holds a few boxes without height or over the border, and is as published: they
are told with their ids, and mmdet leaves them out of training or clips them."""


@dataclass(frozen=True)
class Expected:
    images: int
    annotations: int


EXPECTED = {"train2017": Expected(118_287, 860_001), "val2017": Expected(5_000, 36_781)}


def locate(root: Path) -> dict[str, Split]:
    """The two parts of a copy, with images beside the annotations or under `images/`."""
    found = {}
    for part in EXPECTED:
        annotations = root / "annotations" / f"instances_{part}.json"
        images = root / part if os.path.isdir(root / part) else root / "images" / part
        for path, is_there in ((annotations, os.path.isfile), (images, os.path.isdir)):
            if not is_there(path):  # or it lies in a folder that is closed to us
                raise DataError(
                    f"no COCO 2017 at {root}: {path} is missing; point `coco_root` to a copy, or "
                    "fetch one with `snakemake coco` (`python -m workflow.data.fetch_coco`)"
                )
        found[part] = Split(annotations, images)
    return found


def verify(root: Path, decode: Decode = "sample", progress: bool = False) -> dict[str, Report]:
    """Reports of both parts: numbers, classes, every box, every file, some or all decoded."""
    reports = {}
    for part, source in locate(root).items():
        report = validate(
            source.annotations, source.images, COCO_CLASSES, decode, TOLERATED, progress
        )
        if "unreadable" not in report.problems:
            for key in ("images", "annotations"):
                wanted, found = getattr(EXPECTED[part], key), report.counts[key]
                if found != wanted:
                    report.add("count", key, f"{found:,} found, {wanted:,} expected")
        reports[part] = report
    return reports


def make(spec: DataSpec, root: Path, folder: Path, progress: bool) -> None:
    """Verifies the copy at `root` and lays out train, tune and test in `folder`."""
    options = CocoOptions(**spec.options)
    share = COCO_SHARES[spec.name]
    source = locate(root)
    reports = verify(root, progress=progress)
    linked.refuse_bad(reports)
    train = source["train2017"]
    content = files.read(train.annotations)
    tune = subsets.held_out(content, options.tune, options.seed)
    note = f"{options.tune} images of train2017, seed {options.seed}"
    linked.cut_split(folder, "tune", train, content, tune, note)
    if share < 1:
        count = round(share * len(tune))
        taken = subsets.fraction(content, ~tune, count, options.seed)
        linked.cut_split(folder, "train", train, content, taken, f"{spec.name}, {note} left out")
    elif options.hold_out:
        linked.cut_split(folder, "train", train, content, ~tune, f"without {note}")
    else:
        linked.link_split(folder, "train", train)
    linked.link_split(folder, "test", source["val2017"])
    vouch(folder, {"name": spec.name, "options": spec.options}, reports)


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m workflow.data.coco", description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    commands = parser.add_subparsers(required=True)
    check = commands.add_parser("verify", help="say whether a copy is whole")
    check.add_argument("root", type=Path, help="holds annotations/, train2017/ and val2017/")
    check.add_argument("--decode", choices=("none", "sample", "all"), default="sample")
    options = parser.parse_args(arguments)
    try:
        reports = verify(options.root, options.decode, progress=sys.stderr.isatty())
    except DataError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    print("\n".join(line for report in reports.values() for line in report.lines()))
    return 0 if all(report.ok for report in reports.values()) else 2


if __name__ == "__main__":
    sys.exit(main())

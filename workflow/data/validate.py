"""Says everything that is wrong with a COCO-format set, before anything is trained on it.

    python -m workflow.data.validate annotations.json images/ --report report.json

Exits with 2 where the set must not be trained on.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from workflow.data import annotations as files
from workflow.data import checks, tables
from workflow.data.errors import DataError
from workflow.data.folder import write_json
from workflow.data.pictures import Decode, check_files
from workflow.data.report import Report

SECTIONS = ("images", "annotations", "categories")


def validate(
    annotations: Path,
    images: Path | None,
    classes: Sequence[str] | None = None,
    decode: Decode = "sample",
    tolerated: frozenset[str] = frozenset(),
    progress: bool = False,
) -> Report:
    """Checks one annotation file and, where a folder is given, the images it names."""
    report = Report(str(annotations))
    report.tolerated |= tolerated
    try:
        content = files.read(annotations)
    except DataError as error:
        report.add("unreadable", annotations.name, str(error))
        return report
    sections = {}
    for key in SECTIONS:
        found = content.get(key)
        if not isinstance(found, list) or (not found and key != "annotations"):
            what = "an empty list" if found == [] else f"{type(found).__name__}"
            report.add("section", key, "missing" if key not in content else what)
        sections[key] = found if isinstance(found, list) else []
    categories = tables.read_categories(sections["categories"], report)
    pictures = tables.read_images(sections["images"], report)
    objects = tables.read_annotations(sections["annotations"], report)
    report.counts = {
        "images": len(pictures.ids),
        "annotations": len(objects.ids),
        "crowds": int(objects.crowds.sum()),
        "categories": len(categories.ids),
        "images without annotations": int((~np.isin(pictures.ids, objects.images)).sum()),
    }
    checks.check_ids(categories.ids, "categories", report)
    checks.check_ids(pictures.ids, "images", report)
    checks.check_ids(objects.ids, "annotations", report)
    checks.check_classes(categories, objects, classes, report)
    checks.check_annotations(objects, categories, pictures, report)
    if images is not None:
        check_files(pictures, images, report, decode, progress)
    return report


def main(arguments: list[str] | None = None) -> int:
    options = _parser().parse_args(arguments)
    if options.images is not None and not options.images.is_dir():
        print(f"error: {options.images}: no folder of images", file=sys.stderr)
        return 2
    tolerated = frozenset({"empty-class"} if options.allow_empty_classes else ())
    report = validate(
        options.annotations,
        options.images,
        decode=options.decode,
        tolerated=tolerated,
        progress=sys.stderr.isatty(),
    )
    print("\n".join(report.lines()))
    if options.report:
        write_json(options.report, report.to_json(), indent=1)
    return 0 if report.ok else 2


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m workflow.data.validate", description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("annotations", type=Path, help="a COCO-format JSON file")
    parser.add_argument("images", type=Path, nargs="?", help="the folder its file names lie in")
    parser.add_argument("--report", type=Path, help="also write the findings as JSON")
    parser.add_argument("--decode", choices=("none", "sample", "all"), default="sample")
    parser.add_argument("--allow-empty-classes", action="store_true", help="tell, do not refuse")
    return parser


if __name__ == "__main__":
    sys.exit(main())

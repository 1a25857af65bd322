"""Makes a data set, or verifies the one that is there.

python -m workflow.data.make --suite demo
python -m workflow.data.make --name digits --option images=3000 --root data
"""

from __future__ import annotations

import argparse
import shutil
import sys
from pathlib import Path
from typing import Any

import yaml

from workflow.data import coco, digits, linked
from workflow.data.catalogue import COCO_FOLDER, COCO_SHARES, DataSet, describe, resolve
from workflow.data.digits_options import CLASSES, SPLITS, DigitsOptions
from workflow.data.errors import DataError
from workflow.data.folder import appearing, only_one
from workflow.data.state import verify, vouch
from workflow.data.validate import validate
from workflow.spec import DataSpec


def ensure(
    spec: DataSpec,
    data_root: str | Path,
    coco_root: Path | None = None,
    check: bool = True,
    progress: bool = False,
) -> DataSet:
    """The data set, made if it is not there; with `check`, one that is there is verified."""
    dataset = describe(spec, data_root)
    with only_one(dataset.root):
        if dataset.root.exists() and _links_lead_nowhere(dataset):
            shutil.rmtree(dataset.root)  # the user's files moved; only links and cuts are lost
        if dataset.root.exists():
            if check:
                verify(dataset)
            return dataset
        with appearing(dataset.root) as folder:
            if spec.name == "digits":
                _make_digits(spec, folder)
            elif spec.name in COCO_SHARES:
                coco.make(spec, coco_root or Path(data_root) / COCO_FOLDER, folder, progress)
            else:
                linked.make_user_set(spec, folder, progress)
    return dataset


def _make_digits(spec: DataSpec, folder: Path) -> None:
    digits.make(DigitsOptions(**spec.options), folder)
    reports = {
        split: validate(
            folder / "annotations" / f"{split}.json",
            folder / "images" / split,
            CLASSES,
            tolerated=frozenset({"empty-class"}),  # a set of a dozen images for a test
        )
        for split in SPLITS
    }
    linked.refuse_bad(reports)
    vouch(folder, {"name": spec.name, "options": spec.options}, reports)


def _links_lead_nowhere(dataset: DataSet) -> bool:
    paths = [
        path for split in dataset.splits.values() for path in (split.annotations, split.images)
    ]
    return any(path.is_symlink() and not path.exists() for path in paths)


def main(arguments: list[str] | None = None) -> int:
    options = _parser().parse_args(arguments)
    try:
        for spec in _wanted(options):
            dataset = ensure(spec, options.root, options.coco_root, progress=sys.stderr.isatty())
            print(f"{dataset.root}: {len(dataset.classes)} classes, ready")
    except DataError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    return 0


def _wanted(options: argparse.Namespace) -> list[DataSpec]:
    if options.name:
        settings = _settings(options.option)
        if options.name == "digits" and "images" in settings:
            settings |= share_out(settings.pop("images"))
        return [resolve(options.name, settings)]
    from workflow import suite

    try:
        return [suite.load(options.suite).data]
    except suite.SuiteError as error:
        raise DataError(str(error)) from error


def share_out(images: Any) -> dict[str, int]:
    """So many images in the proportions of the default splits."""
    defaults = DigitsOptions()
    if not isinstance(images, int) or images < len(SPLITS):
        raise DataError(f"option images={images!r}: a whole number of at least {len(SPLITS)}")
    whole = sum(getattr(defaults, split) for split in SPLITS)
    counts = {s: max(1, images * getattr(defaults, s) // whole) for s in ("tune", "test")}
    return {"train": images - sum(counts.values()), **counts}


def _settings(pairs: list[str]) -> dict[str, Any]:
    settings = {}
    for pair in pairs:
        key, equals, value = pair.partition("=")
        if not equals:
            raise DataError(f"--option {pair!r}: expected KEY=VALUE")
        try:
            settings[key] = yaml.safe_load(value)
        except (yaml.YAMLError, ValueError) as error:
            raise DataError(f"--option {pair!r}: the value is not YAML") from error
    return settings


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m workflow.data.make", description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    which = parser.add_mutually_exclusive_group(required=True)
    which.add_argument("--suite", help="a shipped suite's name or a path to one")
    which.add_argument("--name", help="`digits`, `coco`, ...: one set, without a suite")
    parser.add_argument("--option", action="append", default=[], metavar="KEY=VALUE")
    parser.add_argument("--root", "--data", type=Path, default=Path("data"), help="where sets lie")
    parser.add_argument(
        "--coco-root",
        type=Path,
        help=f"a copy of COCO 2017; otherwise `{COCO_FOLDER}` where sets lie, once it was fetched",
    )
    return parser


if __name__ == "__main__":
    sys.exit(main())

"""Downloads COCO 2017 (20 GB), unpacks and verifies it. Interrupted, it goes on where it was.

    python -m workflow.data.fetch_coco --root data

Needs 45 GB while it unpacks, 20 GB after. The images belong to their photographers; see
https://cocodataset.org/#termsofuse.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from workflow.data import coco
from workflow.data.catalogue import COCO_FOLDER
from workflow.data.download import download
from workflow.data.errors import DataError
from workflow.data.folder import only_one
from workflow.data.unpack import unpack

SERVER = "http://images.cocodataset.org"


@dataclass(frozen=True)
class Archive:
    folder: str
    """What it unpacks to."""
    path: str
    """On the server."""
    checksum: str


ARCHIVES = (
    Archive(
        "annotations",
        "annotations/annotations_trainval2017.zip",
        "sha1:8551ee4bb5860311e79dace7e79cb91e432e78b3",
    ),
    Archive("val2017", "zips/val2017.zip", "sha1:4950dc9d00dbe1c933ee0170f5797584351d2a41"),
    Archive("train2017", "zips/train2017.zip", "sha1:10ad623668ab00c62c096f0ed636d6aff41faca5"),
)
"""Small ones first: what is wrong with a network or a disk shows soon."""


def fetch(
    root: Path,
    server: str = SERVER,
    archives: Sequence[Archive] = ARCHIVES,
    keep_archives: bool = False,
    progress: bool = False,
) -> None:
    """Leaves each archive's folder under `root`, whole; those that are there are not touched."""
    with only_one(root):
        for archive in archives:
            if (root / archive.folder).is_dir():
                continue
            file = root / Path(archive.path).name
            download(f"{server}/{archive.path}", file, archive.checksum, progress)
            unpack(file, root / archive.folder, progress)
            if not keep_archives:
                file.unlink()


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m workflow.data.fetch_coco", description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("--root", "--data", type=Path, default=Path("data"), help="where sets lie")
    parser.add_argument("--server", default=SERVER, help="a mirror with the same paths")
    parser.add_argument("--keep-archives", action="store_true")
    parser.add_argument("--decode", choices=("none", "sample", "all"), default="sample")
    options = parser.parse_args(arguments)
    progress = sys.stderr.isatty()
    target = options.root / COCO_FOLDER
    try:
        fetch(target, options.server, ARCHIVES, options.keep_archives, progress)
        reports = coco.verify(target, options.decode, progress)
    except DataError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    print("\n".join(line for report in reports.values() for line in report.lines()))
    return 0 if all(report.ok for report in reports.values()) else 2


if __name__ == "__main__":
    sys.exit(main())

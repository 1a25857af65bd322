"""Sets whose images lie elsewhere, a user's or COCO: annotations cut to splits, images linked."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any

from workflow.data import annotations as files
from workflow.data import subsets
from workflow.data.catalogue import USER_TUNE_SHARE, Split
from workflow.data.digits_options import SPLITS
from workflow.data.errors import DataError
from workflow.data.report import SHOWN, Report
from workflow.data.state import vouch
from workflow.data.validate import validate
from workflow.spec import DataSpec


def link(target: Path, source: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    target.symlink_to(source.resolve())


def link_split(folder: Path, split: str, source: Split) -> None:
    link(folder / "annotations" / f"{split}.json", source.annotations)
    link(folder / "images" / split, source.images)


def cut_split(
    folder: Path,
    split: str,
    source: Split,
    content: Mapping[str, Any],
    taken: subsets.Mask,
    what: str,
) -> None:
    """A split of the images `taken` from `content`, which was read from `source`."""
    kept = {im["id"] for im, wanted in zip(content["images"], taken, strict=True) if wanted}
    subsets.write_subset(source.annotations, kept, folder / "annotations" / f"{split}.json", what)
    link(folder / "images" / split, source.images)


def make_user_set(spec: DataSpec, folder: Path, progress: bool) -> None:
    """Checks the user's files and lays the set out; raises DataError with all that is wrong."""
    sources = sources_of(spec)
    classes = tuple(spec.options["classes"])
    reports = {}
    for split, source in sources.items():
        # A class that nothing is trained on is a mistake; one that few test images lack is not.
        tolerated = frozenset({"empty-class"} if split != "train" else ())
        reports[split] = validate(
            source.annotations, source.images, classes, tolerated=tolerated, progress=progress
        )
    _refuse_other_names(sources, classes, reports)
    refuse_bad(reports)
    _refuse_shared(sources)
    for split in sources.keys() - ({"train"} if "tune" not in sources else set()):
        link_split(folder, split, sources[split])
    if "tune" not in sources:
        train = sources["train"]
        content = files.read(train.annotations)
        count = max(1, round(USER_TUNE_SHARE * len(content["images"])))
        try:
            tune = subsets.held_out(content, count, seed=0)
        except DataError as error:
            raise DataError(f"{train.annotations}: {error}; name a `tune` split") from error
        cut_split(folder, "tune", train, content, tune, "held out for choosing weights")
        cut_split(folder, "train", train, content, ~tune, "without what is held out")
    vouch(folder, {"name": spec.name, "options": spec.options}, reports)


def sources_of(spec: DataSpec) -> dict[str, Split]:
    if not spec.locations:
        raise DataError(
            f"data set {spec.name!r}: where its files lie is said in the suite that names it; "
            "make it with `python -m workflow.data.make --suite <that suite>`"
        )
    return {
        split: Split(Path(at["annotations"]), Path(at["images"]))
        for split, at in spec.locations.items()
    }


def _refuse_other_names(
    sources: Mapping[str, Split], classes: Sequence[str], reports: Mapping[str, Report]
) -> None:
    """Splits may list their categories in any order, with any ids: labels go by the names."""
    for split, source in sources.items():
        if "classes" in reports[split].problems:
            listed = files.read(source.annotations)["categories"]
            found = [str(one.get("name")) for one in listed if isinstance(one, dict)]
            raise DataError(
                f"{source.annotations}: `categories`: found {_names(set(found) - set(classes))} "
                f"that are no classes of the set, and lacks {_names(set(classes) - set(found))}; "
                f"every split has the set's classes, in any order: {', '.join(classes)}"
            )


def _names(names: Collection[str]) -> str:
    return ", ".join(map(repr, sorted(names))) or "none"


def refuse_bad(reports: Mapping[str, Report]) -> None:
    bad = {split: report for split, report in reports.items() if not report.ok}
    if bad:
        lines = [line for report in bad.values() for line in report.lines()]
        raise DataError("the data set is not fit for training\n" + "\n".join(lines))


def _refuse_shared(sources: Mapping[str, Split]) -> None:
    """An image in two splits would let a network be tested on what it has learnt by heart."""
    seen: dict[Path, str] = {}
    shared: list[str] = []
    for split in (s for s in SPLITS if s in sources):
        folder = sources[split].images.resolve()
        for image in files.read(sources[split].annotations)["images"]:
            other = seen.setdefault(folder / image["file_name"], split)
            if other != split:
                shared.append(f"{image['file_name']} ({other} and {split})")
    if shared:
        more = f" and {len(shared) - SHOWN} more" if len(shared) > SHOWN else ""
        raise DataError(f"images in two splits: {', '.join(shared[:SHOWN])}{more}")

"""Writes docs/pairs.md from the definitions and mmdet's metafiles. Imports no torch.

python -m workflow.models.pairs_page [--check]
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path

from workflow.models import catalogue
from workflow.models.schema import DetectorDefinition
from workflow.models.zoo import zoo_model

PAGE = Path(__file__).parents[2] / "docs" / "pairs.md"
PREFACE = Path(__file__).with_name("pairs_preface.md")
STALE = 1


def page() -> str:
    parts = [
        PREFACE.read_text(encoding="utf-8").rstrip(),
        "## Pairs on COCO",
        _pairs(),
        "## Detectors on COCO",
        _detectors(),
        "## Schedules on COCO",
        _schedules(),
    ]
    return "\n\n".join(parts) + "\n"


def _pairs() -> str:
    rows = []
    for name in catalogue.names("pairs", "coco"):
        pair = catalogue.pair(name)
        others = [f"`{alias}`: {model}{_ap(model)}" for alias, model in pair.teachers.items()]
        rows.append(
            (
                f"`{name}`",
                f"{pair.teacher}{_ap(pair.teacher)}" if pair.teacher else "-",
                "; ".join(others),
                f"{pair.student}{_ap(pair.student)}",
                pair.classifier,
                pair.schedule,
                "yes" if pair.inheritable else "no",
                ", ".join(pair.papers),
            )
        )
    head = (
        "pair",
        "teacher (AP)",
        "further teachers",
        "student (AP)",
        "classifier",
        "schedule",
        "inherits",
        "printed by",
    )
    return _table(head, rows)


def _detectors() -> str:
    rows = []
    for name in catalogue.names("detectors", "coco"):
        definition = catalogue.detector(name)
        if definition.family is None:
            continue
        model = zoo_model(definition.zoo) if definition.zoo else None
        rows.append(
            (
                f"`{name}`",
                definition.family,
                f"`{definition.config}`",
                "yes" if definition.options else "",
                f"{model.box_ap:.1f}" if model and model.box_ap else "",
                f"`{model.sha256_prefix}`" if model else "",
                definition.published if definition.published != name else "",
            )
        )
    head = ("detector", "family", "configuration", "changed", "AP", "SHA-256", "published as")
    return _table(head, rows)


def _schedules() -> str:
    rows = []
    for name in catalogue.names("schedules", "coco"):
        found = catalogue.schedule(name)
        two_stage = _example("two-stage")
        rate = found.optimiser["lr"]
        other = catalogue.schedule(name, two_stage).optimiser["lr"]
        length = found.epochs or 0
        rows.append(
            (
                f"`{name}`",
                str(length),
                ", ".join(f"{mark * length:g}" for mark in found.milestones),
                str(found.batch_size),
                f"{rate:g}" if rate == other else f"{rate:g}, two-stage {other:g}",
                f"{found.optimiser['weight_decay']:g}",
                f"{found.warmup_iterations} from {found.warmup_ratio:g}",
                " or ".join(f"{long}x{short}" for long, short in found.image_scale),
            )
        )
    head = (
        "schedule",
        "epochs",
        "rate drops after",
        "batch",
        "rate",
        "weight decay",
        "warm-up",
        "images",
    )
    return _table(head, rows)


def _example(family: str) -> str:
    """A detector of the family without a recipe of its own."""
    for name in catalogue.names("detectors", "coco"):
        definition: DetectorDefinition = catalogue.detector(name)
        if definition.family == family and not definition.training:
            return name
    raise LookupError(family)


def _ap(detector: str) -> str:
    zoo = catalogue.detector(detector).zoo
    ap = zoo_model(zoo).box_ap if zoo else None
    return f" ({ap:.1f})" if ap is not None else ""


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description="Writes docs/pairs.md from the definitions.")
    parser.add_argument("--check", action="store_true", help="only say whether it is up to date")
    if parser.parse_args(arguments).check:
        if PAGE.is_file() and PAGE.read_text(encoding="utf-8") == page():
            return 0
        print(
            f"{PAGE.name} is out of date: `python -m workflow.models.pairs_page`", file=sys.stderr
        )
        return STALE
    PAGE.write_text(page(), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())

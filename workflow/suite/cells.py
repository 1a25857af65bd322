"""The printed row that a cell reproduces: what the suite leaves out is taken from row and pair."""

from __future__ import annotations

from workflow.models.schema import PairDefinition
from workflow.suite import published as printed
from workflow.suite.blocks import FullBlock, Row
from workflow.suite.models import Models
from workflow.suite.problems import Collector
from workflow.suite.schema import Published
from workflow.suite.suite import PublishedKey
from workflow.suite.teaching import Teaching
from workflow.wording import unknown_name


def published(
    problems: Collector,
    block: FullBlock,
    row: Row,
    pair: PairDefinition,
    taught: Teaching,
    models: Models,
) -> PublishedKey | None:
    methods = [spec.method for spec in taught.recipe.methods]
    teachers = [name for name in (taught.classifier, taught.teacher) if name]
    defaults = {
        "method": methods[0] if methods else "baseline",
        "teacher": "+".join(_name(models, name) for name in teachers) if methods else "",
        "student": _name(models, pair.student),
        "metric_set": "coco-box",
    }
    plain = row.entry.row == "baseline" or [row.entry.row] == methods
    if plain and not row.settings:
        defaults["variant"] = ""
    return _find(problems, block, row, defaults)


def published_teacher(
    problems: Collector, block: FullBlock, row: Row, model: str, models: Models
) -> PublishedKey | None:
    classifier = row.entry.row == "classifier"
    defaults = {
        "method": "teacher",
        "teacher": _name(models, model),
        "student": "",
        "metric_set": "coco-crops-top1" if classifier else "coco-box",
    }
    return _find(problems, block, row, defaults if classifier else {**defaults, "variant": ""})


def _name(models: Models, model: str) -> str:
    return models.definition(model).published or model


def _find(
    problems: Collector, block: FullBlock, row: Row, defaults: dict[str, str]
) -> PublishedKey | None:
    own = row.entry.published
    if own is False or (block.published.paper is None and own == Published()):
        return None
    given = block.published.model_dump(exclude_none=True) | own.model_dump(exclude_none=True)
    wanted = defaults | given
    if wanted.get("paper") not in printed.papers():
        message = unknown_name("paper", str(wanted.get("paper")), printed.papers())
        problems.add((*block.at, "published"), message)
        return None
    if "variant" not in wanted:
        problems.add(
            row.at,
            f"which printed row is {row.name!r}? Say `published: {{variant: ...}}`, or "
            "`published: false` where there is none",
        )
        return None
    found = printed.matching(Published(**wanted))
    if len(found) == 1:
        return printed.key_of(found[0])
    asked = ", ".join(f"{column}={value!r}" for column, value in wanted.items())
    if not found:
        message = f"published.csv has no row with {asked}"
    else:
        message = f"published.csv has {len(found)} rows with {asked}; say more under `published`"
    problems.add(row.at, message)
    return None

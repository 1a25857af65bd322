"""Who teaches a student of a pair, and with what options: a row's recipe meets what a pair has."""

from __future__ import annotations

from dataclasses import dataclass

from methods.settings.base import RunOptions
from methods.settings.controls import CONTROLS
from methods.settings.resolve import Recipe
from workflow.models.schema import PairDefinition
from workflow.suite.blocks import Row
from workflow.suite.models import Models
from workflow.suite.problems import Collector
from workflow.wording import unknown_name

OTHER_TEACHERS = ("self", "untrained", "shuffled")


@dataclass(frozen=True)
class Teaching:
    """Models by name, empty where the row has no such teacher."""

    recipe: Recipe
    options: RunOptions
    teacher: str
    classifier: str


def teaching(
    pair: PairDefinition, row: Row, recipe: Recipe, models: Models, problems: Collector
) -> Teaching | None:
    """None where the combination is impossible; `problems` then says why."""
    before = len(problems.problems)
    options = _inheriting(pair, row, recipe, problems)
    features = "features" in recipe.needs or options.inherit
    teacher = pair.teacher if features else ""
    classifier = pair.classifier if "classifier" in recipe.needs else ""
    if "classifier" in recipe.needs and not classifier:
        problems.add(
            row.at, f"{row.entry.row!r} needs a classifier, and pair {pair.name!r} has none"
        )
    if features and not teacher:
        problems.add(
            row.at, f"{row.entry.row!r} needs a detector teacher, and pair {pair.name!r} has none"
        )
    other = options.teacher
    if other in OTHER_TEACHERS:
        # Of a detector; a classifier would stay as it is, and the control would be the row itself.
        if not features or (other == "shuffled" and "features" not in recipe.needs):
            message = f"{row.entry.row!r} is taught by no detector that could be `{other}`"
            problems.add(row.at, message)
    elif other is not None:
        model = pair.teachers.get(other)
        if model is None:
            message = unknown_name("teacher", other, (*pair.teachers, *OTHER_TEACHERS))
            problems.add(row.at, f"pair {pair.name!r}: {message}")
        elif models.definition(model).family is None:
            classifier = model
        else:
            teacher = model
    if len(problems.problems) > before:
        return None
    return Teaching(recipe, options, teacher, classifier)


def _inheriting(pair: PairDefinition, row: Row, recipe: Recipe, problems: Collector) -> RunOptions:
    """Methods that inherit do so where they can; whoever asked for it is told where they cannot."""
    options = recipe.options
    if not options.inherit or pair.inheritable:
        return options
    if row.entry.row in CONTROLS or row.entry.run.get("inherit"):
        problems.add(
            row.at,
            f"pair {pair.name!r} cannot inherit: its teacher's head is of another kind; "
            "name the row's `pairs`",
        )
    return options.model_copy(update={"inherit": False})

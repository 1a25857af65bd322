"""What a suite wishes of its figures, as far as it can be known before anything has run.

Imports neither pandas nor matplotlib: whoever only asks does not wait for them."""

from __future__ import annotations

from typing import TypeVar

from pydantic import ValidationError

from analysis.errors import AnalysisError
from analysis.figures.options import OPTIONS, Options
from analysis.plan import FigurePlan, Plan

O = TypeVar("O", bound=Options)  # noqa: E741


def read_options(figure: FigurePlan, kind: type[O]) -> O:
    try:
        return kind.model_validate(figure.options)
    except ValidationError as error:
        told = "; ".join(
            f"{'.'.join(map(str, e['loc'])) or 'options'}: {e['msg']}" for e in error.errors()[:5]
        )
        allowed = ", ".join(kind.model_fields) or "none"
        raise AnalysisError(
            f"figure {figure.name!r} ({figure.kind}): {told}; options allowed: {allowed}"
        ) from None


def check(plan: Plan) -> None:
    """Kinds and their options."""
    for figure in plan.figures:
        read_options(figure, options_of(figure))


def options_of(figure: FigurePlan) -> type[Options]:
    if figure.kind not in OPTIONS:
        raise AnalysisError(
            f"figure {figure.name!r}: kind {figure.kind!r} is unknown; allowed: "
            + ", ".join(OPTIONS)
        )
    return OPTIONS[figure.kind]


def figure_of(plan: Plan, name: str) -> FigurePlan:
    for figure in plan.figures:
        if figure.name == name:
            return figure
    names = ", ".join(figure.name for figure in plan.figures) or "none"
    raise AnalysisError(f"suite {plan.suite!r} has no figure {name!r}; it has: {names}")

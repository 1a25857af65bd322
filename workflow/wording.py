"""How a mistake is worded to a person, wherever it was found: its place, and the nearest name."""

from __future__ import annotations

import difflib
import types
from collections.abc import Collection, Iterable, Iterator
from typing import Any, Union, get_args, get_origin

from pydantic import BaseModel, ValidationError

Location = tuple[str | int, ...]
"""A path into nested values: `("rows", 3, "settings", "tau")`."""
SHOWN = 20
"""Names listed as allowed at most; of more, the most alike are shown."""


def described(
    error: ValidationError, model: type[BaseModel], told: Collection[Location] = ()
) -> Iterator[tuple[Location, str]]:
    """Pydantic's errors against `model` as places and sentences, without those that only follow
    from what was `told` before and left out."""
    items = error.errors(include_url=False)
    wrong = {*told, *(tuple(item["loc"]) for item in items)}
    for item in items:
        location = tuple(item["loc"])
        # A list is short of what was wrong in it.
        short = item["type"] == "too_short"
        emptied = short and any(within(at, location) for at in wrong - {location})
        if location not in told and not emptied:
            yield location, _describe(item, model, location)


def within(location: Location, around: Location) -> bool:
    """Whether a place is this one or lies in it."""
    return location[: len(around)] == around


def spell(location: Location) -> str:
    """`rows[3].settings.tau`, as it would be written down."""
    text = ""
    for part in location:
        text += f"[{part}]" if isinstance(part, int) else (f".{part}" if text else str(part))
    return text


def unknown_name(what: str, found: str, allowed: Iterable[str]) -> str:
    """'unknown pair 'retinnet'; did you mean 'retinanet-mini'? Allowed: ...'."""
    names = sorted(set(allowed))
    near = difflib.get_close_matches(str(found), names, n=2, cutoff=0.5)
    hint = f"; did you mean {' or '.join(repr(name) for name in near)}?" if near else ";"
    if len(names) > SHOWN:
        alike = difflib.SequenceMatcher(b=str(found))

        def likeness(name: str) -> float:
            alike.set_seq1(name)
            return alike.ratio()

        nearest = sorted(sorted(names, key=likeness, reverse=True)[:SHOWN])
        return (
            f"unknown {what} {found!r}{hint} {len(names)} are allowed, the most alike are: "
            + ", ".join(nearest)
        )
    return f"unknown {what} {found!r}{hint} allowed: {', '.join(names) or 'none'}"


def _describe(item: Any, model: type[BaseModel], location: Location) -> str:
    if item["type"] == "extra_forbidden":
        owner = _model_at(model, location[:-1])
        return unknown_name("key", str(location[-1]), owner.model_fields if owner else ())
    if item["type"] == "finite_number":
        return f"{item['input']} is no number that can be used"
    if item["type"] == "too_short":
        return f"at least {item['ctx']['min_length']} needed, found none"
    message = item["msg"].removeprefix("Value error, ")
    if item["type"] in ("model_type", "dict_type"):
        message = "expected keys and values"
    message = message[0].lower() + message[1:]
    found = item.get("input")
    if item["type"] == "missing" or isinstance(found, dict | list):
        return message
    return f"{message}, found {found!r}"


def _model_at(model: Any, location: Location) -> type[BaseModel] | None:
    """The pydantic model that a location leads to, for listing the keys that it allows."""
    for part in location:
        model = _unwrap(model)
        if isinstance(model, type) and issubclass(model, BaseModel):
            field = model.model_fields.get(str(part))
            if field is None:
                return None
            model = field.annotation
        elif get_args(model):
            model = get_args(model)[-1 if get_origin(model) is dict else 0]
        else:
            return None
    model = _unwrap(model)
    return model if isinstance(model, type) and issubclass(model, BaseModel) else None


def _unwrap(annotation: Any) -> Any:
    """The model inside `Annotated[...]` and `... | None`."""
    while True:
        if hasattr(annotation, "__metadata__"):
            annotation = annotation.__origin__
        elif get_origin(annotation) in (Union, types.UnionType):
            models = [part for part in get_args(annotation) if part is not type(None)]
            annotation = next((part for part in models if _is_model(part)), models[0])
        else:
            return annotation


def _is_model(annotation: Any) -> bool:
    return isinstance(annotation, type) and issubclass(annotation, BaseModel)

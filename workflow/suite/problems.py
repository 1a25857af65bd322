"""Everything that is wrong with a suite, said at once and to a person."""

from __future__ import annotations

import difflib
import types
from collections.abc import Container, Iterable
from dataclasses import dataclass
from typing import Any, Union, get_args, get_origin

from pydantic import BaseModel, ValidationError

from workflow.suite.source import Location, Source

SHOWN = 20
"""Names listed as allowed at most; of more, the most alike are shown."""


@dataclass(frozen=True)
class Problem:
    """One thing that is wrong, and where."""

    file: str
    line: int
    key: str
    message: str

    def __str__(self) -> str:
        where = f"{self.file}:{self.line}: "
        return where + (f"{self.key}: " if self.key else "") + self.message


class SuiteError(Exception):
    """All problems of a suite. Its text is one problem a line."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        # Two rows may trip over the same line; a person needs to read it once.
        self.problems = tuple(dict.fromkeys(sorted(problems, key=lambda p: (p.file, p.line))))
        super().__init__("\n".join(map(str, self.problems)))


class Collector:
    """Gathers problems against one source file."""

    def __init__(self, source: Source) -> None:
        self.source = source
        self.problems: list[Problem] = []

    def add(self, location: Location, message: str) -> None:
        file, line = self.source.place(location)
        self.problems.append(Problem(file, line, spell(location), message))

    def unknown(self, location: Location, what: str, found: str, allowed: Iterable[str]) -> None:
        self.add(location, unknown_name(what, found, allowed))

    def validation(
        self,
        error: ValidationError,
        model: type[BaseModel],
        at: Location = (),
        told: Container[Location] = (),
    ) -> None:
        """Turns pydantic's errors into problems; `at` is where the validated part stands, `told`
        what was said before."""
        for item in error.errors(include_url=False):
            relative = tuple(item["loc"])
            if relative in told:
                continue
            self.add((*at, *relative), describe(item, model, relative))

    def stop_if_any(self) -> None:
        if self.problems:
            raise SuiteError(self.problems)


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


def describe(item: Any, model: type[BaseModel], location: Location) -> str:
    """One of pydantic's errors in words: what is allowed and what was found."""
    if item["type"] == "extra_forbidden":
        owner = _model_at(model, location[:-1])
        return unknown_name("key", str(location[-1]), owner.model_fields if owner else ())
    message = item["msg"].removeprefix("Value error, ")
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

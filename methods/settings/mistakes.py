"""What is wrong with the files of methods, told to whoever wrote one: file, line, what is allowed.

A new method is somebody's first contact with this code, and every program reads all methods; so a
slip in one file must name it, before anything is trained, and never end in a traceback.
"""

from __future__ import annotations

import traceback
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path

from pydantic import ValidationError

import methods
from methods.settings import sources
from methods.settings.base import (
    FAMILIES,
    NEEDS,
    FeatureSettings,
    RunOptions,
    Settings,
    Variant,
)
from methods.settings.controls import CONTROLS

READERS = tuple(Path(__file__).with_name(f"{name}.py") for name in ("catalogue", "sources"))
"""They read the others: what fails in them is what they read."""


@dataclass(frozen=True)
class Mistake:
    file: str
    line: int
    message: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.message}"


class BrokenMethods(ImportError):
    """All mistakes in methods' files, one a line."""

    def __init__(self, mistakes: Iterable[Mistake]) -> None:
        # Files import each other: what is wrong with one is found by all of these.
        self.mistakes = tuple(dict.fromkeys(mistakes))
        super().__init__("\n".join(map(str, self.mistakes)))


def unreadable(module: str, error: Exception) -> Mistake:
    """Of a file that is no Python or cannot be imported, at the last line of a method's file that
    was come to."""
    if isinstance(error, SyntaxError):
        file = sources.shown(error.filename or sources.file_of(module))
        return Mistake(file, error.lineno or 1, f"is not Python: {error.msg}")
    file, line = sources.file_of(module), 1
    for frame in traceback.extract_tb(error.__traceback__):
        path = Path(frame.filename)
        inside = any(path.is_relative_to(folder) for folder in methods.__path__)
        if inside and path not in READERS:
            file, line = sources.shown(frame.filename), frame.lineno or 1
    return Mistake(file, line, f"cannot be imported: {_told(error)}")


def nameless(module: str) -> Mistake:
    message = 'has settings, but none of them has a key: `method = "..."`'
    return Mistake(sources.file_of(module), 1, message)


def mistakes(kinds: Iterable[type[Settings]]) -> Iterator[Mistake]:
    """Whatever is wrong with settings that could be read."""
    methods_seen: dict[str, type[Settings]] = {}
    rows_seen: dict[str, type[Settings]] = {}
    for kind in kinds:
        other = methods_seen.setdefault(kind.method, kind)
        if other is not kind:
            where = f"in {sources.file_of(other.__module__)} and here"
            yield _at(kind, kind.method, f"method `{kind.method}` is defined twice: {where}")
            continue
        try:
            yield from _of_one(kind, rows_seen)
        except Exception as error:  # class variables are typed, and nobody checks the types
            yield _at(kind, "", f"method `{kind.method}` cannot be read: {_told(error)}")


def _of_one(kind: type[Settings], rows_seen: dict[str, type[Settings]]) -> Iterator[Mistake]:
    yield from _says_who_it_is(kind)
    strange = [*_needs(kind), *_families(kind)]
    # What is wrong with the method's own row is wrong with all of its variants too.
    strange = strange or [*_values(kind, kind.method, Variant())]
    yield from strange
    for row, variant in {kind.method: Variant(), **kind.named_variants()}.items():
        named = rows_seen.setdefault(row, kind)
        if row in CONTROLS:
            yield _at(kind, row, f"`{row}` is a row without distillation, so no method's")
        elif named is not kind or (row == kind.method and row in kind.variants):
            yield _at(kind, row, f"row `{row}` is named by `{named.method}` too")
        elif not strange and row != kind.method:
            yield from _values(kind, row, variant)


def _says_who_it_is(kind: type[Settings]) -> Iterator[Mistake]:
    if not getattr(kind, "title", ""):
        yield _at(kind, "", f"method `{kind.method}` has no `title`")
    try:
        found = sources.tree_of(kind.module) is not None
        if found and not sources.defines(kind.module, "build"):
            message = f"has no `build(settings, context)`, which method `{kind.method}` needs"
            yield Mistake(sources.file_of(kind.module), 1, message)
    except SyntaxError as error:
        yield unreadable(kind.module, error)
        return
    if not found:
        yield _at(kind, "module", f"`module` names {kind.module!r}, and there is no such file")


def _needs(kind: type[Settings]) -> Iterator[Mistake]:
    for need in sorted(kind.needs - NEEDS):
        message = f"needs: unknown {need!r}; allowed: {', '.join(sorted(NEEDS))}"
        yield _at(kind, "needs", message)
    if "features" in kind.needs and not issubclass(kind, FeatureSettings):
        # No tap says which maps: it would see none, and train the student without a loss.
        message = (
            f"method `{kind.method}` needs features, so its settings derive from "
            "`FeatureSettings`; `needs` says what else a method can do with"
        )
        yield _at(kind, "", message)


def _families(kind: type[Settings]) -> Iterator[Mistake]:
    for name in ("by_family", "run_by_family"):
        for family in getattr(kind, name):
            if family not in FAMILIES:
                near = get_close_matches(str(family), FAMILIES, n=1)
                hint = f" did you mean {near[0]!r}?" if near else ""
                allowed = ", ".join(FAMILIES)
                message = f"{name}: unknown family {family!r};{hint} allowed: {allowed}"
                yield _at(kind, str(family), message)


def _values(kind: type[Settings], row: str, variant: Variant) -> Iterator[Mistake]:
    """What a row sets must be among what there is to set; the first family tells."""
    for family in variant.families:
        own = kind.run_by_family.get(family, {})
        try:
            kind.model_validate({**kind.by_family.get(family, {}), **variant.settings_for(family)})
            RunOptions.model_validate({**kind.run.model_dump(), **own, **variant.run})
        except ValidationError as error:
            yield _at(kind, row, f"row `{row}`, {family}: {_first(error)}")
            return


def _first(error: ValidationError) -> str:
    item = error.errors(include_url=False)[0]
    where = ".".join(map(str, item["loc"]))
    if item["type"] == "extra_forbidden":
        return f"unknown key `{where}`"
    return f"{where}: {item['msg']}" if where else str(item["msg"])


def _told(error: Exception) -> str:
    first = _first(error) if isinstance(error, ValidationError) else str(error).split("\n")[0]
    return f"{type(error).__name__}: {first}"


def _at(kind: type[Settings], word: str, message: str) -> Mistake:
    line = sources.line_of(kind.__module__, kind.__name__, word)
    return Mistake(sources.file_of(kind.__module__), line, message)

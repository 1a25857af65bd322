"""YAML read with the line of every key, so that a problem can name the place it stands at."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from workflow.wording import Location

Place = tuple[str, int]
"""File and line."""
MOST_PARTS = 100_000
"""Of one file, what its aliases repeat among them: a few lines could stand for millions."""
MOST_LEVELS = 100
"""Counted, since Python's own limit may have been raised beyond what its stack can hold."""
SHOWN_LETTERS = 40

_Safe: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_TEXT, _MERGE = "tag:yaml.org,2002:str", "tag:yaml.org,2002:merge"
_NUMBERS = ("tag:yaml.org,2002:int", "tag:yaml.org,2002:float")
_OTHER_BASE = re.compile(r"[-+]?(0[0-9_]+$|[0-9][0-9_]*:)")


class _Loader(_Safe):
    """Says where the value stands that is none, such as a date with a thirteenth month."""

    def construct_object(self, node: yaml.Node, deep: bool = False) -> Any:
        try:
            value = super().construct_object(node, deep)
        except (ValueError, KeyError) as error:
            kind, text = node.tag.rpartition(":")[2], str(node.value)[:SHOWN_LETTERS]
            raise yaml.MarkedYAMLError(
                problem=f"{text!r} is no {kind}; text is put in quotes",
                problem_mark=node.start_mark,
            ) from error
        if node.tag in _NUMBERS and _OTHER_BASE.match(node.value):
            raise yaml.MarkedYAMLError(
                problem=f"{node.value!r} would be read as {value}: a leading 0 means base 8 there, "
                "and colons base 60; text is put in quotes",
                problem_mark=node.start_mark,
            )
        return value


@dataclass
class Source:
    """A parsed file: plain data, and where each part of it stands."""

    file: str
    data: Any
    places: dict[Location, Place] = field(default_factory=dict)

    def place(self, location: Location) -> Place:
        """Of the part, or of the nearest part around it that stands somewhere."""
        for length in range(len(location), -1, -1):
            if location[:length] in self.places:
                return self.places[location[:length]]
        return self.file, 1

    def line(self, location: Location) -> int:
        return self.place(location)[1]


class SourceError(Exception):
    """The text is no YAML document; `line` is where reading stopped."""

    def __init__(self, message: str, line: int) -> None:
        super().__init__(message)
        self.line = line


def read(path: Path, name: str | None = None) -> Source:
    """Reads one YAML file. Duplicate keys are refused: YAML would silently keep the last."""
    file = name or str(path)
    try:
        text = path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise SourceError(f"is not UTF-8 text ({error.reason})", 1) from error
    except OSError as error:
        raise SourceError(f"cannot be read: {error.strerror}", 1) from error
    try:
        return _parsed(file, text)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        raise SourceError(f"is not YAML: {error.problem}", mark.line + 1 if mark else 1) from error
    except yaml.reader.ReaderError as error:
        before = text[: error.position]
        reason = f"{error.reason}, found {text[error.position : error.position + 1]!r}"
        raise SourceError(f"is not YAML: {reason}", before.count("\n") + 1) from error
    except RecursionError as error:
        raise SourceError("is not YAML: it nests too deep, or holds itself", 1) from error


def _parsed(file: str, text: str) -> Source:
    loader = _Loader(text)
    try:
        node = loader.get_single_node()
        if node is None:
            return Source(file, {})
        places: dict[Location, Place] = {}
        for count, (at, line) in enumerate(_marks(node, ())):
            if count == MOST_PARTS:
                raise yaml.MarkedYAMLError(
                    problem=f"more than {MOST_PARTS:,} parts, with what its aliases repeat",
                    problem_mark=node.start_mark,
                )
            places[at] = (file, line)
        return Source(file, loader.construct_document(node), places)
    finally:
        loader.dispose()


def _marks(node: yaml.Node, at: Location) -> Iterator[tuple[Location, int]]:
    if len(at) > MOST_LEVELS:
        raise RecursionError
    yield at, node.start_mark.line + 1
    if isinstance(node, yaml.MappingNode):
        seen: set[str] = set()
        for key, value in node.value:
            told = None
            if not isinstance(key, yaml.ScalarNode):
                told = "a key is one word, found a list or a mapping"
            elif key.tag not in (_TEXT, _MERGE):
                told = f"the key {key.value} is no text to YAML; put it in quotes"
            elif key.value in seen and key.tag != _MERGE:
                told = f"the key '{key.value}' stands twice"
            if told is not None:
                raise yaml.MarkedYAMLError(problem=told, problem_mark=key.start_mark)
            seen.add(key.value)
            yield from _marks(value, (*at, key.value))
            yield (*at, key.value), key.start_mark.line + 1
    elif isinstance(node, yaml.SequenceNode):
        for index, value in enumerate(node.value):
            yield from _marks(value, (*at, index))

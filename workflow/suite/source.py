"""YAML read with the line of every key, so that a problem can name the place it stands at."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from workflow.wording import Location

Place = tuple[str, int]
"""File and line."""

_Loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


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
    loader = _Loader(text)
    try:
        node = loader.get_single_node()
        if node is None:
            return Source(file, {})
        places = {at: (file, line) for at, line in _marks(node, ())}
        return Source(file, loader.construct_document(node), places)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        raise SourceError(f"is not YAML: {error.problem}", mark.line + 1 if mark else 1) from error
    finally:
        loader.dispose()


def _marks(node: yaml.Node, at: Location) -> Iterator[tuple[Location, int]]:
    yield at, node.start_mark.line + 1
    if isinstance(node, yaml.MappingNode):
        seen: set[str] = set()
        for key, value in node.value:
            if key.value in seen and key.tag != "tag:yaml.org,2002:merge":
                raise yaml.MarkedYAMLError(
                    problem=f"the key '{key.value}' stands twice", problem_mark=key.start_mark
                )
            seen.add(key.value)
            yield from _marks(value, (*at, key.value))
            yield (*at, key.value), key.start_mark.line + 1
    elif isinstance(node, yaml.SequenceNode):
        for index, value in enumerate(node.value):
            yield from _marks(value, (*at, index))


def merge(low: Source, high: Source) -> Source:
    """`high` over `low`: mappings are merged key by key, lists and values are replaced."""
    places = dict(low.places)
    data = _merge(low.data, high.data, (), places)
    return Source(high.file, data, {**places, **high.places})


def overlay(source: Source, changes: dict[str, Any], name: str = "overrides") -> Source:
    """Values given by a program rather than by a file."""
    above = Source(name, changes, {(key,): (name, 1) for key in changes})
    merged = merge(source, above)
    merged.file = source.file
    return merged


def _merge(low: Any, high: Any, at: Location, places: dict[Location, Place]) -> Any:
    if isinstance(low, dict) and isinstance(high, dict):
        merged = dict(low)
        for key, value in high.items():
            merged[key] = _merge(low.get(key), value, (*at, key), places)
        return merged
    # What is replaced no longer stands anywhere.
    for location in [place for place in places if place[: len(at)] == at and place != at]:
        del places[location]
    return high

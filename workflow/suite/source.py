"""A suite's file over the one that it extends, every part still with its place."""

from __future__ import annotations

from typing import Any

from workflow.marked_yaml import Place, Source, SourceError, read
from workflow.wording import Location

__all__ = ["Location", "Place", "Source", "SourceError", "merge", "overlay", "read"]


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

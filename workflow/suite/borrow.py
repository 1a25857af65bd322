"""A table taken over from another suite: `like: papers/amd main`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from workflow.suite.problems import Collector
from workflow.suite.source import Source
from workflow.wording import unknown_name

INHERITED = ("pairs", "rows", "seeds", "settings", "pair_settings")
"""What a table takes from its suite; it must come along."""
Reader = Callable[[str], Source]


def borrow(source: Source, read: Reader) -> Source:
    """The same source, with every `like` replaced by the table that it names."""
    tables = source.data.get("tables")
    if not isinstance(tables, dict):
        return source
    wanted = {
        name: entry["like"]
        for name, entry in tables.items()
        if isinstance(entry, dict) and isinstance(entry.get("like"), str)
    }
    problems = Collector(source)
    taken, places = {}, dict(source.places)
    for name, like in wanted.items():
        at = ("tables", name, "like")
        suite, _, table = like.partition(" ")
        if not table:
            problems.add(at, f"expected `<suite> <table>`, found {like!r}")
            continue
        other = read(suite)
        others = other.data.get("tables") or {}
        if table not in others:
            problems.add(at, unknown_name(f"table of {suite}", table, others))
            continue
        own = {key: value for key, value in tables[name].items() if key != "like"}
        taken[name] = {**_complete(other.data, others[table], source.data), **own}
        places |= {
            ("tables", name, *place[2:]): where
            for place, where in other.places.items()
            if place[:2] == ("tables", table)
        }
        places |= {
            ("tables", name, *place): where
            for place, where in other.places.items()
            if place[:1] and place[0] in INHERITED
        }
    problems.stop_if_any()
    data = {**source.data, "tables": {**tables, **taken}}
    return Source(source.file, data, places)


def _complete(suite: dict[str, Any], table: dict[str, Any], borrower: dict[str, Any]) -> Any:
    """The table with what it leaves to its suite; seeds are the borrower's to choose."""
    above = {
        key: suite[key]
        for key in INHERITED
        if key in suite and not (key == "seeds" and key in borrower)
    }
    if table.get("blocks"):
        above.pop("rows", None)
    schedule = (suite.get("schedules") or {}).get("student")
    return {**above, **({"schedule": schedule} if schedule else {}), **table}

"""Blocks of a suite's file, completed: which pairs, rows, seeds and settings each of them means."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from workflow.suite.schema import Block, Published, RowEntry, ScheduleEntry, SuiteFile
from workflow.suite.source import Location


@dataclass(frozen=True)
class Row:
    """One row of a block, its grid spread out."""

    entry: RowEntry
    name: str
    settings: dict[str, Any]
    at: Location


@dataclass(frozen=True)
class Layer:
    """Settings as they stand in one place of the file."""

    settings: dict[str, Any]
    at: Location


@dataclass(frozen=True)
class FullBlock:
    """A block with nothing left open."""

    pairs: tuple[str, ...]
    rows: tuple[Row, ...]
    seeds: tuple[int, ...]
    schedule: ScheduleEntry | None
    settings: dict[str, tuple[Layer, ...]]
    """Pair -> its settings, from the suite's to the block's; later ones win."""
    published: Published
    at: Location
    pairs_at: Location
    schedule_at: Location


def complete(file: SuiteFile, table: str | None = None) -> Iterator[FullBlock]:
    """The blocks of a table, or, without one, the suite's own grid."""
    suite = Block(
        pairs=file.pairs,
        rows=file.rows,
        seeds=file.seeds,
        schedule=file.schedules.student,
        settings=file.settings,
        pair_settings=file.pair_settings,
    )
    known = {row.name: row for row in _spread(file.rows or [], ("rows",), {})}
    chain: list[tuple[Location, Block]] = [((), suite)]
    if table is None:
        if file.rows:
            yield _full(chain, known)
        return
    entry = file.tables[table]
    chain.append((("tables", table), entry))
    if not entry.blocks:
        yield _full(chain, known)
    for index, block in enumerate(entry.blocks):
        yield _full([*chain, (("tables", table, "blocks", index), block)], known)


def holders(file: SuiteFile) -> Iterator[tuple[Location, SuiteFile | Block]]:
    """Everything that settings can stand in, and where."""
    yield (), file
    for name, table in file.tables.items():
        yield ("tables", name), table
        for index, block in enumerate(table.blocks):
            yield ("tables", name, "blocks", index), block


def _full(chain: list[tuple[Location, Block]], known: dict[str, Row]) -> FullBlock:
    def last(key: str) -> tuple[Any, Location]:
        for at, block in reversed(chain):
            value = getattr(block, key)
            if value is not None:
                # The suite's own schedule stands under another key than a block's.
                own = ("schedules", "student") if key == "schedule" and not at else (key,)
                return value, (*at, *own)
        return None, (*chain[-1][0], key)

    pairs, pairs_at = last("pairs")
    rows, rows_at = last("rows")
    seeds, _ = last("seeds")
    schedule, schedule_at = last("schedule")
    published = Published()
    for _, block in chain:
        if block.published:
            published = published.model_copy(update=block.published.model_dump(exclude_none=True))
    own_rows = rows_at == ("rows",)
    return FullBlock(
        pairs=tuple(pairs or ()),
        rows=tuple(_spread(rows or [], rows_at, {} if own_rows else known)),
        seeds=tuple(seeds),
        schedule=schedule,
        settings={pair: tuple(_layers(chain, pair)) for pair in pairs or ()},
        published=published,
        at=chain[-1][0],
        pairs_at=pairs_at,
        schedule_at=schedule_at,
    )


def _spread(rows: list[RowEntry], at: Location, known: dict[str, Row]) -> Iterator[Row]:
    """Every combination of each row's grid. A table's row may name one of the suite's rows."""
    for index, entry in enumerate(rows):
        here = (*at, index)
        own = known.get(entry.row)
        bare = not (entry.settings or entry.grid or entry.run or entry.name)
        if own is not None and bare:
            joined = own.entry.model_copy(
                update={
                    "published": entry.published,
                    "title": entry.title or own.entry.title,
                    "pairs": entry.pairs if entry.pairs is not None else own.entry.pairs,
                }
            )
            yield Row(joined, own.name, own.settings, here)
            continue
        fields = list(entry.grid)
        for values in itertools.product(*(entry.grid[field] for field in fields)):
            chosen = dict(zip(fields, values, strict=True))
            settings = {**entry.settings, **chosen}
            base = entry.name or entry.row
            # A row's own settings must show in its name: folders and tables are told apart by it.
            shown = chosen if entry.name else settings
            name = base + "".join(f"-{key}={_spell(value)}" for key, value in shown.items())
            yield Row(entry, name, settings, here)


def _spell(value: Any) -> str:
    if isinstance(value, dict):
        return "_".join(f"{key}={_spell(inner)}" for key, inner in value.items())
    if isinstance(value, list | tuple):
        return "_".join(map(_spell, value))
    return str(value)


def _layers(chain: list[tuple[Location, Block]], pair: str) -> Iterator[Layer]:
    for at, block in chain:
        yield Layer(block.settings or {}, (*at, "settings"))
        own = (block.pair_settings or {}).get(pair, {})
        yield Layer(own, (*at, "pair_settings", pair))


def merged(low: dict[str, Any], high: dict[str, Any]) -> dict[str, Any]:
    """`high` over `low`, mappings key by key."""
    found = dict(low)
    for key, value in high.items():
        both = isinstance(value, dict) and isinstance(found.get(key), dict)
        found[key] = merged(found[key], value) if both else value
    return found

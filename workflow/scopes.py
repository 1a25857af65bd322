"""Which runs each target of the workflow needs. Imports no torch."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

from workflow.outcome import read
from workflow.spec import HASH
from workflow.suite import Figure, Suite


def scopes(suite: Suite) -> dict[str, list[str]]:
    """Target -> run ids: the general targets, and one for every table and figure."""
    every = list(suite.by_id)
    teachers = [id for id, run in suite.by_id.items() if run.kind != "student"]
    in_tables = _once(run for table in suite.tables.values() for run in table.runs)
    in_figures = _once(run for figure in suite.figures.values() for run in of_figure(suite, figure))
    return {
        "all": every,
        "teachers": teachers,
        "students": every,
        "tables": in_tables,
        "figures": in_figures,
        "report": every,
        **{f"table_{name}": list(table.runs) for name, table in suite.tables.items()},
        **{f"figure_{name}": of_figure(suite, one) for name, one in suite.figures.items()},
    }


def of_figure(suite: Suite, figure: Figure) -> list[str]:
    return list(suite.tables[figure.table].runs) if figure.table else list(suite.by_id)


def with_needs(suite: Suite, ids: Iterable[str]) -> list[str]:
    """These runs and all that they learn from, in the suite's order: dependencies first."""
    wanted: set[str] = set()
    waiting = list(ids)
    while waiting:
        id = waiting.pop()
        if id not in wanted:
            wanted.add(id)
            waiting += [needed.id for needed in suite.by_id[id].dependencies()]
    return [id for id in suite.by_id if id in wanted]


def absent_files(suite: Suite, targets: Iterable[str], runs: Path) -> list[str]:
    """A line for each teacher's file these targets (none: `all`) need and that is not there."""
    every = scopes(suite)
    asked = [id for target in set(targets) or {"all"} for id in every.get(target, [])]
    told = []
    for id in with_needs(suite, asked):
        run, ended = suite.by_id[id], read(runs, id)
        if run.checkpoint is None or HASH not in run.checkpoint or (ended and ended.complete):
            continue
        path = run.checkpoint.rpartition(HASH)[0]
        if not os.path.isfile(path):
            told.append(f"{suite.source}: checkpoints.{run.group}: {path}: no such file")
    return told


def _once(ids: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(ids))

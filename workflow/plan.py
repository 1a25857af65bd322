"""Writes `plan.json`: what a suite wants, for those who read results and know no workflow.

    python -m workflow.plan --suite demo --out results/suites/demo/plan.json

The keys are said in docs/architecture.md. Imports no torch.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import re
import sys
from pathlib import Path
from typing import Any

from methods.settings.resolve import catalogue as methods_catalogue
from workflow.command import speaking
from workflow.models import catalogue
from workflow.spec import RunSpec
from workflow.suite import Cell, Suite, Table, load
from workflow.suite.schema import Published

VERSION = 1
BASELINE = "baseline"


def plan(suite: Suite) -> dict[str, Any]:
    return {
        "version": VERSION,
        "suite": suite.name,
        "title": suite.title,
        "description": suite.file.description,
        "baseline": BASELINE,
        "split": suite.split,
        "runs": [_run(suite, id, run) for id, run in suite.by_id.items()],
        "pairs": {name: _pair(name) for name in suite.pairs()},
        "methods": _methods(suite),
        "tables": [_table(table) for table in suite.tables.values()],
        "figures": [
            {
                "name": figure.name,
                "kind": figure.kind,
                "title": figure.title,
                "table": figure.table,
                "options": figure.options,
            }
            for figure in suite.figures.values()
        ],
        "not_run": [
            {"where": _columns(entry.where), "reason": entry.reason} for entry in suite.not_run
        ],
    }


def plan_text(suite: Suite) -> str:
    return json.dumps(plan(suite), indent=1, allow_nan=False) + "\n"


def plan_hash(suite: Suite) -> str:
    """Changes with whatever a reader of results would see."""
    return hashlib.sha256(plan_text(suite).encode()).hexdigest()


def _run(suite: Suite, id: str, run: RunSpec) -> dict[str, Any]:
    return {
        "id": id,
        "hash": run.hash,
        "kind": run.kind,
        "group": run.group,
        "row": run.row,
        "seed": run.seed,
        "family": run.family,
        "data": run.data.name,
        "schedule": suite.schedule_names.get(id, ""),
        "methods": [spec.method for spec in run.methods],
        "teacher": run.teacher.id if run.teacher else None,
        "classifier": run.classifier.id if run.classifier else None,
        "backbone": run.backbone.id if run.backbone else None,
    }


def _pair(name: str) -> dict[str, Any]:
    pair = catalogue.pair(name)
    return {
        "title": name,
        "fidelity": pair.fidelity,
        "family": pair.family,
        "teacher": pair.teacher,
        "student": pair.student,
        "published_teacher": _published(pair.teacher),
        "published_student": _published(pair.student),
    }


def _published(model: str) -> str:
    """The model's name in published.csv: its own, unless its definition gives another."""
    if not model:
        return ""
    definition = catalogue.detector(model)
    if definition.published or definition.fidelity == "mini":
        return definition.published
    return model


def _methods(suite: Suite) -> dict[str, Any]:
    keys = dict.fromkeys(spec.method for run in suite.runs for spec in run.methods)
    found = {}
    for key in keys:
        kind = methods_catalogue()[key]
        year = re.search(r"\b(?:19|20)\d\d\b(?!\.)", kind.citation)
        found[key] = {
            "title": kind.title,
            "citation": kind.citation,
            "year": int(year[0]) if year else None,
        }
    return found


def _table(table: Table) -> dict[str, Any]:
    printed = {cell.published[:2] for cell in table.cells if cell.published}
    papers = {dict(key)["paper"] for key in printed}
    named = table.published
    return {
        "name": table.name,
        "title": table.title,
        "kind": table.kind,
        "caption": table.caption,
        "full": table.full,
        "paper": named.paper or (papers.pop() if len(papers) == 1 else ""),
        "paper_table": named.table or "",
        "cells": [_cell(cell) for cell in table.cells],
    }


def _cell(cell: Cell) -> dict[str, Any]:
    return {
        "row": cell.row,
        "title": cell.title,
        "group": cell.group,
        "runs": list(cell.runs),
        "methods": list(cell.methods),
        "changed": cell.changed,
        "baseline": list(cell.baseline),
        "published": dict(cell.published) if cell.published else None,
    }


def _columns(where: Published) -> dict[str, str]:
    columns: dict[str, str] = where.model_dump(exclude_none=True)
    return columns


@speaking
def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--suite", required=True)
    parser.add_argument("--out", type=Path, required=True)
    options = parser.parse_args(arguments)
    text = plan_text(load(options.suite))
    options.out.parent.mkdir(parents=True, exist_ok=True)
    partial = options.out.with_name(f".{options.out.name}.half-made")
    partial.write_text(text, encoding="utf-8")
    partial.replace(options.out)
    return 0


if __name__ == "__main__":
    sys.exit(main())

"""Tables of made-up suites, and what stands in their cells."""

from __future__ import annotations

from analysis.plan import read_plan
from analysis.records import read_records
from analysis.tables.build import build_document
from analysis.tables.model import Document, Entry, Row, Table

from ..factory import MadeSuite

CLEAR = {"baseline": 40.0, "mgd": 41.5, "amd": 43.0}


def document(suite: MadeSuite, table: str = "main") -> Document:
    plan = read_plan(suite.suite_dir)
    return build_document(read_records(plan, suite.runs_dir), plan.table(table))


def row(table: Table, title: str, section: int = 0) -> Row:
    return next(r for r in table.sections[section].rows if r.entries[0].text == title)


def entry(table: Table, title: str, column: str, section: int = 0) -> Entry:
    keys = [c.key for c in table.columns]
    return row(table, title, section).entries[keys.index(column)]

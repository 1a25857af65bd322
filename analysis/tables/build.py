"""From a wanted table to a document, by its kind."""

from __future__ import annotations

from analysis.plan import TablePlan
from analysis.records import Records
from analysis.statistics.images import ImageUncertainty
from analysis.statistics.tables import table_statistics
from analysis.tables.ablation import ablation_table
from analysis.tables.across import across_table
from analysis.tables.costs import costs_table
from analysis.tables.model import Document
from analysis.tables.published import published_table
from analysis.tables.results import results_table

BUILDERS = {
    "results": results_table,
    "ablation": ablation_table,
    "costs": costs_table,
    "published": published_table,
}


def build_document(
    records: Records, plan: TablePlan, images: ImageUncertainty | None = None
) -> Document:
    """Results over several pairs bring the table over pairs with them."""
    statistics = table_statistics(records, plan, images)
    tables = [BUILDERS[plan.kind](records, statistics)]
    students = {c.cell.group for c in statistics.cells if c.is_baseline or c.cell.baseline}
    if plan.kind == "results" and len(students) > 1:
        tables.append(across_table(records, statistics))
    return Document(plan.name, tuple(tables))

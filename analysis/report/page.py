"""From a suite's folders to its page."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from analysis.findings.further import ablations, over_pairs, printed
from analysis.findings.headline import headline
from analysis.findings.pairs import pair_answers
from analysis.findings.sentences import HOW_TO_READ, sentences
from analysis.places import CACHE
from analysis.plan import read_plan
from analysis.records import read_records
from analysis.report.cautions import cautions
from analysis.report.costs import total_costs
from analysis.report.pictures import read_pictures
from analysis.report.provenance import provenance
from analysis.statistics.images import ImageUncertainty
from analysis.statistics.tables import table_statistics
from analysis.tables.build import build_document
from analysis.tables.html import SCRIPT, STYLE, fragment

_HERE = Path(__file__).parent
TEMPLATE = "report.html.jinja"
COSTS = "costs"
"""The kind of table that stands among the costs."""


def make_page(suite_dir: Path, runs_dir: Path, data_dir: Path) -> str:
    """The same folders give the same bytes: nothing here asks for the time."""
    plan = read_plan(suite_dir)
    records = read_records(plan, runs_dir)
    images = ImageUncertainty(data_dir, suite_dir / CACHE)
    tables = [table_statistics(records, table, images) for table in plan.tables]
    pairs = pair_answers(records, tables)
    pictures = read_pictures(plan, suite_dir)
    origin = provenance(records)
    documents = [
        {
            "name": table.name,
            "title": table.title,
            "kind": table.kind,
            "html": Markup(fragment(build_document(records, table, images), suite_dir)),
        }
        for table in plan.tables
    ]
    return _render(
        plan=plan,
        finished=len(records.frame),
        headline=headline(records, pairs),
        how_to_read=HOW_TO_READ if any(pair.seeds > 1 for pair in pairs) else "",
        pairs=[{"title": p.title, "sentences": sentences(p)} for p in pairs if p.begun],
        waiting=[pair.title for pair in pairs if not pair.begun],
        over_pairs=over_pairs(pairs, tables),
        ablations=ablations(records, tables),
        printed=printed(records, tables),
        cautions=cautions(records, pairs, origin, pictures, sorted(set(images.problems.values()))),
        tables=[document for document in documents if document["kind"] != COSTS],
        cost_tables=[document for document in documents if document["kind"] == COSTS],
        total_costs=total_costs(records),
        pictures=pictures,
        provenance=origin,
    )


def _render(**content: Any) -> str:
    environment = Environment(
        loader=FileSystemLoader(_HERE),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    style, script = STYLE, SCRIPT
    for name in ("report", "explorer"):
        style += (_HERE / f"{name}.css").read_text(encoding="utf-8")
    if any(picture.explorer for picture in content["pictures"]):
        script += (_HERE / "explorer.js").read_text(encoding="utf-8")
    return environment.get_template(TEMPLATE).render(
        style=Markup(style), script=Markup(script), **content
    )

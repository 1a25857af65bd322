"""Every printed row of the papers with a suite is reproduced somewhere, or it is said why not."""

from __future__ import annotations

import pytest

from workflow.suite import export_schema, load, names, published
from workflow.suite.schema import Published

PAPERS = {
    "papers/amd": "AMD",
    "papers/cwd": "CWD",
    "papers/fgd": "FGD",
    "papers/fkd": "FKD",
    "papers/icd": "ICD",
    "papers/ld": "LD",
    "papers/mgd": "MGD",
    "papers/pkd": "PKD",
    "papers/ssim": "SSIM",
}
# Three of LD's rows are FitNet's loss on parts of the map, whatever they are called there.
PRINTED_AS = {"imitation": "fitnet", ("LD", "fgfi"): "fitnet"}
NO_TABLE = {"papers/cwd": {"abstract"}, "papers/mgd": {"issue #8", "mmrazor README"}}
"""Places of a single number each, which stands in a table of ours that is named after others."""
SHIPPED = [name for name in PAPERS if name in names()]


@pytest.mark.parametrize("name", SHIPPED)
def test_every_row_of_the_paper_is_mapped_or_excused(name):
    suite = load(name)
    mapped = {cell.published for table in suite.tables.values() for cell in table.cells}
    excused = {
        published.key_of(row) for entry in suite.not_run for row in published.matching(entry.where)
    }
    rows = {published.key_of(row) for row in published.of_paper(PAPERS[name])}
    assert rows - mapped - excused == set()
    assert mapped & excused == set(), "what is run needs no excuse"


@pytest.mark.parametrize("name", SHIPPED)
def test_every_place_of_a_row_is_a_table(name):
    """A number printed in three tables stands in three of ours, each of them a target."""
    suite = load(name)
    asked = {
        (table.published.table, cell.published)
        for table in suite.tables.values()
        for cell in table.cells
        if cell.published and table.published.table
    }
    tables = {place for place, _ in asked}
    excused = {
        published.key_of(row) for entry in suite.not_run for row in published.matching(entry.where)
    }
    without = set()
    for row in published.of_paper(PAPERS[name]):
        key = published.key_of(row)
        if key in excused:
            continue
        for place in published.places(row):
            if place in tables:
                assert (place, key) in asked, f"{place} lacks {key}"
            else:
                without.add(place)
    assert without == NO_TABLE.get(name, set())


def test_mapped_rows_agree_with_the_pair_and_the_method():
    for name in SHIPPED:
        suite = load(name)
        for table in suite.tables.values():
            for cell in table.cells:
                if cell.published is None or not cell.methods:
                    continue
                printed = dict(cell.published)
                method = printed["method"]
                method = PRINTED_AS.get((printed["paper"], method), PRINTED_AS.get(method, method))
                assert method in cell.methods[0], (name, table.name, cell.row)


def test_a_wish_for_a_printed_row_finds_one_or_says_so():
    wanted = Published(paper="FGD", table="Table 7", variant="no-inherit, tau=0.8")
    assert [row["mAP"] for row in published.matching(wanted)] == ["40.4"]
    assert published.matching(Published(paper="FGD", table="Table 8")) == []


def test_the_schema_for_editors_is_fresh():
    assert export_schema.TARGET.read_text(encoding="utf-8") == export_schema.text(), (
        "run `python -m workflow.suite.export_schema`"
    )

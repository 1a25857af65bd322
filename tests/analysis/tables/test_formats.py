"""One table in four formats: what each says, escapes and leads to."""

from __future__ import annotations

import csv
from html.parser import HTMLParser
from pathlib import Path

import pytest

from analysis.tables.csv_text import to_csv
from analysis.tables.html import to_html
from analysis.tables.latex import to_latex
from analysis.tables.markdown import to_markdown
from analysis.tables.model import Table

from ..factory import make_suite
from .asked import CLEAR, document

RECORDS = Path("results/suites/made/records.csv")


def test_markdown(tmp_path: Path) -> None:
    suite = make_suite(tmp_path, rows=CLEAR, noise=0.05)
    text = to_markdown(document(suite), suite.suite_dir / "tables")
    assert "| **43" in text or "**4" in text
    assert "<u>" in text
    link = f"../../../runs/{suite.id('pair-a', 'amd', 0).rsplit('/', 1)[0]}/"
    assert f"| [AMD]({link}) |" in text
    assert "<sup>" not in text
    assert (suite.suite_dir / "tables" / link).resolve().is_dir()
    widths = {line.count(" | ") for line in text.splitlines() if line.startswith("|")}
    assert widths == {9}


def test_a_single_run_is_what_its_row_leads_to(tmp_path: Path) -> None:
    suite = make_suite(tmp_path, rows=CLEAR, seeds=(0,))
    link = f"../../../runs/{suite.id('pair-a', 'amd', 0)}/"
    folder = suite.suite_dir / "tables"
    assert f"[AMD]({link})" in to_markdown(document(suite), folder)
    assert f'<a href="{link}">AMD</a>' in to_html(document(suite), folder)


def test_rows_over_pairs_share_one_note(tmp_path: Path) -> None:
    suite = make_suite(tmp_path, pairs=2, rows=CLEAR)
    text = to_markdown(document(suite), suite.suite_dir / "tables")
    _, over = text.split("over pairs", 1)
    assert over.count("<sup>1</sup>") == len(CLEAR) + 1  # and before the note itself
    assert over.count("column 'runs' of main.csv") == 1
    assert "<sup>2</sup>" not in over


def test_latex_names_the_records_once_and_no_runs(tmp_path: Path) -> None:
    suite = make_suite(tmp_path, rows=CLEAR)
    text = to_latex(document(suite), RECORDS)
    assert text.count(rf"\path{{{RECORDS}}}") == 1
    assert "textsuperscript" not in text
    assert "seed0-" not in text


def test_csv_is_unrounded_and_names_the_runs(tmp_path: Path) -> None:
    suite = make_suite(tmp_path, pairs=2, rows=CLEAR)
    lines = list(csv.DictReader(to_csv(document(suite)).splitlines()))
    line = next(x for x in lines if (x["part"], x["row"], x["group"]) == ("main", "amd", "pair-a"))
    values = [suite.value("pair-a", "amd", seed) for seed in range(3)]
    assert float(line["AP"]) == pytest.approx(sum(values) / 3, abs=1e-12)
    assert line["runs"].split() == [suite.id("pair-a", "amd", seed) for seed in range(3)]
    assert {x["part"] for x in lines} == {"main", "main-over-pairs"}
    assert not any("–" in value for x in lines for value in x.values())


class Page(HTMLParser):
    """Collects what the checks below need, and refuses tags that do not close."""

    VOID = frozenset({"meta", "br", "link", "img", "input"})

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open, f"</{tag}> closes nothing"
        assert self.open.pop() == tag

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.tags if name == tag]


def test_html_is_whole_accessible_and_alone(tmp_path: Path) -> None:
    suite = make_suite(tmp_path, pairs=2, rows=CLEAR)
    suite.edit("pair-a", "mgd", 1, status="failed", reason='<script>alert("x")</script>')
    text = to_html(document(suite), suite.suite_dir / "tables")
    page = Page()
    page.feed(text)
    assert page.open == []
    assert page.all("html")[0]["lang"] == "en"
    assert len(page.all("table")) == len(page.all("caption")) == 2
    headers = page.all("th")
    assert {h["scope"] for h in headers} == {"col", "row", "rowgroup"}
    assert len(page.all("button")) == 10 + 8
    ids = [a["id"] for _, a in page.tags if a.get("id")]
    assert len(ids) == len(set(ids))
    links = [a["href"] for a in page.all("a")]
    assert all(link[1:] in ids for link in links if link.startswith("#"))
    folders = [link for link in links if not link.startswith("#")]
    assert all((suite.suite_dir / "tables" / link).resolve().is_dir() for link in folders)
    assert len(page.all("script")) == 1, "a reason from a run must never become code"
    assert "http" not in text.replace("http-equiv", "")
    values = [float(a["data-value"]) for a in page.all("td") if "data-value" in a]
    assert len(values) > 40


def test_latex_escapes_everything(tmp_path: Path) -> None:
    suite = make_suite(tmp_path, rows=CLEAR)
    suite.edit("pair-a", "mgd", 1, status="failed", reason=r"50% of $x_1 & {y} \z ~ ^ #")
    text = to_latex(document(suite), RECORDS)
    assert r"50\% of \$x\_1 \& \{y\} \textbackslash{}z" in text
    assert text.count(r"\begin{tabular}") == text.count(r"\end{tabular}") == 1
    assert text.count("{") == text.count("}")


def test_signs_of_markdown_and_latex_are_signs_in_titles(tmp_path: Path) -> None:
    suite = make_suite(tmp_path, rows=CLEAR, seeds=(0,))
    for cell in suite.plan["tables"][0]["cells"]:
        cell["title"] = "[ours] $a$ ~b~"
    suite.save_plan()
    made = document(suite)
    assert r"[\[ours\] \$a\$ \~b\~]" in to_markdown(made, tmp_path)
    rows = [line for line in to_latex(made, RECORDS).splitlines() if "ours" in line]
    assert len(rows) == len(CLEAR)
    # LaTeX would take `\\[ours]` for a distance to the next line.
    assert all(line.startswith(r"{}[ours] \$a\$") for line in rows)


def test_table_refuses_rows_of_another_width(tmp_path: Path) -> None:
    table = document(make_suite(tmp_path, rows=CLEAR)).tables[0]
    with pytest.raises(ValueError, match="2 columns"):
        Table("x", "x", "", table.columns[:2], table.sections)

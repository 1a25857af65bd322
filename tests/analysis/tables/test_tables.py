"""From run folders to tables: what the four formats say, and what they must never say."""

from __future__ import annotations

import csv
import shutil
from html.parser import HTMLParser
from itertools import product
from pathlib import Path

import pytest

from analysis.errors import AnalysisError
from analysis.plan import read_plan
from analysis.records import read_records
from analysis.tables.__main__ import main
from analysis.tables.build import build_document
from analysis.tables.csv_text import to_csv
from analysis.tables.html import to_html
from analysis.tables.latex import to_latex
from analysis.tables.markdown import to_markdown
from analysis.tables.model import Document, Entry, Row, Table

from ..factory import MadeSuite, make_suite
from ..test_published import BASELINE, MGD

CLEAR = {"baseline": 40.0, "mgd": 41.5, "amd": 43.0}
RECORDS = Path("results/suites/made/records.csv")


def document(suite: MadeSuite, table: str = "main") -> Document:
    plan = read_plan(suite.suite_dir)
    return build_document(read_records(plan, suite.runs_dir), plan.table(table))


def row(table: Table, title: str, section: int = 0) -> Row:
    return next(r for r in table.sections[section].rows if r.entries[0].text == title)


def entry(table: Table, title: str, column: str, section: int = 0) -> Entry:
    keys = [c.key for c in table.columns]
    return row(table, title, section).entries[keys.index(column)]


def test_means_and_differences(tmp_path: Path) -> None:
    suite = make_suite(tmp_path, rows=CLEAR, noise=0.05)
    table = document(suite).tables[0]
    mean = sum(suite.value("pair-a", "amd", s) for s in range(3)) / 3
    assert entry(table, "AMD", "AP").value == pytest.approx(mean)
    assert entry(table, "AMD", "AP").text.startswith(f"{mean:.1f} ± ")
    assert entry(table, "AMD", "delta").value == pytest.approx(3.0, abs=0.15)
    assert entry(table, "Student", "delta").text == "–"
    assert entry(table, "AMD", "n").text == "3"


def test_best_and_second_are_marked_where_resolved(tmp_path: Path) -> None:
    table = document(make_suite(tmp_path, rows=CLEAR, noise=0.05)).tables[0]
    marks = [entry(table, title, "AP").mark for title in ("AMD", "MGD", "Student")]
    assert marks == ["best", "second", ""]


def test_nothing_is_marked_where_the_seeds_cannot_tell(tmp_path: Path) -> None:
    suite = make_suite(tmp_path, rows=CLEAR)
    for seed, value in enumerate([40.5, 40.9, 40.2]):
        suite.edit("pair-a", "mgd", seed, "metrics.json", AP=value)
        suite.edit("pair-a", "amd", seed, "metrics.json", AP=value + [0.3, -0.2, 0.1][seed])
        suite.edit("pair-a", "baseline", seed, "metrics.json", AP=[40.0, 41.0, 40.0][seed])
    table = document(suite).tables[0]
    assert {entry(table, title, "AP").mark for title in ("AMD", "MGD", "Student")} == {""}
    assert entry(table, "AMD", "p").text.startswith("not resolved (")


def test_single_seed_is_not_resolved_and_the_caption_says_so(tmp_path: Path) -> None:
    table = document(make_suite(tmp_path, rows=CLEAR, seeds=(0,))).tables[0]
    assert entry(table, "AMD", "p").text == "not resolved"
    assert entry(table, "AMD", "AP").mark == ""
    assert "One seed a row" in table.caption


def test_caption_gives_units_and_conditions(tmp_path: Path) -> None:
    caption = document(make_suite(tmp_path, rows=CLEAR)).tables[0].caption
    for told in ("in percent", "digits test split (200 images)", "schedule mini", "seeds 0, 1, 2"):
        assert told in caption
    assert "hotcoco 1.3.0" in caption
    assert "paired by seed" in caption


def test_missing_and_partly_missing_cells_say_why(tmp_path: Path) -> None:
    suite = make_suite(tmp_path, rows=CLEAR)
    suite.edit("pair-a", "mgd", 1, status="failed", reason="loss became NaN")
    for seed in range(3):
        shutil.rmtree(suite.folder("pair-a", "amd", seed))
    table = document(suite).tables[0]
    assert row(table, "MGD").entries[0].notes == ("seed 1: failed: loss became NaN",)
    assert entry(table, "MGD", "n").text == "2 of 3"
    assert entry(table, "AMD", "AP").text == "–"
    assert row(table, "AMD").entries[0].notes == ("seed 0, 1, 2: not run yet",)


def test_over_pairs_come_with_several_pairs(tmp_path: Path) -> None:
    tables = document(make_suite(tmp_path, pairs=2, rows=CLEAR, noise=0.05)).tables
    assert [t.name for t in tables] == ["main", "main-over-pairs"]
    over = tables[1]
    assert over.sections[0].rows[0].entries[0].text == "AMD"
    assert entry(over, "AMD", "rank").text == "1.0 [1.0, 1.0]"
    assert entry(over, "AMD", "improvement").text.startswith("100 % [")
    assert "critical difference" in over.notes[0]
    assert len(row(over, "AMD").runs) == 6


def test_ablation_has_check_marks_and_differences_to_the_full_method(tmp_path: Path) -> None:
    rows = {"baseline": 40.0, "amd": 43.0, "amd-mask-only": 42.0}
    table = document(make_suite(tmp_path, rows=rows, noise=0.05), "parts").tables[0]
    assert [entry(table, t, "gate").text for t in ("AMD", "amd-mask-only", "Student")] == [
        "✓",
        "·",
        "",
    ]
    assert entry(table, "amd-mask-only", "delta_full").value == pytest.approx(-1.0, abs=0.15)
    assert entry(table, "AMD", "delta_full").text == "full"


def test_ablation_of_numbers_shows_values(tmp_path: Path) -> None:
    suite = make_suite(tmp_path, rows={"baseline": 40.0, "amd": 43.0, "amd-wide": 42.0})
    suite.plan["tables"][1]["cells"][2]["changed"] = {"theta": 0.5}
    suite.save_plan()
    table = document(suite, "parts").tables[0]
    texts = [entry(table, t, "theta").text for t in ("AMD", "amd-wide", "Student")]
    assert texts == ["default", "0.5", ""]


def test_unknown_full_row_is_told(tmp_path: Path) -> None:
    suite = make_suite(tmp_path, rows=CLEAR)
    suite.plan["tables"][1]["full"] = "amd-xl"
    suite.save_plan()
    with pytest.raises(AnalysisError, match="names the row 'amd-xl', but its rows are baseline"):
        document(suite, "parts")


def test_costs(tmp_path: Path) -> None:
    table = document(make_suite(tmp_path, rows=CLEAR, noise=0.01), "costs").tables[0]
    assert entry(table, "AMD", "hours").text == "0.75"
    assert entry(table, "AMD", "overhead").text == "+50 %"
    assert entry(table, "Student", "overhead").text == "–"
    assert entry(table, "AMD", "gain_per_hour").value == pytest.approx(4.0, abs=0.05)
    assert "device_gib" not in {column.key for column in table.columns}


def test_each_pair_has_its_own_kind_of_time(tmp_path: Path) -> None:
    """One pair trained on a GPU does not make GPU-hours of the other's."""
    suite = make_suite(tmp_path, pairs=2, rows=CLEAR, noise=0.01)
    for name, seed in product(CLEAR, range(3)):
        suite.edit("pair-a", name, seed, "cost.json", gpu_hours=None)
        suite.edit("pair-b", name, seed, "cost.json", device="H200")
    table = document(suite, "costs").tables[0]
    assert table.columns[1].title == "hours"
    assert "hours of GPU time where a GPU trained, of wall time elsewhere, of the" in table.caption
    on_cpu, on_gpu = (section.heading for section in table.sections)
    assert on_cpu.endswith("(hours on cpu)")
    assert on_gpu.endswith("(GPU-hours on H200)")


def test_costs_without_gpu_are_hours_of_wall_time(tmp_path: Path) -> None:
    suite = make_suite(tmp_path, rows=CLEAR)
    for group, name, seed in suite.values:
        suite.edit(group, name, seed, "cost.json", gpu_hours=None)
    table = document(suite, "costs").tables[0]
    assert [c.title for c in table.columns][1] == "hours"
    assert entry(table, "AMD", "hours").text == "0.75"
    assert "hours of wall time" in table.caption


def test_mini_never_stands_beside_coco(tmp_path: Path) -> None:
    suite = make_suite(tmp_path, rows=CLEAR, published={"mgd": MGD, "baseline": BASELINE})
    table = document(suite, "published").tables[0]
    assert entry(table, "MGD", "printed").text == "41.0"
    for title in ("MGD", "AMD", "Student"):
        assert entry(table, title, "AP").text == "–"
        assert entry(table, title, "delta").text == "–"
        assert entry(table, title, "apart").value is not None
    assert entry(table, "MGD", "status").text == "different protocol"
    assert "orders of different protocols" in table.notes[0]


def test_coco_stands_beside_coco(tmp_path: Path) -> None:
    suite = make_suite(
        tmp_path,
        rows={"baseline": 37.4, "mgd": 41.0},
        fidelity="coco",
        published={"mgd": MGD, "baseline": BASELINE},
    )
    for seed in range(3):
        suite.edit("pair-a", "mgd", seed, "metrics.json", AP=41.0 + 0.1 * (seed - 1))
    table = document(suite, "published").tables[0]
    assert entry(table, "MGD", "status").text == "reproduced"
    assert entry(table, "MGD", "delta").text == "0.0"
    assert "apart" not in {column.key for column in table.columns}


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


def test_command_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    suite = make_suite(tmp_path, rows=CLEAR, seeds=(0,), predictions=True)
    places = ["--suite-dir", str(suite.suite_dir), "--runs", str(suite.runs_dir)]
    places += ["--data", str(tmp_path / "data")]
    assert main([*places, "--table", "main"]) == 0
    made = sorted(path.name for path in (suite.suite_dir / "tables").iterdir())
    assert made == ["main.csv", "main.html", "main.md", "main.tex"]
    text = (suite.suite_dir / "tables" / "main.md").read_text()
    assert text.count("nothing about training again") == 1
    head = next(line for line in text.splitlines() if line.startswith("| Method"))
    assert "| AP over images | ΔAP over images |" in head
    with (suite.suite_dir / "tables" / "main.csv").open(newline="") as file:
        mgd = next(line for line in csv.DictReader(file) if line["row"] == "mgd")
    low, high = float(mgd["delta_images_low"]), float(mgd["delta_images_high"])
    assert low < float(mgd["delta"]) < high
    row = next(line for line in text.splitlines() if line.startswith("| [MGD]"))
    half = (float(mgd["AP_images_high"]) - float(mgd["AP_images_low"])) / 2
    assert f"| ± {half:.1f} |" in row
    assert f"{high:+.2f}".replace("-", "−") in row
    assert main([*places, "--table", "mian"]) == 2
    assert "no table 'mian'; it has: main, parts, costs, published" in capsys.readouterr().err
    assert main(places) == 0
    assert len(list((suite.suite_dir / "tables").iterdir())) == 16


def test_tables_of_a_suite_that_has_not_run(tmp_path: Path) -> None:
    suite = make_suite(tmp_path, pairs=2, rows=CLEAR)
    shutil.rmtree(suite.runs_dir)
    assert main(["--suite-dir", str(suite.suite_dir), "--runs", str(suite.runs_dir)]) == 0
    assert "No run has finished yet" in (suite.suite_dir / "tables" / "main.md").read_text()


def test_captions_say_when_an_interval_and_its_p_may_differ(tmp_path: Path) -> None:
    """Four rows, and a difference whose interval leaves out zero but whose corrected p is large."""
    told = "so one can leave out zero where the difference is not resolved"
    main, over = document(make_suite(tmp_path, pairs=2)).tables
    assert told in main.caption
    assert told in over.caption
    assert next(c.title for c in over.columns if c.key == "p") == "p (Holm)"


def test_parts_name_the_comparisons_that_are_corrected_together(tmp_path: Path) -> None:
    rows = {"baseline": 40.0, "baseline-inherit": 42.0, "amd": 43.0, "amd-mask-only": 42.0}
    inheriting = ("baseline-inherit", "amd", "amd-mask-only")
    suite = make_suite(tmp_path, rows=rows, inheriting=inheriting)
    caption = document(suite, "parts").tables[0].caption
    assert "Holm over the rows of the pair that are compared with AMD. " in caption
    assert "inheriting alone" not in caption


def test_a_teacher_is_no_variant(tmp_path: Path) -> None:
    """Its seed is not the student's."""
    rows = {"baseline": 40.0, "amd": 43.0, "amd-mask-only": 42.0}
    suite = make_suite(tmp_path, rows=rows)
    parts = suite.plan["tables"][1]["cells"]
    teacher = {"row": "teacher", "title": "Teacher", "methods": [], "changed": {}, "baseline": []}
    parts.append(parts[0] | teacher | {"runs": [suite.plan["runs"][0]["id"]]})
    suite.save_plan()
    table = document(suite, "parts").tables[0]
    assert entry(table, "Teacher", "AP").text == "50.0"
    assert [entry(table, "Teacher", key).text for key in ("delta_full", "p_full")] == ["–", "–"]


def test_a_row_that_is_not_of_every_pair_lacks_no_run(tmp_path: Path) -> None:
    suite = make_suite(tmp_path, pairs=2, rows=CLEAR, noise=0.05)
    cells = suite.plan["tables"][0]["cells"]
    suite.plan["tables"][0]["cells"] = [
        cell for cell in cells if (cell["group"], cell["row"]) != ("pair-b", "mgd")
    ]
    suite.save_plan()
    (note,) = document(suite).tables[1].notes
    assert note.endswith("; not ranked, because they do not stand in all of these: MGD.")

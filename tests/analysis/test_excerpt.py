"""Figures in a page are those of the table."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from analysis.excerpt import excerpt, main, replaced

ROOT = Path(__file__).parents[2]
COLUMNS = (
    "part,section,title,AP,delta,delta_low,delta_high,delta_images_low,delta_images_high,"
    "own,own_low,own_high,own_images_low,own_images_high,n\n"
)


def table(folder: Path) -> Path:
    path = folder / "main.csv"
    path.write_text(
        COLUMNS
        + "main,a → b,Baseline,24.08,,,,,,,,,,,3\n"
        + "main,a → b,FGD,41.5,17.41,16.9,17.9,,,6.69,-0.21,7.5,,,3\n"
        + "main,a → b,L1,27.4,3.3,,,2.55,4.05,,,,,,1\n"
        + "main,a → b,never run,,,,,,,,,,,,0\n"
        + "main,c → d,Baseline,30.7,,,,,,,,,,,1\n"
        + "across,,FGD,1,,,,,,,,,,,\n"
    )
    return path


def test_one_line_a_row_with_the_interval_that_there_is(tmp_path: Path) -> None:
    lines = excerpt(table(tmp_path)).splitlines()
    assert lines[0] == "**a → b**"
    assert lines[4:] == [
        "| Baseline | 24.1 | – | – | 3 |",
        "| FGD | 41.5 | +17.4 [+16.9, +17.9] | +6.7 [−0.2, +7.5] | 3 |",
        "| L1 | 27.4 | +3.3 [+2.5, +4.0] | – | 1 |",
    ]


def test_nothing_is_no_loss(tmp_path: Path) -> None:
    path = table(tmp_path)
    path.write_text(path.read_text().replace("3.3,,,2.55,4.05", "-0.04,,,-0.9,0.02"))
    assert "| L1 | 27.4 | 0.0 [−0.9, 0.0] | – | 1 |" in excerpt(path)


def test_a_page_is_written_anew_between_its_marks(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    source, page = table(tmp_path), tmp_path / "page.md"
    page.write_text(
        f"before\n<!-- figures from {source} -->\nold\n<!-- end of figures -->\nafter\n"
    )
    assert main(["--table", str(source), "--into", str(page)]) == 0
    text = page.read_text()
    assert text.startswith("before\n") and text.endswith("after\n")  # noqa: PT018
    assert "old" not in text and "FGD" in text  # noqa: PT018
    page.write_text("no marks")
    assert main(["--table", str(source), "--into", str(page)]) == 2
    assert "the page has no" in capsys.readouterr().err


def test_the_readme_shows_what_is_kept() -> None:
    page = (ROOT / "README.md").read_text(encoding="utf-8")
    sources = re.findall(r"<!-- figures from (\S+) -->", page)
    assert sources
    for source in sources:
        told = page.partition(f"<!-- figures from {source} -->")[2]
        told = told.partition("<!-- end of figures -->")[0]
        assert told.strip() == excerpt(ROOT / source).strip()
        assert replaced(page, Path(source)) == page

"""The report under axe-core, the checker that most accessibility audits use. It is not part of this
project: `npm install axe-core` beside the project's Makefile, or its file named in AXE_CORE."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from analysis.report.__main__ import main as make_report
from analysis.tables.__main__ import main as make_tables

from .browser import DESKTOP, PHONE, needs_chromium
from .devtools import Browser, opened
from .factory import MadeSuite
from .figures import made

ROOT = Path(__file__).parents[2]
AXE = Path(os.environ.get("AXE_CORE") or ROOT / "node_modules" / "axe-core" / "axe.min.js")
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]

pytestmark = [
    pytest.mark.browser,
    needs_chromium,
    pytest.mark.skipif(
        not AXE.is_file(), reason="axe-core is not installed (npm install axe-core)"
    ),
]


@pytest.fixture(scope="module")
def suite(tmp_path_factory: pytest.TempPathFactory) -> MadeSuite:
    """Every part that a page may have: warnings, wide and narrow figures, one to be asked, one
    that could not be drawn."""
    found = made.complete_suite(tmp_path_factory.mktemp("axe"), seeds=(0, 1), pairs=2)
    found.edit("pair-a", "amd", 1, status="failed", reason="out of memory")
    made.wish(found, "affinity")
    made.wish(found, "effects")
    made.wish(found, "sweep", field="no_such_field")
    assert made.draw(found) == 0
    places = ["--suite-dir", str(found.suite_dir), "--runs", str(found.runs_dir)]
    assert make_tables([*places, "--table", "main"]) == 0
    assert make_report([*places, "--data", str(found.root / "data")]) == 0
    return found


def violations(page: Path, browser: Browser, width: int, dark: bool = False) -> list[Any]:
    with opened(page, browser, width, dark=dark) as tab:
        tab.ask(AXE.read_text(encoding="utf-8") + ";0")
        tab.ask("document.querySelectorAll('details').forEach(d => { d.open = true; })")
        found: list[Any] = tab.ask(
            f"axe.run(document, {{runOnly: {RULES}, resultTypes: ['violations']}}).then(r => "
            "r.violations.map(v => [v.id, v.help, v.nodes.map(n => n.html.slice(0, 160))]))"
        )
        return found


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("width", [DESKTOP, PHONE])
def test_the_report(suite: MadeSuite, browser: Browser, width: int, dark: bool) -> None:
    assert violations(suite.suite_dir / "report.html", browser, width, dark) == []


def test_a_table_alone(suite: MadeSuite, browser: Browser) -> None:
    assert violations(suite.suite_dir / "tables" / "main.html", browser, DESKTOP) == []


def test_what_is_wrong_is_found(tmp_path: Path, browser: Browser) -> None:
    bad = tmp_path / "bad.html"
    bad.write_text("<!DOCTYPE html><title>Bad</title><main><img src='data:,'><input></main>")
    found = {entry[0] for entry in violations(bad, browser, DESKTOP)}
    assert {"html-has-lang", "image-alt", "label"} <= found

"""Sorting in a real browser: a press on a heading orders every section, a second one turns it."""

from __future__ import annotations

from pathlib import Path

import pytest

from analysis.tables.__main__ import main

from ..browser import needs_chromium
from ..devtools import Browser, opened
from ..factory import make_suite

pytestmark = [pytest.mark.browser, needs_chromium]

TITLES = (
    "[...document.querySelectorAll('#table-main tbody')].map(body => "
    "[...body.querySelectorAll('th[scope=row]')].map(th => th.firstChild.textContent))"
)


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    rows = {"baseline": 40.0, "mgd": 41.5, "amd": 43.0, "fgd": 39.0}
    suite = make_suite(tmp_path_factory.mktemp("table"), pairs=2, rows=rows, noise=0.01)
    for group in ("pair-a", "pair-b"):
        for seed in range(3):  # a row without a number stays last in either order
            suite.edit(group, "fgd", seed, status="failed", reason="out of memory")
    places = ["--suite-dir", str(suite.suite_dir), "--runs", str(suite.runs_dir)]
    assert main([*places, "--table", "main"]) == 0
    return suite.suite_dir / "tables" / "main.html"


@pytest.mark.parametrize(
    ("presses", "expected"),
    [
        (0, ["Student", "MGD", "AMD", "FGD"]),
        (1, ["AMD", "MGD", "Student", "FGD"]),
        (2, ["Student", "MGD", "AMD", "FGD"]),
    ],
)
def test_sorting_by_ap(page: Path, browser: Browser, presses: int, expected: list[str]) -> None:
    with opened(page, browser) as tab:
        for _ in range(presses):
            tab.ask("document.querySelectorAll('#table-main thead button')[1].click()")
        assert tab.ask(TITLES) == [expected, expected]

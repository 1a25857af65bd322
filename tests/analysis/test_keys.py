"""Tables are sorted by real keys: Tab to a heading, Enter or Space to press it."""

from __future__ import annotations

from pathlib import Path

import pytest

from analysis.report.__main__ import main

from .browser import needs_chromium
from .devtools import Browser, Tab, opened
from .factory import make_suite

pytestmark = [pytest.mark.browser, needs_chromium]

HEADINGS = "#table-main thead button"
FIRST = "document.querySelector('#table-main tbody th[scope=row]').firstChild.textContent"


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    rows = {"baseline": 40.0, "mgd": 41.5, "amd": 43.0, "fgd": 39.0}
    suite = make_suite(tmp_path_factory.mktemp("keys"), rows=rows, noise=0.05)
    places = ["--suite-dir", str(suite.suite_dir), "--runs", str(suite.runs_dir)]
    assert main([*places, "--data", str(suite.root / "data")]) == 0
    return suite.suite_dir / "report.html"


def sort(tab: Tab, column: int) -> str | None:
    found = f"document.querySelectorAll('#table-main thead th')[{column}]"
    order: str | None = tab.ask(f"{found}.getAttribute('aria-sort')")
    return order


@pytest.mark.parametrize("key", ["Enter", " "])
def test_a_key_on_a_heading_sorts_and_says_so(page: Path, browser: Browser, key: str) -> None:
    with opened(page, browser) as tab:
        assert tab.ask(FIRST) == "Student"
        tab.focus(HEADINGS, 1)
        tab.press(key)
        assert (sort(tab, 1), tab.ask(FIRST)) == ("descending", "AMD")
        tab.press(key)
        assert (sort(tab, 1), tab.ask(FIRST)) == ("ascending", "FGD")
        tab.press("Tab")
        assert tab.ask(f"document.activeElement === document.querySelectorAll('{HEADINGS}')[2]")
        tab.press(key)
        assert (sort(tab, 1), sort(tab, 2)) == (None, "descending")
        assert tab.trouble == []


def test_tab_alone_reaches_the_first_heading(page: Path, browser: Browser) -> None:
    """Nothing before it catches the focus, and it can be seen where the focus is."""
    with opened(page, browser) as tab:
        for _ in range(60):
            tab.press("Tab")
            if tab.ask(f"document.activeElement.matches('{HEADINGS}')"):
                break
        assert tab.ask(f"document.activeElement === document.querySelectorAll('{HEADINGS}')[0]")
        assert tab.ask("getComputedStyle(document.activeElement).outlineStyle") == "solid"


def test_other_keys_do_not_sort(page: Path, browser: Browser) -> None:
    with opened(page, browser) as tab:
        tab.focus(HEADINGS, 1)
        tab.press("ArrowDown")
        assert (sort(tab, 1), tab.ask(FIRST)) == (None, "Student")

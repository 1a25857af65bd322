"""The report in a real browser: it sorts, shows every image, errs nowhere, fits a phone, and can be
used without a mouse or good eyes."""

from __future__ import annotations

import base64
from pathlib import Path

import pytest

from analysis.report.__main__ import main

from .browser import DESKTOP, PHONE, needs_chromium
from .devtools import Browser, opened
from .drawn import draw
from .factory import make_suite

pytestmark = [pytest.mark.browser, needs_chromium]

ACCESSIBILITY = (Path(__file__).parent / "accessibility.js").read_text(encoding="utf-8")
UNFOLD = "document.querySelectorAll('details').forEach(d => { d.open = true; })"
TITLES = "[...document.querySelectorAll('#table-main tbody')].map(body =>"
TITLES += " [...body.querySelectorAll('th[scope=row]')].map(th => th.firstChild.textContent))"


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two pairs, a failed row, a wide and a tall figure, and one that could not be drawn."""
    rows = {"baseline": 40.0, "mgd": 41.5, "amd": 43.0, "fgd": 39.0}
    suite = make_suite(tmp_path_factory.mktemp("report"), pairs=2, rows=rows, noise=0.05)
    suite.edit("pair-a", "fgd", 0, status="failed", reason="out of memory")
    draw(suite, {"atlas": (900, 300), "curves": (300, 400), "errors": None})
    places = ["--suite-dir", str(suite.suite_dir), "--runs", str(suite.runs_dir)]
    assert main([*places, "--data", str(suite.root / "data")]) == 0
    return suite.suite_dir / "report.html"


def test_nothing_is_wrong_or_missing(page: Path, browser: Browser) -> None:
    images = "[...document.images].map(i => [i.complete, i.naturalWidth, i.naturalHeight])"
    with opened(page, browser) as tab:
        assert tab.ask(images) == [[True, 900, 300], [True, 300, 400]]
        assert tab.trouble == []


@pytest.mark.parametrize(
    "slip", ["console.error('broken')", "nothing.is.there", "document.images[0].src = 'gone.png'"]
)
def test_trouble_is_heard(page: Path, tmp_path: Path, browser: Browser, slip: str) -> None:
    """Else the silence above would prove nothing."""
    wrong = tmp_path / "wrong.html"
    wrong.write_text(page.read_text("utf-8").replace("</body>", f"<script>{slip}</script></body>"))
    with opened(wrong, browser) as tab:
        assert len(tab.trouble) == 1


@pytest.mark.parametrize(
    ("presses", "sort", "first"), [(1, "descending", "AMD"), (2, "ascending", "FGD")]
)
def test_sorting_tells_the_screen_reader(
    page: Path, browser: Browser, presses: int, sort: str, first: str
) -> None:
    """By focus and activation, as the keyboard does it."""
    script = (
        "const button = document.querySelectorAll('#table-main thead button')[1];"
        "button.focus(); const focused = document.activeElement === button;"
        f"for (let i = 0; i < {presses}; i++) document.activeElement.click();"
        f"return [focused, button.closest('th').getAttribute('aria-sort'), {TITLES}]"
    )
    with opened(page, browser) as tab:
        focused, told, titles = tab.ask(f"(() => {{ {script} }})()")
    assert focused
    assert told == sort
    assert [section[0] for section in titles] == [first, first]


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("width", [DESKTOP, PHONE])
def test_accessible(page: Path, browser: Browser, width: int, dark: bool) -> None:
    with opened(page, browser, width, dark=dark) as tab:
        assert tab.ask("matchMedia('(prefers-color-scheme: dark)').matches") == dark
        tab.ask(UNFOLD)
        assert tab.ask(f"(() => {{ {ACCESSIBILITY} }})()") == []


def test_the_check_finds_what_is_wrong(tmp_path: Path, browser: Browser) -> None:
    bad = tmp_path / "bad.html"
    bad.write_text(
        "<!DOCTYPE html><html><head><title>Bad</title></head><body><main><h1>A</h1><h3>B</h3>"
        "<img src='data:,'><p style='color:#aaa;background:#fff'>pale</p><a href='#none'>x</a>"
        "<table><caption>T</caption><tbody><tr><td>1</td></tr></tbody></table></main></body></html>"
    )
    with opened(bad, browser) as tab:
        problems = " ".join(tab.ask(f"(() => {{ {ACCESSIBILITY} }})()"))
    for told in ("no language", "leaves out", "alternative", "contrast 2.32", "nowhere", "row w"):
        assert told in problems


def test_a_phone_scrolls_down_only(page: Path, browser: Browser) -> None:
    """Wide tables and figures scroll in themselves; the text stays as wide as the screen."""
    with opened(page, browser, PHONE) as tab:
        tab.ask(UNFOLD)
        assert tab.ask("innerWidth") == PHONE
        assert tab.ask("document.documentElement.scrollWidth") <= PHONE


def test_prints(page: Path, browser: Browser) -> None:
    with opened(page, browser) as tab:
        content = base64.b64decode(tab.call("Page.printToPDF")["data"])
    assert content.startswith(b"%PDF")
    assert 2 <= content.count(b"/Type /Page\n") + content.count(b"/Type /Page/") <= 12

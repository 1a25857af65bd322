"""The report in a real browser: it sorts, shows every image, errs nowhere, fits a phone, and can be
used without a mouse or good eyes."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from analysis.report.__main__ import main

from .browser import CHROMIUM, DARK, DESKTOP, PHONE, look, needs_chromium
from .drawn import draw
from .factory import make_suite

pytestmark = [pytest.mark.browser, needs_chromium]

ACCESSIBILITY = (Path(__file__).parent / "accessibility.js").read_text(encoding="utf-8")
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


def test_nothing_is_wrong_or_missing(page: Path, tmp_path: Path) -> None:
    script = "return [...document.images].map(i => [i.complete, i.naturalWidth, i.naturalHeight])"
    seen = look(page, script, tmp_path)
    assert seen.answer == [[True, 900, 300], [True, 300, 400]]
    assert seen.console == []


def test_the_console_is_heard(page: Path, tmp_path: Path) -> None:
    """Else the silence above would prove nothing."""
    assert look(page, "console.error('broken'); return 1", tmp_path).console


@pytest.mark.parametrize(
    ("presses", "sort", "first"), [(1, "descending", "AMD"), (2, "ascending", "FGD")]
)
def test_sorting_tells_the_screen_reader(
    page: Path, tmp_path: Path, presses: int, sort: str, first: str
) -> None:
    """By focus and activation, as the keyboard does it."""
    script = (
        "const button = document.querySelectorAll('#table-main thead button')[1];"
        "button.focus(); const focused = document.activeElement === button;"
        f"for (let i = 0; i < {presses}; i++) document.activeElement.click();"
        f"return [focused, button.closest('th').getAttribute('aria-sort'), {TITLES}]"
    )
    focused, told, titles = look(page, script, tmp_path).answer
    assert focused
    assert told == sort
    assert [section[0] for section in titles] == [first, first]


@pytest.mark.parametrize("flags", [(), (DARK,)], ids=["light", "dark"])
@pytest.mark.parametrize("width", [DESKTOP, PHONE])
def test_accessible(page: Path, tmp_path: Path, width: int, flags: tuple[str, ...]) -> None:
    dark = "const dark = matchMedia('(prefers-color-scheme: dark)').matches;"
    opened = "document.querySelectorAll('details').forEach(d => d.open = true);"
    script = f"{dark}{opened} return [dark, (() => {{ {ACCESSIBILITY} }})()]"
    is_dark, problems = look(page, script, tmp_path, width, *flags).answer
    assert is_dark == bool(flags)
    assert problems == []


def test_the_check_finds_what_is_wrong(tmp_path: Path) -> None:
    bad = tmp_path / "bad.html"
    bad.write_text(
        "<!DOCTYPE html><html><head><title>Bad</title></head><body><main><h1>A</h1><h3>B</h3>"
        "<img src='data:,'><p style='color:#aaa;background:#fff'>pale</p><a href='#none'>x</a>"
        "<table><caption>T</caption><tbody><tr><td>1</td></tr></tbody></table></main></body></html>"
    )
    problems = " ".join(look(bad, ACCESSIBILITY, tmp_path).answer)
    for told in ("no language", "leaves out", "alternative", "contrast 2.32", "nowhere", "row w"):
        assert told in problems


def test_a_phone_scrolls_down_only(page: Path, tmp_path: Path) -> None:
    """Wide tables and figures scroll in themselves; the text stays as wide as the screen."""
    opened = "document.querySelectorAll('details').forEach(d => d.open = true);"
    script = f"{opened} return [innerWidth, document.documentElement.scrollWidth]"
    screen, needed = look(page, script, tmp_path, PHONE).answer
    assert screen == PHONE
    assert needed <= PHONE


def test_prints(page: Path, tmp_path: Path) -> None:
    target = tmp_path / "report.pdf"
    flags = ["--headless", "--no-sandbox", "--disable-gpu", f"--user-data-dir={tmp_path / 'p'}"]
    done = subprocess.run(
        [str(CHROMIUM), *flags, f"--print-to-pdf={target}", page.as_uri()],
        capture_output=True,
        timeout=240,
    )
    assert done.returncode == 0
    content = target.read_bytes()
    assert content.startswith(b"%PDF")
    assert 2 <= content.count(b"/Type /Page\n") + content.count(b"/Type /Page/") <= 12

"""Sorting in a real browser: a press on a heading orders every section, a second one turns it."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

from analysis.tables.__main__ import main

from ..browser import CHROMIUM, needs_chromium
from ..factory import make_suite

pytestmark = [pytest.mark.browser, needs_chromium]


def titles_after(page: Path, script: str, folder: Path) -> list[list[str]]:
    """The rows' names, section by section, after the script has run on the page."""
    pressed = folder / "pressed.html"
    pressed.write_text(page.read_text().replace("</body>", f"<script>{script}</script></body>"))
    flags = ["--headless", "--no-sandbox", "--disable-gpu", f"--user-data-dir={folder / 'profile'}"]
    done = subprocess.run(
        [str(CHROMIUM), *flags, "--dump-dom", pressed.as_uri()],
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    bodies = re.findall(r"<tbody>(.*?)</tbody>", done.stdout, re.S)
    assert bodies, done.stderr
    return [re.findall(r'<th scope="row"[^>]*>(?:<a[^>]*>)?([^<]*)', body) for body in bodies]


@pytest.mark.parametrize(
    ("presses", "expected"),
    [
        (0, ["Student", "MGD", "AMD", "FGD"]),
        (1, ["AMD", "MGD", "Student", "FGD"]),
        (2, ["Student", "MGD", "AMD", "FGD"]),
    ],
)
def test_sorting_by_ap(tmp_path: Path, presses: int, expected: list[str]) -> None:
    rows = {"baseline": 40.0, "mgd": 41.5, "amd": 43.0, "fgd": 39.0}
    suite = make_suite(tmp_path, pairs=2, rows=rows, noise=0.01)
    for group in ("pair-a", "pair-b"):
        for seed in range(3):  # a row without a number stays last in either order
            suite.edit(group, "fgd", seed, status="failed", reason="out of memory")
    places = ["--suite-dir", str(suite.suite_dir), "--runs", str(suite.runs_dir)]
    assert main([*places, "--table", "main"]) == 0
    press = 'document.querySelectorAll("#table-main thead button")[1].click();' * presses
    page = suite.suite_dir / "tables" / "main.html"
    found = titles_after(page, press, tmp_path)
    assert found[:2] == [expected, expected]

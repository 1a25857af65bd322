"""A reader asks a cell of the page's image, by mouse and by keyboard, and is told the truth."""

from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np
import pytest

from analysis.figures.attention import read_attention
from analysis.figures.relation import correlation, relations
from analysis.report.__main__ import main

from .browser import PHONE, needs_chromium
from .devtools import Browser, Tab, opened
from .factory import MadeSuite
from .figures import made

pytestmark = [pytest.mark.browser, needs_chromium]

ACCESSIBILITY = (Path(__file__).parent / "accessibility.js").read_text(encoding="utf-8")
TOLD = "document.querySelector('.explorer-told').textContent"


@pytest.fixture(scope="module")
def suite(tmp_path_factory: pytest.TempPathFactory) -> MadeSuite:
    found = made.complete_suite(tmp_path_factory.mktemp("explorer"), seeds=(0,))
    made.drawn(found, "affinity")
    places = ["--suite-dir", str(found.suite_dir), "--runs", str(found.runs_dir)]
    assert main([*places, "--data", str(found.root / "data")]) == 0
    return found


def expected(suite: MadeSuite, level: int, row: int, column: int) -> str:
    own = read_attention(next(suite.runs_dir.glob("*/*/fkd/*")))
    assert own is not None
    pair = dict(relations(own, "fkd", own.scenes[0]))[level]
    maps = [one.affinity(row, column) for one in pair]
    rows, columns = maps[0].shape
    told = []
    for name, values in zip(("teacher", "student"), maps, strict=True):
        at = np.unravel_index(values.argmax(), values.shape)
        told.append(
            f"the {name}'s is highest at column {at[1] + 1}, row {at[0] + 1} "
            f"({signed(values.max(), 1)}) and {signed(values[row, column], 1)} to itself"
        )
    return (
        f"P{level + 3}, column {column + 1} of {columns}, row {row + 1} of {rows}: "
        f"{'; '.join(told)}. The two maps correlate by {signed(correlation(*maps), 2)}."
    )


def signed(value: float | None, digits: int) -> str:
    assert value is not None
    return f"{value:.{digits}f}".replace("-", "−")


def agrees(found: str, wanted: str) -> bool:
    """In all words, and in numbers to what signed bytes can hold."""
    pieces = [
        text.replace("−", "-").replace("(", " ").replace(")", " ") for text in (found, wanted)
    ]
    words = [piece.rstrip(".").split() for piece in pieces]
    if len(words[0]) != len(words[1]):
        return False
    return all(same(a.strip(",;:"), b.strip(",;:")) for a, b in zip(*words, strict=True))


def same(one: str, other: str) -> bool:
    try:
        return abs(float(one) - float(other)) <= (0.11 if "." in one else 0)
    except ValueError:
        return one == other


def test_pressing_on_a_picture_asks_that_cell(suite: MadeSuite, browser: Browser) -> None:
    with opened(suite.suite_dir / "report.html", browser) as tab:
        assert agrees(tab.ask(TOLD), expected(suite, 0, 5, 5)), "the middle of the largest box"
        for view in (".explorer-view", ".explorer-map"):
            tab.click(view, across=(13 + 0.5) / 20, down=(2 + 0.5) / 16)
            assert agrees(tab.ask(TOLD), expected(suite, 0, 2, 13))
            tab.click(view, across=0.01, down=0.99)
            assert agrees(tab.ask(TOLD), expected(suite, 0, 15, 0))
        assert tab.trouble == []


def test_the_keyboard_reaches_every_cell_and_level(suite: MadeSuite, browser: Browser) -> None:
    with opened(suite.suite_dir / "report.html", browser) as tab:
        tab.focus(".explorer-across")
        for _ in range(3):
            tab.press("ArrowRight")
        tab.focus(".explorer-down")
        tab.press("ArrowRight")
        assert agrees(tab.ask(TOLD), expected(suite, 0, 6, 8))
        spoken = "document.querySelector('.explorer-across').getAttribute('aria-valuetext')"
        assert tab.ask(spoken) == "9 of 20"
        tab.focus(".explorer-level")
        tab.press("ArrowDown")
        assert agrees(tab.ask(TOLD), expected(suite, 1, 3, 4)), "the same place, a level on"
        assert tab.trouble == []


def test_the_maps_show_what_is_told(suite: MadeSuite, browser: Browser) -> None:
    """The highest cell has the colour of the scale's end, in both maps."""
    content = json.loads((suite.suite_dir / "figures" / "affinity.json").read_text())
    with opened(suite.suite_dir / "report.html", browser) as tab:
        pixels = tab.ask(
            "[...document.querySelectorAll('.explorer canvas')].map(c => [c.width, c.height, "
            "[...c.getContext('2d').getImageData(0, 0, c.width, c.height).data]])"
        )
        own = read_attention(next(suite.runs_dir.glob("*/*/fkd/*")))
        assert own is not None
        pair = dict(relations(own, "fkd", own.scenes[0]))[0]
        shades = np.array([[int(c[i : i + 2], 16) for i in (1, 3, 5)] for c in content["colours"]])
        for (width, height, data), relation in zip(pixels, pair, strict=True):
            shown = np.array(data).reshape(height, width, 4)[..., :3]
            places = np.clip(relation.affinity(5, 5) / content["top"], -1, 1) / 2 + 0.5
            at = places * (len(shades) - 1)
            wanted = np.stack(
                [np.interp(at, np.arange(len(shades)), shades[:, k]) for k in range(3)], axis=-1
            )
            assert np.abs(shown - wanted).max() < 8


def test_it_is_accessible_and_fits_a_phone(suite: MadeSuite, browser: Browser) -> None:
    with opened(suite.suite_dir / "report.html", browser, PHONE) as tab:
        assert tab.ask(f"(() => {{ {ACCESSIBILITY} }})()") == []
        assert tab.ask("document.documentElement.scrollWidth") <= PHONE
        for control in ("select", "input"):
            named = f"[...document.querySelectorAll('.explorer {control}')]"
            assert tab.ask(f"{named}.every(e => e.labels.length === 1)")


def test_without_a_script_it_is_not_there(
    suite: MadeSuite, tmp_path: Path, browser: Browser
) -> None:
    text = (suite.suite_dir / "report.html").read_text(encoding="utf-8")
    silent = tmp_path / "silent.html"
    silent.write_text(text.replace("<script>\n", "<script type='text/none'>\n"), encoding="utf-8")
    with opened(silent, browser) as tab:
        assert tab.ask("getComputedStyle(document.querySelector('.explorer')).display") == "none"


def place_of_focus(tab: Tab) -> str:
    found: str = tab.ask("document.activeElement.className")
    return found


def test_tab_walks_through_the_controls(suite: MadeSuite, browser: Browser) -> None:
    with opened(suite.suite_dir / "report.html", browser) as tab:
        tab.focus(".explorer-level")
        tab.press("Tab")
        assert place_of_focus(tab) == "explorer-across"
        tab.press("Tab")
        assert place_of_focus(tab) == "explorer-down"


def test_nothing_is_below_zero_by_rounding(suite: MadeSuite, browser: Browser) -> None:
    with opened(suite.suite_dir / "report.html", browser) as tab:
        for column in range(20):
            tab.click(".explorer-view", across=(column + 0.5) / 20, down=0.5)
            assert not re.search(r"−0\.0+(?!\d)", tab.ask(TOLD))

"""Titles are words, whatever signs are in them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from matplotlib.text import Text

from analysis.figures.style import applied, new_figure, plain_powers

from . import made

ODD = r"From $5 \nowhere to $6, 10 % & {a_b}^2 \end <i>#1</i>"


@pytest.mark.parametrize("kind", ["effects", "curves", "cost", "errors"])
def test_no_title_is_a_formula(tmp_path: Path, kind: str) -> None:
    suite = made.complete_suite(tmp_path)
    made.wish(suite, kind)
    suite.plan["figures"][0]["title"] = ODD
    for pair in suite.plan["pairs"].values():
        pair["title"] = ODD
    for method in suite.plan["methods"].values():
        method["title"] = ODD
    for table in suite.plan["tables"]:
        for cell in table["cells"]:
            cell["title"] = ODD
    suite.save_plan()
    assert made.draw(suite, "--figure", kind) == 0
    assert {entry.note for entry in made.entries(suite)} == {""}


@pytest.mark.parametrize(("low", "high", "told"), [(1e-3, 9.0, "0.01"), (2.0, 7.0, "4")])
def test_powers_are_told_without_formulas(low: float, high: float, told: str) -> None:
    with applied():
        figure = new_figure()
        axes = figure.subplots()
        axes.plot(np.geomspace(low, high, 5))
        axes.set_yscale("log")
        plain_powers(axes.yaxis)
        figure.draw_without_rendering()
        words = [text.get_text() for text in axes.yaxis.findobj(Text)]
    assert told in words
    assert not any("$" in word for word in words)

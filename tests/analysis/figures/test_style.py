"""What every figure is drawn in: seaborn's white grid, whatever a user's own settings are."""

from __future__ import annotations

import matplotlib
import seaborn

from analysis.figures.style import SETTINGS, applied

UNUSED = {"axes.prop_cycle", "image.cmap", "font.sans-serif"}
"""Every line, map and letter here has a colour, a scale and a font of its own."""


def test_the_style_is_seaborns_white_grid_at_a_papers_size() -> None:
    with matplotlib.rc_context():
        seaborn.set_theme(context="paper", style="whitegrid", rc=SETTINGS)
        theirs = {key: value for key, value in matplotlib.rcParams.items() if key not in UNUSED}
    with applied():
        ours = {key: value for key, value in matplotlib.rcParams.items() if key not in UNUSED}
    assert ours == theirs


def test_a_users_own_settings_reach_no_figure_and_are_left_as_they_were() -> None:
    with matplotlib.rc_context({"axes.facecolor": "black", "lines.linewidth": 9.0}):
        with applied():
            assert matplotlib.rcParams["axes.facecolor"] == "white"
            assert matplotlib.rcParams["lines.linewidth"] < 9.0
        assert matplotlib.rcParams["axes.facecolor"] == "black"
        assert matplotlib.rcParams["axes.grid"] is False

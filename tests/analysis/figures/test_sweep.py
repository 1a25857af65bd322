"""Which rows a sweep joins, and what it says where it can join none."""

from __future__ import annotations

from pathlib import Path

import pytest
from matplotlib.colors import to_hex

from analysis.figures import sweep
from analysis.figures.style import METHOD_COLOURS
from analysis.figures.wanted import Picture, Wanted
from analysis.plan import read_plan
from analysis.records import read_records
from analysis.statistics.images import ImageUncertainty
from tests.analysis.factory import MadeSuite
from workflow.suite import SuiteError, load

from ..factory import make_suite
from . import made

TWO_METHODS = {
    "baseline": 40.0,
    "mgd": 42.0,
    "amd": 42.5,
    "mgd-a": 41.0,
    "fgd-a": 41.2,
    "mgd-b": 41.4,
    "fgd-b": 41.6,
}


def page_of(suite: MadeSuite, **options: object) -> Picture:
    """Before it is a file, so that its lines can be asked."""
    made.wish(suite, "sweep", "parts", **options)
    records = read_records(read_plan(suite.suite_dir), suite.runs_dir)
    (figure,) = records.plan.figures
    images = ImageUncertainty(suite.root / "data", suite.root / "cache")
    (page,) = sweep.draw(Wanted(figure, records, images))
    return page


def two_methods(root: Path, low: object = 0.2, high: object = 5.0) -> MadeSuite:
    suite = make_suite(root, rows=TWO_METHODS, seeds=(0,))
    for row in ("mgd", "fgd"):
        made.change_plan(suite, f"{row}-a", weight=low)
        made.change_plan(suite, f"{row}-b", weight=high)
    return suite


def lines_of(page: Picture) -> dict[str, tuple[str, list[float]]]:
    """Label -> colour and places, of the lines through points."""
    (axes,) = page.figure.axes
    return {
        str(line.get_label()): (
            to_hex(line.get_color()).upper(),
            list(map(float, line.get_xdata())),
        )
        for line in axes.get_lines()
        if line.get_marker() not in ("None", "", None)
    }


@pytest.mark.parametrize("options", [{}, {"field": "theta"}, {"own": 1.0}])
def test_rows_that_each_change_two_settings_are_no_sweep(
    tmp_path: Path, options: dict[str, object]
) -> None:
    suite = make_suite(tmp_path, rows=made.SWEEP, seeds=(0,))
    made.change_plan(suite, "amd-theta-0.5", theta=0.5, tau=0.3)
    made.change_plan(suite, "amd-theta-1.5", theta=1.5, tau=0.7)
    (page,) = made.drawn(suite, "sweep", "parts", **options)
    assert page.files == {}
    assert "changes 'theta' alone (amd-theta-0.5 changes 'tau' too)" in page.note


def test_the_setting_that_rows_change_alone_is_swept(tmp_path: Path) -> None:
    suite = make_suite(tmp_path, rows={**made.SWEEP, "amd-tau": 41.8}, seeds=(0,))
    made.change_plan(suite, "amd-theta-0.5", theta=0.5, gate=False)
    made.change_plan(suite, "amd-theta-1.5", theta=1.5, gate=False)
    made.change_plan(suite, "amd-tau", tau=0.3)
    (page,) = made.drawn(suite, "sweep", "parts")
    assert page.alt.startswith(f"AP by tau. 0.3: {suite.value('pair-a', 'amd-tau', 0):.1f}; ")


def test_every_method_has_a_line_of_its_own(tmp_path: Path) -> None:
    suite = two_methods(tmp_path)
    page = page_of(suite)
    assert lines_of(page) == {
        "MGD": (METHOD_COLOURS["mgd"], [0.2, 5.0]),
        "FGD": (METHOD_COLOURS["fgd"], [0.2, 5.0]),
    }
    (legend,) = page.figure.legends
    told = [text.get_text() for text in legend.get_texts()]
    assert told == ["MGD", "FGD", "MGD as it is", "AMD as it is", "baseline"]
    value = {row: f"{suite.value('pair-a', row, 0):.1f}" for row in TWO_METHODS}
    assert f"MGD 0.2: {value['mgd-a']}, 5.0: {value['mgd-b']}; FGD 0.2: " in page.alt
    assert "a line for each method" in page.caption


def test_own_is_the_place_of_the_methods_that_are_swept(tmp_path: Path) -> None:
    page = page_of(two_methods(tmp_path), own=1.0)
    assert lines_of(page) == {
        "MGD": (METHOD_COLOURS["mgd"], [0.2, 1.0, 5.0]),
        "FGD": (METHOD_COLOURS["fgd"], [0.2, 5.0]),
    }
    assert "AMD as it is" in page.alt
    assert "MGD as it is" not in page.alt


def test_methods_share_the_places_of_words(tmp_path: Path) -> None:
    page = page_of(two_methods(tmp_path, "sum", "mean"))
    assert [places for _, places in lines_of(page).values()] == [[0.0, 1.0], [0.0, 1.0]]
    (axes,) = page.figure.axes
    assert [text.get_text() for text in axes.get_xticklabels()] == ["mean", "sum"]


def test_one_method_needs_no_name_in_the_legend(tmp_path: Path) -> None:
    suite = make_suite(tmp_path, rows=made.SWEEP, seeds=(0, 1))
    made.change_plan(suite, "amd-theta-0.5", theta=0.5)
    made.change_plan(suite, "amd-theta-1.5", theta=1.5)
    page = page_of(suite)
    (legend,) = page.figure.legends
    assert [text.get_text() for text in legend.get_texts()] == ["AMD as it is", "baseline"]
    assert list(page.figure.get_size_inches()) == [sweep.WIDTH, sweep.HEIGHT]


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ("{}", "figures.f: no row of this figure changes one setting alone"),
        ("{field: theta}", "figures.f.options.field: no row of this figure changes 'theta' alone"),
    ],
)
def test_a_sweep_of_no_row_is_told_before_anything_is_trained(
    tmp_path: Path, options: str, told: str
) -> None:
    path = tmp_path / "own.yaml"
    path.write_text(
        "title: Own\ndata: digits\nseeds: [0]\npairs: [mini-retinanet-r34-r18]\n"
        "rows: [baseline, {row: amd, grid: {theta: [0.5, 1.5], tau: [0.3, 0.7]}}]\n"
        f"tables: {{t: {{}}}}\nfigures:\n  f: {{kind: sweep, table: t, options: {options}}}\n"
    )
    with pytest.raises(SuiteError) as caught:
        load(path)
    (problem,) = map(str, caught.value.problems)
    assert told in problem
    assert "changes 'tau' and 'theta'" in problem

"""The rule by which a factor is taken out of those that were tried."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from matplotlib.lines import Line2D

from analysis import factors
from analysis.errors import AnalysisError
from analysis.factors import Search, searches
from analysis.figures.factors import draw
from analysis.tables.factors import page, shortcuts

PAIR = "pair-a"


def records(folder: Path, *lines: tuple[str, str, str, object]) -> Path:
    """Lines of group, row, seed, AP."""
    folder.mkdir(parents=True)
    told = [",".join(("student", *map(str, line))) for line in lines]
    text = "\n".join(["kind,group,row,seed,AP", *told])
    (folder / "records.csv").write_text(text + "\n", encoding="utf-8")
    return folder


def search(**tried: float) -> Search:
    spelt = {float(factor.strip("x").replace("_", ".")): found for factor, found in tried.items()}
    return Search(PAIR, "mgd", dict(sorted(spelt.items())))


@pytest.mark.parametrize(
    ("tried", "taken", "goes_on"),
    [
        ({"x0_2": 20.0, "x1": 23.0, "x5": 21.0}, 1, None),
        # Within half a point of the best, the nearest to 1 on either side.
        ({"x0_2": 23.0, "x1": 22.6, "x5": 21.0}, 1, None),
        ({"x5": 20.0, "x25": 23.6, "x125": 24.5, "x625": 24.9}, 125, None),
        ({"x0_04": 24.9, "x0_2": 24.5, "x1": 23.0}, 0.2, None),
        ({"x0_2": 24.0, "x1": 20.0, "x5": 24.2}, 5, 25),
        # An end that is best by more than the margin.
        ({"x0_2": 28.7, "x1": 23.8, "x5": 22.0}, 0.2, 0.04),
        ({"x0_2": 15.1, "x1": 19.2, "x5": 20.3}, 5, 25),
        ({"x1": 20.0}, 1, 5),
    ],
)
def test_the_rule(tried: dict[str, float], taken: float, goes_on: float | None) -> None:
    found = search(**tried)
    assert found.taken == taken
    assert found.goes_on == (None if goes_on is None else pytest.approx(goes_on))


def test_two_as_near_to_one_are_told_apart_by_their_figures() -> None:
    assert search(x0_2=20.0, x1=10.0, x5=20.3).taken == 5
    assert search(x0_2=20.3, x1=10.0, x5=20.0).taken == 0.2


def test_a_further_pair_starts_at_what_the_first_took(tmp_path: Path) -> None:
    figures = {
        (PAIR, "mgd"): {"0.2": 30.0, "1": 20.0, "5": 10.0},
        ("pair-b", "mgd"): {"0.04": 20.0, "0.2": 22.0, "1": 22.1, "5": 21.0},
        ("pair-b", "fgd"): {"0.2": 22.0, "1": 22.0},
    }
    lines = [
        (group, f"{row}-weight={factor}", "100", figure)
        for (group, row), tried in figures.items()
        for factor, figure in tried.items()
    ]
    first, second, alone = searches([records(tmp_path / "suite", *lines)])
    assert (first.start, first.taken) == (1.0, 0.2)
    assert (second.start, second.taken) == (0.2, 0.2)
    assert (alone.row, alone.start, alone.taken) == ("fgd", 1.0, 1.0)


def test_a_grid_over_more_is_a_search_for_each_of_the_others(tmp_path: Path) -> None:
    lines = [
        ("pair-a", f"mgd-weight={weight}-tau={tau}", "0", ap)
        for weight, tau, ap in (("0.2", "0.3", 20), ("1e-3", "0.3", 21), ("0.2", "0.9", 22))
    ]
    found = {search.row: search.tried for search in searches([records(tmp_path / "a", *lines)])}
    assert found == {"mgd-tau=0.3": {0.001: 21, 0.2: 20}, "mgd-tau=0.9": {0.2: 22}}
    (over,) = searches([tmp_path / "a"], "tau")[:1]
    assert over.row == "mgd-weight=0.2"


def test_later_folders_count_and_seeds_are_averaged(tmp_path: Path) -> None:
    first = records(
        tmp_path / "first",
        (PAIR, "baseline", "100", 10),
        (PAIR, "mgd-weight=0.2", "100", 30),
        (PAIR, "mgd-weight=1", "100", 20),
        (PAIR, "mgd-weight=5", "100", ""),
    )
    second = records(
        tmp_path / "second",
        (PAIR, "mgd-weight=0.2", "100", 21),
        (PAIR, "mgd-weight=0.2", "101", 22),
        ("pair-b", "mgd-weight=1", "100", 5),
    )
    one, other = searches([first, second])
    assert (one.group, one.row, one.tried) == (PAIR, "mgd", {0.2: 21.5, 1.0: 20.0})
    assert (other.group, other.tried) == ("pair-b", {1.0: 5.0})


def test_the_page_and_the_end_of_the_program(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = records(
        tmp_path / "suite",
        (PAIR, "mgd-weight=0.2", "100", 28.74),
        (PAIR, "mgd-weight=1", "100", 23.8),
        (PAIR, "fgd-weight=1", "100", 33.0),
        (PAIR, "fgd-weight=5", "100", 33.2),
    )
    told = tmp_path / "page.md"
    told.write_text(
        "before\n<!-- factors that were tried -->\nold\n<!-- end of figures -->\nafter\n"
    )
    assert factors.main(["--results", str(folder), "--into", str(told)]) == 1
    assert "pair-a: mgd goes on with 0.04" in capsys.readouterr().err
    text = told.read_text(encoding="utf-8")
    assert text.startswith("before\n")
    assert text.endswith("after\n")
    assert "old" not in text
    assert "| Method | × 0.2 | × 1 | × 5 |" in text
    assert "| `mgd` | **28.7** | 23.8 |  |" in text
    assert "| `fgd` |  | **33.0** | 33.2 |" in text
    assert page(searches([folder])) in text


def test_what_cannot_be_read_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert factors.main(["--results", str(tmp_path / "none")]) != 0
    assert "records.csv cannot be read" in capsys.readouterr().err
    folder = records(tmp_path / "suite", (PAIR, "mgd", "0", 30))
    with pytest.raises(AnalysisError, match="no row of these folders has a grid over 'weight'"):
        searches([folder])


def points(line: Line2D) -> list[list[float]]:
    return np.asarray(line.get_xydata()).tolist()


def test_the_picture_has_a_panel_a_pair(tmp_path: Path) -> None:
    folder = records(
        tmp_path / "suite",
        (PAIR, "baseline", "100", 10),
        (PAIR, "mgd-weight=0.2", "100", 20),
        (PAIR, "mgd-weight=1", "100", 23),
        (PAIR, "mgd-weight=5", "100", 21),
        ("pair-b", "fgd-weight=1", "100", 30),
    )
    found = searches([folder])
    figure = draw(found, {(PAIR, "baseline"): 10.0}, "weight")
    first, second = figure.axes
    assert [axes.get_title() for axes in figure.axes] == [PAIR, "pair-b"]
    line, ring, across = first.lines
    assert points(line) == [[0.2, 20.0], [1.0, 23.0], [5.0, 21.0]]
    assert points(ring) == [[1.0, 23.0]]
    assert [height for _, height in points(across)] == [10.0, 10.0]
    assert [text.get_text() for text in first.texts] == ["baseline"]
    assert not second.texts
    target = tmp_path / "drawn" / "factors"
    for spelt in (target, target.with_suffix(".png")):
        assert factors.main(["--results", str(folder), "--figure", str(spelt)]) == 1
    assert sorted(path.name for path in target.parent.iterdir()) == ["factors.pdf", "factors.png"]


def with_ratios(folder: Path, *lines: tuple[str, str, str, object, object]) -> Path:
    """Lines of group, row, seed, AP, and how much the loss weighed."""
    records(folder, *(line[:4] for line in lines))
    table = folder / "records.csv"
    head, *rest = table.read_text(encoding="utf-8").splitlines()
    told = [f"{row},{line[4]}" for row, line in zip(rest, lines, strict=True)]
    table.write_text("\n".join([f"{head},distillation_ratio", *told]) + "\n", encoding="utf-8")
    return folder


def test_what_the_loss_weighed_stands_beside_what_it_brought(tmp_path: Path) -> None:
    folder = with_ratios(
        tmp_path / "suite",
        (PAIR, "mgd-weight=0.2", "100", 20, 0.5),
        (PAIR, "mgd-weight=0.2", "101", 22, 0.7),
        (PAIR, "mgd-weight=1", "100", 23, 1234),
        (PAIR, "mgd-weight=5", "100", 21, ""),
        ("pair-b", "mgd-weight=1", "100", 30, 2.04),
    )
    found = searches([folder])
    assert found[0].ratios == {0.2: pytest.approx(0.6), 1.0: 1234}
    assert "| `mgd` | 21.0 (0.6) | **23.0** (1200) | 21.0 |" in page(found)
    figure = draw(found, {}, "weight")
    above, _, below, last = figure.axes
    assert points(above.lines[0]) == [[0.2, 21.0], [1.0, 23.0], [5.0, 21.0]]
    assert np.allclose(points(below.lines[0]), [[0.6, 21.0], [1234.0, 23.0]])
    assert points(below.lines[1]) == [[1234.0, 23.0]]
    assert below.get_xlim() == last.get_xlim(), "one ratio stands in one place on every pair"


def test_what_ways_around_a_search_would_have_lost() -> None:
    def made(group: str, row: str, *tried: tuple[float, float, float], start: float = 1) -> Search:
        ends = {factor: ap for factor, ap, _ in tried}
        return Search(group, row, ends, start, {factor: ratio for factor, _, ratio in tried})

    found = [
        made(PAIR, "mgd", (0.2, 30, 0.6), (1, 31, 2.9), (5, 28, 15)),  # nothing lost at 2.9
        made(PAIR, "fgd", (0.2, 30, 4), (1, 34, 20), (5, 33, 100)),  # 4
        made(PAIR, "amd", (1, 20, 3), (5, 30, 15)),  # goes on, and has two points
        made("pair-b", "mgd", (0.2, 20, 0.2), (1, 25, 1), (5, 24, 5)),  # 1; carried 0
        made("pair-b", "fgd", (0.04, 21, 0.2), (0.2, 22, 1.5), (1, 20, 30)),  # 0; carried 2
        made(
            "pair-b", "pkd", (0.2, 20, 1), (1, 25, 5), (5, 21, 25), start=0.2
        ),  # 0; carried from nowhere
    ]
    told = shortcuts(found)
    assert "nearest to 3 times the detector's own: 0.0 AP below" in told
    assert "4.0 at most, in 5 searches" in told
    assert f"What {PAIR} took, carried to the other pairs: 1.0 AP below the best in the " in told
    assert "2.0 at most, in 2 searches" in told
    assert shortcuts([search(x1=20.0, x5=20.1)]) == ""

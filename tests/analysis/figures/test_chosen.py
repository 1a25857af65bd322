"""Which images and rows of an atlas a suite may name, and how a crowded page is laid out."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from analysis.figures.atlas import MOST_MAPS
from analysis.figures.mosaic import GAP, Mosaic
from analysis.figures.style import COLUMN_WIDTH, DPI, PAGE_WIDTH
from analysis.plan import read_plan
from analysis.report.pictures import read_pictures
from tests.analysis.factory import MadeSuite

from . import made


@pytest.fixture(scope="module")
def suite(tmp_path_factory: pytest.TempPathFactory) -> MadeSuite:
    return made.complete_suite(tmp_path_factory.mktemp("chosen"), seeds=(0,))


def inches(suite: MadeSuite, name: str) -> tuple[float, float]:
    with Image.open(suite.suite_dir / "figures" / f"{name}.png") as image:
        return image.width / DPI, image.height / DPI


def test_an_atlas_of_named_images_and_rows(suite: MadeSuite) -> None:
    pages = made.drawn(suite, "atlas", ids=[2], rows=["mgd", "amd"])
    assert pages[0].title.endswith("image 2")
    assert "MGD" in pages[0].alt
    assert "FKD" not in pages[0].alt
    rows = [page.title for page in pages if page.further]
    assert rows == ["The atlas: MGD", "The atlas: AMD"]


def test_the_first_named_image_is_shown_and_the_others_are_linked(suite: MadeSuite) -> None:
    pages = [page for page in made.drawn(suite, "atlas", ids=[2, 1]) if "image" in page.title]
    assert [(page.title[-1], page.further) for page in pages] == [
        ("2", False),
        ("1", True),
        ("s", False),
    ], "and two images side by side"


def test_a_suite_may_show_one_compact_figure_of_a_method(suite: MadeSuite) -> None:
    """With the comparison for a paper's column before it."""
    pages = made.drawn(suite, "masks", rows=["amd"], ids=[2, 1])
    assert [page.name for page in pages] == ["masks", "masks-pair-a-amd"]
    assert not any(page.further for page in pages)
    assert "with AMD" in pages[0].alt
    assert "test image 2" in pages[1].caption
    width, height = inches(suite, "masks")
    assert width == pytest.approx(COLUMN_WIDTH, abs=0.02)
    assert height < COLUMN_WIDTH
    assert inches(suite, "masks-pair-a-amd")[0] < PAGE_WIDTH
    shown = read_pictures(read_plan(suite.suite_dir), suite.suite_dir)
    assert [picture.title for picture in shown if picture.name.startswith("masks")] == [
        "The masks: Two images",
        "The masks: AMD",
    ]


def test_links_to_further_pages_do_not_repeat_the_title(suite: MadeSuite) -> None:
    made.drawn(suite, "masks")
    shown = read_pictures(read_plan(suite.suite_dir), suite.suite_dir)
    (masks,) = [picture for picture in shown if picture.name == "masks"]
    assert [title for title, _ in masks.further] == ["MGD", "AMD", "amd-mask-only", "fkd"]


@pytest.mark.parametrize("kind", ["atlas", "masks"])
@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"rows": ["mdg"]}, "rows: there is no 'mdg' among its rows: amd, amd-mask-only, baseline"),
        ({"ids": [1, 99]}, "ids: no maps were kept of image 99; kept: 1, 2"),
        ({"row": ["mgd"]}, "row: Extra inputs are not permitted; options allowed: rows, "),
    ],
)
def test_what_is_not_there_is_told(
    suite: MadeSuite,
    capsys: pytest.CaptureFixture[str],
    kind: str,
    options: dict[str, Any],
    told: str,
) -> None:
    made.wish(suite, kind, **options)
    assert made.draw(suite, "--figure", kind) == 2
    assert told in capsys.readouterr().err


def test_a_crowded_atlas_is_as_wide_as_a_page_and_readable(tmp_path: Path) -> None:
    """Letters keep their size in print only where no page is wider than the paper's text."""
    rows = {"baseline": 40.0} | {
        f"{name}{more}": 41.0 for name in ("mgd", "amd", "fgd", "ssim") for more in ("", "-x", "-y")
    }
    suite = made.make_suite(tmp_path, rows=rows, seeds=(0,))
    made.add_attention(suite)
    made.add_pictures(suite)
    made.drawn(suite, "atlas", images=1)
    width, height = inches(suite, "atlas")
    assert len(rows) + 2 > 2 * MOST_MAPS
    assert width < PAGE_WIDTH + 0.1
    assert height < 11


def test_bands_start_below_their_titles() -> None:
    mosaic = Mosaic(4, 3, (10, 20), band=2, room=30)
    assert mosaic.corner(1, 2) == (10 + GAP, 2 * (20 + GAP))
    assert mosaic.corner(2, 0) == (2 * (10 + GAP) + 30, 0)
    mosaic.add(3, 0, np.zeros((10, 20, 3)))
    assert (mosaic.canvas[-10:, :20] == 0).all()
    assert mosaic.canvas.shape[0] == 4 * (10 + GAP) - GAP + 30

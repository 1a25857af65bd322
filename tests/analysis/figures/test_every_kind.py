"""Every kind that a suite may name: files, words for who cannot see, the same bytes again."""

from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from analysis.figures.kinds import KINDS
from analysis.figures.options import OPTIONS
from analysis.figures.style import HELPS, HURTS, looks

from ..factory import MadeSuite
from . import made

ROOT = Path(__file__).parents[3]
METHODS = ("mgd", "amd", "amd-mask-only", "fkd")
DRAWN = {
    "curves": METHODS,
    "cost": METHODS,
    "agreement": METHODS,
    "gates": ("amd", "amd-mask-only"),
    "sweep": ("mgd", "amd", "fkd"),
    "published": ("mgd",),
}
"""Kind -> rows with a line or points in their own colour. The baseline's is that of all text."""
WITH_LEGEND = ("curves", "agreement", "gates", "sweep", "effects")
"""On the right, or below."""


@pytest.fixture(scope="module")
def suite(tmp_path_factory: pytest.TempPathFactory) -> MadeSuite:
    found = made.complete_suite(tmp_path_factory.mktemp("figures"))
    made.change_plan(found, "amd-mask-only", theta=0.5)
    for kind in KINDS:
        made.wish(found, kind)
    assert made.draw(found) == 0
    return found


@pytest.mark.parametrize("kind", KINDS)
def test_is_drawn_with_its_words(suite: MadeSuite, kind: str) -> None:
    pages = [entry for entry in made.entries(suite) if entry.figure == kind]
    assert pages[0].name == kind
    folder = suite.suite_dir / "figures"
    for page in pages:
        assert page.note == ""
        assert len(page.caption) > 40
        assert len(page.alt) > 40
        assert (folder / page.files["pdf"]).read_bytes().startswith(b"%PDF")
        with Image.open(folder / page.files["png"]) as image:
            pixels = np.asarray(image.convert("L"))
        assert pixels.std() > 5, "an empty picture"


def panels(suite: MadeSuite, name: str, kind: str) -> np.ndarray:
    """(H, W, 3) of the part of a page where no legend stands."""
    with Image.open(suite.suite_dir / "figures" / name) as image:
        pixels = np.asarray(image.convert("RGB"))
    height, width = pixels.shape[:2]
    return pixels[: height * 3 // 4, : width * 7 // 10] if kind in WITH_LEGEND else pixels


def shows(pixels: np.ndarray, colour: str) -> bool:
    wanted = [int(colour[place : place + 2], 16) for place in (1, 3, 5)]
    return bool((pixels == wanted).all(axis=-1).any())


@pytest.mark.parametrize("kind", DRAWN)
def test_every_row_is_drawn_in_its_colour(suite: MadeSuite, kind: str) -> None:
    cells = suite.plan["tables"][0]["cells"]
    look = looks([(cell["row"], cell["methods"]) for cell in cells])
    for page in (entry for entry in made.entries(suite) if entry.figure == kind):
        pixels = panels(suite, page.files["png"], kind)
        hidden = [row for row in DRAWN[kind] if not shows(pixels, look[row].colour)]
        assert hidden == [], page.name


def test_effects_have_the_colour_of_their_sign(suite: MadeSuite) -> None:
    (page,) = (entry for entry in made.entries(suite) if entry.figure == "effects")
    signs = set(re.findall(r"([+−])[\d.]+ \[", page.alt))
    pixels = panels(suite, page.files["png"], "effects")
    assert signs
    assert shows(pixels, HELPS) == ("+" in signs)
    assert shows(pixels, HURTS) == ("−" in signs)


def test_names_are_unique_and_in_the_order_of_the_plan(suite: MadeSuite) -> None:
    names = [entry.name for entry in made.entries(suite)]
    assert len(names) == len(set(names))
    assert list(dict.fromkeys(entry.figure for entry in made.entries(suite))) == list(KINDS)


@pytest.mark.parametrize("kind", ["effects", "curves", "errors", "masks", "published", "gallery"])
def test_the_same_bytes_from_the_same_data(suite: MadeSuite, kind: str) -> None:
    files = [
        suite.suite_dir / "figures" / name
        for entry in made.entries(suite)
        if entry.figure == kind
        for name in entry.files.values()
    ]
    before = {path: path.read_bytes() for path in files}
    index = (suite.suite_dir / "figures" / "index.json").read_bytes()
    for path in files:
        path.unlink()
    assert made.draw(suite, "--figure", kind) == 0
    assert {path: path.read_bytes() for path in files} == before
    assert (suite.suite_dir / "figures" / "index.json").read_bytes() == index


def test_files_hold_no_date_and_no_program(suite: MadeSuite) -> None:
    content = (suite.suite_dir / "figures" / "effects.pdf").read_bytes()
    assert not re.search(rb"/(CreationDate|ModDate|Creator|Producer)", content)
    with Image.open(suite.suite_dir / "figures" / "effects.png") as image:
        assert set(image.info) <= {"dpi"}


def test_every_kind_of_the_suites_is_known() -> None:
    """The suites' own schema is the list of what they may name."""
    schema = json.loads((ROOT / "workflow" / "suites" / "schema.json").read_text())
    allowed = schema["$defs"]["FigureEntry"]["properties"]["kind"]["enum"]
    assert set(allowed) == set(KINDS) == set(OPTIONS)

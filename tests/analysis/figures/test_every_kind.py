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

from ..factory import MadeSuite
from . import made

ROOT = Path(__file__).parents[3]


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

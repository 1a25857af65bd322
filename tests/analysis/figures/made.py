"""A made-up suite with all that any kind of figure reads."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from analysis.figures.__main__ import main
from analysis.figures.index import Entry, read_index

from ..factory import MadeSuite, make_suite
from ..looks import add_agreement, add_attention, add_curves, add_histories, made_scene
from ..test_published import BASELINE, MGD

ROWS = {"baseline": 40.0, "mgd": 41.5, "amd": 42.0, "amd-mask-only": 41.8, "fkd": 41.0}
SWEEP = {"baseline": 40.0, "amd": 42.0, "amd-theta-0.5": 41.0, "amd-theta-1.5": 41.4}


def complete_suite(root: Path, seeds: tuple[int, ...] = (0, 1), pairs: int = 1) -> MadeSuite:
    suite = make_suite(
        root,
        pairs=pairs,
        rows=ROWS,
        seeds=seeds,
        predictions=True,
        published={"baseline": BASELINE, "mgd": MGD},
    )
    suite.plan["methods"]["fkd"] = {"title": "FKD", "citation": "", "year": 2021}
    suite.save_plan()
    add_attention(suite, [made_scene(1), made_scene(2)])
    add_agreement(suite, apart=0.02)
    add_histories(suite)
    add_curves(suite)
    add_pictures(suite)
    return suite


def add_pictures(suite: MadeSuite, side: int = 200) -> None:
    folder = suite.root / "data" / "digits-00000000" / "images" / "test"
    folder.mkdir(parents=True)
    for number in range(1, 31):
        pixels = np.full((side, side, 3), 8 * (number % 30), np.uint8)
        Image.fromarray(pixels).save(folder / f"{number}.png")


def wish(suite: MadeSuite, kind: str, table: str | None = "main", **options: Any) -> None:
    """Adds one figure, named as its kind, to the plan."""
    suite.plan["figures"] = [f for f in suite.plan["figures"] if f["name"] != kind]
    suite.plan["figures"].append(
        {"name": kind, "kind": kind, "title": f"The {kind}", "table": table, "options": options}
    )
    suite.save_plan()


def draw(suite: MadeSuite, *arguments: str) -> int:
    where = ["--suite-dir", str(suite.suite_dir), "--runs", str(suite.runs_dir)]
    return main([*where, "--data", str(suite.root / "data"), *arguments])


def drawn(suite: MadeSuite, kind: str, table: str | None = "main", **options: Any) -> list[Entry]:
    wish(suite, kind, table, **options)
    assert draw(suite, "--figure", kind) == 0
    return [entry for entry in entries(suite) if entry.figure == kind]


def entries(suite: MadeSuite) -> list[Entry]:
    return read_index(suite.suite_dir / "figures")


def change_plan(suite: MadeSuite, row: str, **changed: Any) -> None:
    """What the cells of a row change against their method's own settings."""
    for table in suite.plan["tables"]:
        for cell in table["cells"]:
            if cell["row"] == row:
                cell["changed"] = json.loads(json.dumps(changed))
    suite.save_plan()

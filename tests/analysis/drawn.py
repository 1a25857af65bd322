"""Figures as `analysis.figures` leaves them behind, in sizes of choice."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image

from analysis.figures.index import FILE, Entry
from analysis.files import write_json

from .factory import MadeSuite

REASON = "no finished run has predictions"


def draw(suite: MadeSuite, sizes: dict[str, tuple[int, int] | None]) -> Path:
    """Name -> (width, height) in pixels, or None for what could not be drawn."""
    folder = suite.suite_dir / "figures"
    folder.mkdir(parents=True)
    entries = []
    for name, size in sizes.items():
        suite.plan["figures"].append(
            {"name": name, "kind": name, "title": f"The {name}", "table": None, "options": {}}
        )
        if size is not None:
            rng = np.random.default_rng(0)
            pixels = rng.integers(0, 255, (size[1], size[0], 3), np.uint8)  # (H, W, 3)
            Image.fromarray(pixels).save(folder / f"{name}.png")
            (folder / f"{name}.pdf").write_bytes(b"%PDF-1.4\n")
        entry = Entry(
            name=name,
            figure=name,
            kind=name,
            title=f"The {name}",
            caption=f"What the {name} shows.",
            files={} if size is None else {"png": f"{name}.png", "pdf": f"{name}.pdf"},
            alt=f"Noise in place of the {name}",
            note=REASON if size is None else "",
        )
        entries.append(entry.model_dump())
    write_json(folder / FILE, entries)
    suite.save_plan()
    return folder

"""Where things lie unless somebody says otherwise. Imports nothing that takes time."""

from __future__ import annotations

from pathlib import Path

RUNS = Path("results/runs")
DATA = Path("data")
CACHE = "measured"
"""Folder below the suite's, for what is told by detections: it takes long, or they may be gone."""

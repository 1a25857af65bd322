"""How much a method's loss weighed beside the detector's own, where a training ended.

The factor on a loss means another thing on every pair; this ratio says what it came to.
"""

from __future__ import annotations

from pathlib import Path

from analysis.history import DISTILL, read_histories

COLUMN = "distillation_ratio"
LAST = 0.1
"""Of a training: single steps scatter."""


def distillation_ratio(folder: Path) -> float | None:
    """Of the means of both losses; None without distillation, or where nothing was logged."""
    histories = read_histories([folder])
    distilled = [name for name in histories.terms if name.startswith(DISTILL)]
    if not distilled:
        return None
    (frame,) = histories.frames
    end = frame.tail(max(1, round(len(frame) * LAST)))
    theirs, own = (
        float(end[names].sum(axis=1).mean()) for names in (distilled, histories.detector_terms)
    )
    return theirs / own if own > 0 else None

"""The smallest suite of one's own, and what is said of one that is wrong."""

from __future__ import annotations

from pathlib import Path

import pytest

from workflow.suite import SuiteError, load

MINIMAL = """\
title: Minimal
data: digits
seeds: [0, 1]
pairs: [mini-retinanet-r34-r18]
rows:
  - baseline
  - mgd
"""


def problems_of(path: Path) -> list[str]:
    with pytest.raises(SuiteError) as caught:
        load(path)
    return [str(problem).removeprefix(f"{path}:") for problem in caught.value.problems]

"""The bench of the atlas draws what it says."""

from __future__ import annotations

import pytest

from benchmarks import bench_atlas


def test_a_small_one_is_drawn_and_told(capsys: pytest.CaptureFixture[str]) -> None:
    assert bench_atlas.main(["--images", "2", "--methods", "2"]) == 0
    printed = capsys.readouterr().out
    # A page an image, one for two images side by side, one a method.
    assert "2 images x 5 levels x 2 methods: 5 pages in" in printed

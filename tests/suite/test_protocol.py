"""What docs/protocol.md promises of the suites on the digits."""

from __future__ import annotations

import pytest

from workflow.suite import load


@pytest.mark.parametrize("name", ["demo", "mini"])
def test_gradients_are_clipped_alike_for_everybody(name):
    clips = {
        run.row: run.schedule.clip if run.options.clip is None else run.options.clip
        for run in load(name).runs
        if run.kind == "student"
    }
    assert set(clips.values()) == {35.0}, clips

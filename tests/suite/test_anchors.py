"""FGFI's mask is made from the anchors of the very detector that a shipped suite trains with it."""

from __future__ import annotations

from typing import Any

import pytest

from methods.settings.fgfi import AnchorSettings
from methods.settings.resolve import settings_of
from workflow.models import catalogue
from workflow.models.coco import read_packaged
from workflow.suite import load, names


def masked_with_anchors() -> set[tuple[str, tuple[float, ...], tuple[float, ...]]]:
    """Student, scales and ratios of every such run in a shipped suite on COCO."""
    found = set()
    for suite in (load(name) for name in names()):
        for run in suite.by_id.values() if suite.data.name == "coco" else ():
            for method in run.methods:
                settings = settings_of(method)
                masked = (
                    method.method == "fgfi" or getattr(settings, "region", "") == "near-anchors"
                )
                if masked and isinstance(settings, AnchorSettings):
                    name = run.model["name"]
                    found.add((name, settings.anchor_scales, settings.anchor_ratios))
    return found


def scales_of(anchors: Any) -> list[float]:
    if anchors.get("scales"):
        return list(anchors.scales)
    octaves = range(anchors.scales_per_octave)
    return [anchors.octave_base_scale * 2 ** (step / len(octaves)) for step in octaves]


def test_masks_are_made_from_the_students_own_anchors() -> None:
    checked = set()
    for name, scales, ratios in masked_with_anchors():
        model = read_packaged(catalogue.detector(name)).model
        anchors = model.get("rpn_head", model.get("bbox_head")).get("anchor_generator")
        if anchors is None:  # of points: one square a cell
            assert (scales, ratios) == ((4.0,), (1.0,)), name
            continue
        assert list(scales) == pytest.approx(scales_of(anchors)), name
        assert list(ratios) == list(anchors.ratios), name
        checked.add(anchors.get("octave_base_scale") or "two-stage")
    assert checked == {4, 8, "two-stage"}  # RetinaNet, GFL and a region proposal network

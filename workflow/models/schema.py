"""Detectors and pairs as data. Imports no torch; `definitions/*.yaml` is read into it."""

from __future__ import annotations

from typing import Any, Literal

from methods.settings.base import Family, Frozen

Fidelity = Literal["mini", "coco"]


class DetectorDefinition(Frozen):
    """One detector (or, with family None, one image classifier)."""

    name: str
    fidelity: Fidelity
    family: Family | None = None
    published: str = ""
    """Its canonical name in results/published/published.csv, empty where it has none."""
    config: str = ""
    """coco: path below mmdet's packaged configs, `retinanet/retinanet_r50_fpn_2x_coco.py`."""
    options: dict[str, Any] = {}
    """mini: the builder's arguments; coco: what differs from the packaged config."""
    zoo: str = ""
    """coco: the model's name in mmdet's metafiles (URL, hash and AP are read there)."""
    pretrained: str = ""
    """mini: the classifier (a definition of this kind) whose trunk the backbone starts from."""
    schedule: str = ""
    """Name of the default schedule, for what is trained."""
    training: dict[str, Any] = {}
    """What the detector's own recipe changes in whatever schedule it is trained with."""


class PairDefinition(Frozen):
    """A teacher and a student that the suite trains together."""

    name: str
    fidelity: Fidelity
    family: Family
    """The student's."""
    teacher: str = ""
    """Empty where the student learns from a classifier alone."""
    student: str
    teachers: dict[str, str] = {}
    """Further teachers by alias, for rows such as `mgd-teacher-3xms`."""
    inheritable: bool = True
    """Whether the student's neck and head can start from the teacher's (the papers' rule)."""
    schedule: str
    classifier: str = ""
    """The classification teacher for icd; empty where the pair has none."""
    papers: tuple[str, ...] = ()
    """Papers whose tables use this pair."""

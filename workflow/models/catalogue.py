"""The detectors, pairs and schedules that ship with the suite, by name. Imports no torch.

`definitions/mini.yaml` and `definitions/coco.yaml` hold them as data: the file's stem is the
fidelity, each file has the sections `detectors`, `pairs` and `schedules`, keyed by name.
"""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from fractions import Fraction
from functools import cache
from pathlib import Path
from typing import Any, Literal

import yaml

from workflow.models.schema import DetectorDefinition, PairDefinition
from workflow.spec import ScheduleSpec

Kind = Literal["detectors", "pairs", "schedules"]
DEFINITIONS = Path(__file__).parent / "definitions"


class UnknownName(ValueError):
    """A name that no definition has; the message lists the nearest ones."""


class BrokenDefinition(ValueError):
    """A definition file that does not say what it must."""


def detector(name: str) -> DetectorDefinition:
    values = _entry("detectors", name)
    # Detectors on COCO carry their published name; an entry says so only where it differs.
    default = {"published": name} if values["fidelity"] == "coco" else {}
    return DetectorDefinition.model_validate(default | values)


def pair(name: str) -> PairDefinition:
    return PairDefinition.model_validate(_entry("pairs", name))


def schedule(name: str, trained: str | None = None) -> ScheduleSpec:
    """The schedule as it is run for the detector `trained`: the base's values, then the schedule's
    own, then those that depend on the family, then what the detector's recipe asks for."""
    values = _schedule_values(name)
    by_family = values.pop("by_family", {})
    if trained is not None:
        definition = detector(trained)
        values = _merged(values, by_family.get(definition.family, {}))
        values = _merged(values, definition.training)
    return ScheduleSpec.model_validate(_fractions(values))


def names(kind: Kind, fidelity: str | None = None) -> tuple[str, ...]:
    """All names of a kind, in the files' order."""
    return tuple(
        name for name, (stem, _) in _entries()[kind].items() if fidelity is None or stem == fidelity
    )


def check() -> None:
    """Reads every entry and every reference between them; raises at the first that is wrong."""
    for name in names("schedules"):
        schedule(name)
    for name in names("detectors"):
        found = detector(name)
        if found.schedule:
            schedule(found.schedule, name)
    for name in names("pairs"):
        found_pair = pair(name)
        schedule(found_pair.schedule, found_pair.student)
        optional = (found_pair.teacher, found_pair.classifier, *found_pair.teachers.values())
        for used in (found_pair.student, *filter(None, optional)):
            detector(used)


def _schedule_values(name: str) -> dict[str, Any]:
    values = dict(_entry("schedules", name))
    values.pop("name")
    values.pop("fidelity")
    base = values.pop("base", None)
    return _merged(_schedule_values(base), values) if base else values


def _entry(kind: Kind, name: str) -> dict[str, Any]:
    entries = _entries()[kind]
    if name not in entries:
        near = difflib.get_close_matches(name, entries, n=3, cutoff=0.4)
        hint = f"; the nearest are {', '.join(near)}" if near else f": {', '.join(entries)}"
        raise UnknownName(f"{kind[:-1]} {name!r} is not defined{hint}")
    stem, content = entries[name]
    return {"name": name, "fidelity": stem, **content}


def _fractions(values: dict[str, Any]) -> dict[str, Any]:
    """`8/12` as YAML has it becomes the number; a rounded decimal would miss the epoch."""
    milestones = tuple(float(Fraction(mark)) for mark in values.get("milestones", ()))
    ratio = float(Fraction(values["warmup_ratio"])) if "warmup_ratio" in values else None
    changed = {"milestones": milestones} | ({} if ratio is None else {"warmup_ratio": ratio})
    return {**values, **changed}


@cache
def _entries() -> dict[Kind, dict[str, tuple[str, Mapping[str, Any]]]]:
    """Per kind: name -> (fidelity, content)."""
    found: dict[Kind, dict[str, tuple[str, Mapping[str, Any]]]] = {
        "detectors": {},
        "pairs": {},
        "schedules": {},
    }
    for path in sorted(DEFINITIONS.glob("*.yaml")):
        document = yaml.safe_load(path.read_text(encoding="utf-8")) or {}
        for kind, entries in document.items():
            if kind not in found:
                raise BrokenDefinition(
                    f"{path.name}: section {kind!r} is not one of {', '.join(found)}"
                )
            for name, content in (entries or {}).items():
                if name in found[kind]:
                    raise BrokenDefinition(f"{path.name}: {kind} {name!r} is defined twice")
                found[kind][name] = (path.stem, content or {})
    return found


def _merged(low: Mapping[str, Any], high: Mapping[str, Any]) -> dict[str, Any]:
    """`high` over `low`; mappings are merged key by key, all else is replaced."""
    merged = dict(low)
    for key, value in high.items():
        if isinstance(value, Mapping) and isinstance(merged.get(key), Mapping):
            merged[key] = _merged(merged[key], value)
        else:
            merged[key] = value
    return merged

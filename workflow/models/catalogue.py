"""The detectors, pairs and schedules that ship with the suite, by name. Imports no torch.

`definitions/mini.yaml` and `definitions/coco.yaml` hold them as data, and files of your own beside
them: what a file's name begins with is the fidelity (`coco-mine.yaml`). Each file has the sections
`detectors`, `pairs` and `schedules`, keyed by name.
"""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from fractions import Fraction
from functools import cache
from pathlib import Path
from typing import Any, Literal, TypeVar, get_args

from pydantic import BaseModel, ValidationError

from workflow.marked_yaml import SourceError, read
from workflow.models.schema import DetectorDefinition, Fidelity, PairDefinition
from workflow.spec import ScheduleSpec
from workflow.wording import described, unknown_name

Read = TypeVar("Read", bound=BaseModel)
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
    return _read(DetectorDefinition, "detectors", name, default | values)


def pair(name: str) -> PairDefinition:
    """A pair whose models there are, each of the kind that its place asks for."""
    found = _read(PairDefinition, "pairs", name, _entry("pairs", name))
    places = {"student": found.student, "teacher": found.teacher, "classifier": found.classifier}
    places |= {f"teachers.{alias}": model for alias, model in found.teachers.items()}
    for place, model in places.items():
        if not model and place != "student":
            continue
        if model not in names("detectors"):
            message = unknown_name("detector", model, names("detectors"))
            raise BrokenDefinition(_said("pairs", name, place, message))
        family = detector(model).family
        wanted = {"student": found.family, "classifier": None}.get(place, family)
        if family != wanted or (place == "teacher" and family is None):
            what = f"is of the family {family!r}" if family else "is a classifier"
            told = f"expected {wanted!r}" if place == "student" else f"no {place} here"
            raise BrokenDefinition(_said("pairs", name, place, f"{model!r} {what}, {told}"))
    if found.schedule not in names("schedules"):
        message = unknown_name("schedule", found.schedule, names("schedules"))
        raise BrokenDefinition(_said("pairs", name, "schedule", message))
    return found


def schedule(name: str, trained: str | None = None) -> ScheduleSpec:
    """The schedule as it is run for the detector `trained`: the base's values, then the schedule's
    own, then those that depend on the family, then what the detector's recipe asks for."""
    values = _schedule_values(name, ())
    by_family = values.pop("by_family", {})
    if trained is not None:
        definition = detector(trained)
        values = _merged(values, by_family.get(definition.family, {}))
        values = _merged(values, definition.training)
    return _read(ScheduleSpec, "schedules", name, _fractions(name, values))


def names(kind: Kind, fidelity: str | None = None) -> tuple[str, ...]:
    """All names of a kind, in the files' order."""
    return tuple(
        name
        for name, (file, _) in _entries()[kind].items()
        if fidelity is None or _fidelity(file) == fidelity
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


def _schedule_values(name: str, above: tuple[str, ...]) -> dict[str, Any]:
    values = dict(_entry("schedules", name))
    values.pop("name")
    values.pop("fidelity")
    base = values.pop("base", None)
    if not base:
        return values
    if base not in names("schedules"):
        message = unknown_name("schedule", base, names("schedules"))
        raise BrokenDefinition(_said("schedules", name, "base", message))
    if base in (name, *above):
        raise BrokenDefinition(_said("schedules", name, "base", f"{base!r} has this one as base"))
    return _merged(_schedule_values(base, (*above, name)), values)


def _entry(kind: Kind, name: str) -> dict[str, Any]:
    entries = _entries()[kind]
    if name not in entries:
        near = difflib.get_close_matches(name, entries, n=3, cutoff=0.4)
        hint = f"; the nearest are {', '.join(near)}" if near else f": {', '.join(entries)}"
        raise UnknownName(f"{kind[:-1]} {name!r} is not defined{hint}")
    file, content = entries[name]
    return {"name": name, "fidelity": _fidelity(file), **content}


def _read(kind: type[Read], section: Kind, name: str, values: Mapping[str, Any]) -> Read:
    try:
        return kind.model_validate(values)
    except ValidationError as error:
        at, message = next(iter(described(error, kind)))
        place = ".".join(map(str, at))
        raise BrokenDefinition(_said(section, name, place, message)) from error


def _said(section: Kind, name: str, place: str, message: str) -> str:
    file, _ = _entries()[section][name]
    return f"{DEFINITIONS.name}/{file}: {section}.{name}.{place}: {message}"


def _fidelity(file: str) -> str:
    return Path(file).stem.partition("-")[0]


def _fractions(name: str, values: dict[str, Any]) -> dict[str, Any]:
    """`8/12` as YAML has it becomes the number; a rounded decimal would miss the epoch."""
    try:
        milestones = tuple(float(Fraction(mark)) for mark in values.get("milestones", ()))
        ratio = float(Fraction(values["warmup_ratio"])) if "warmup_ratio" in values else None
    except (ValueError, TypeError, ArithmeticError) as error:
        place = "milestones or warmup_ratio"
        told = f"expected numbers or fractions such as 8/12 ({error})"
        raise BrokenDefinition(_said("schedules", name, place, told)) from error
    changed = {"milestones": milestones} | ({} if ratio is None else {"warmup_ratio": ratio})
    return {**values, **changed}


@cache
def _entries() -> dict[Kind, dict[str, tuple[str, Mapping[str, Any]]]]:
    """Per kind: name -> (file, content)."""
    found: dict[Kind, dict[str, tuple[str, Mapping[str, Any]]]] = {
        "detectors": {},
        "pairs": {},
        "schedules": {},
    }
    for path in sorted(DEFINITIONS.glob("*.yaml")):
        if _fidelity(path.name) not in get_args(Fidelity):
            allowed = " or ".join(get_args(Fidelity))
            raise BrokenDefinition(f"{path.name}: its name must begin with {allowed}")
        try:
            document = read(path).data
        except SourceError as error:
            raise BrokenDefinition(f"{path.name}: {error} (line {error.line})") from error
        for kind, entries in _mapping(document, path.name).items():
            if kind not in found:
                raise BrokenDefinition(
                    f"{path.name}: section {kind!r} is not one of {', '.join(found)}"
                )
            for name, content in _mapping(entries or {}, f"{path.name}: {kind}").items():
                if name in found[kind]:
                    raise BrokenDefinition(f"{path.name}: {kind} {name!r} is defined twice")
                values = _mapping(content or {}, f"{path.name}: {kind}.{name}")
                found[kind][name] = (path.name, values)
    return found


def _mapping(value: Any, place: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise BrokenDefinition(f"{place}: expected keys and values, found {value!r}")
    return value


def _merged(low: Mapping[str, Any], high: Mapping[str, Any]) -> dict[str, Any]:
    """`high` over `low`; mappings are merged key by key, all else is replaced."""
    merged = dict(low)
    for key, value in high.items():
        if isinstance(value, Mapping) and isinstance(merged.get(key), Mapping):
            merged[key] = _merged(merged[key], value)
        else:
            merged[key] = value
    return merged

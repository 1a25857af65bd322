"""A row's name, turned into methods with every switch set. Imports no torch.

    row       = part ("+" part)*                several methods in one run: `icd+fkd`
    part      = method | variant | sweep        `amd`, `amd-mask-only`, `amd-tau-0.7`
    part      = part "-x" number                the same with its losses multiplied: `fkd-x0.5`
    row       = control                         `baseline`, `baseline-inherit`, ...

Values are taken, later over earlier, from: the fields' defaults, `by_family`, what the suite sets
for all rows, the variant, and the settings given with the row.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from difflib import get_close_matches
from typing import Any

from methods.settings.base import Family, Frozen, MethodSpec, RunOptions, Settings, Variant
from methods.settings.catalogue import catalogue, rows
from methods.settings.controls import CONTROLS

__all__ = ["Recipe", "RowError", "UnknownRow", "catalogue", "resolve", "row_names", "settings_of"]

NUMBER = r"(\d+(?:\.\d+)?(?:e-?\d+)?)"


class RowError(ValueError):
    """A row that cannot be run; the message says why and what can."""


class UnknownRow(RowError):
    def __init__(self, row: str, name: str) -> None:
        self.row = row
        self.name = name
        self.nearest = tuple(get_close_matches(name, row_names(), n=3, cutoff=0.5))
        where = "" if name == row else f" in `{row}`"
        hint = f"; nearest: {', '.join(self.nearest)}" if self.nearest else ""
        super().__init__(f"unknown row `{name}`{where}{hint}")


class Recipe(Frozen):
    """What a row asks for."""

    row: str
    methods: tuple[MethodSpec, ...]
    options: RunOptions
    needs: frozenset[str]


def row_names() -> tuple[str, ...]:
    """All names that stand alone as a row; sweeps accept further numbers, `+` joins methods."""
    return (*CONTROLS, *rows())


def settings_of(spec: MethodSpec) -> Settings:
    """The typed settings behind a resolved method."""
    found = catalogue().get(spec.method)
    if found is None:
        known = ", ".join(catalogue())
        raise RowError(f"unknown method `{spec.method}`; known: {known}")
    return found.model_validate(spec.settings)


def resolve(
    row: str,
    family: Family,
    settings: Mapping[str, Any] | None = None,
    run: Mapping[str, Any] | None = None,
    common: Mapping[str, Mapping[str, Any]] | None = None,
) -> Recipe:
    """Everything that `row` means for a detector family.

    For one method, `settings` holds its fields; for several joined by `+` it holds one mapping per
    method, by key. Options of the joined methods are merged: any may ask for inheriting, the
    smallest clip wins, and no two may ask for different teachers. `common` holds, by method, what
    a whole suite sets: it lies below the variant's own settings, so that sweeps stay sweeps.
    """
    given, given_run = dict(settings or {}), dict(run or {})
    if row in CONTROLS:
        if given:
            raise RowError(f"`{row}` distils nothing, so it takes no settings: {', '.join(given)}")
        return Recipe(
            row=row,
            methods=(),
            options=RunOptions.model_validate(_options(CONTROLS[row]) | given_run),
            needs=frozenset(),
        )

    parts = {}
    for name in _split(row):
        kind, variant = _find(row, name)
        if kind.method in parts:
            raise RowError(f"`{row}` names method `{kind.method}` twice")
        if family not in variant.families:
            raise RowError(
                f"`{name}` is not for {family} detectors, only for {', '.join(variant.families)}"
            )
        parts[kind.method] = (kind, variant)
    if len(parts) > 1:
        strange = [key for key in given if key not in parts]
        if strange:
            raise RowError(
                f"settings of `{row}` are given per method ({', '.join(parts)}), "
                f"found `{strange[0]}`"
            )
        for key, value in given.items():
            if not isinstance(value, Mapping):
                raise RowError(
                    f"settings of `{row}` are given per method ({', '.join(parts)}): expected "
                    f"fields of `{key}` and their values, found {value!r}"
                )
        per_method = {key: dict(value) for key, value in given.items()}
    else:
        per_method = {next(iter(parts)): given}

    specs, options, needs = [], [], frozenset[str]()
    for key, (kind, variant) in parts.items():
        shared = dict((common or {}).get(key, {}))
        values = kind.model_validate(
            {
                **kind.by_family.get(family, {}),
                **_under(_scaled(kind, variant, family, shared), shared),
                **per_method.get(key, {}),
            }
        )
        dump = values.model_dump(mode="json")
        specs.append(MethodSpec(method=key, settings=dump, code=kind.code))
        options.append({**_options(kind.run), **kind.run_by_family.get(family, {}), **variant.run})
        needs |= values.requirements()
    merged = _merge(row, [RunOptions.model_validate(option) for option in options])
    return Recipe(
        row=row,
        methods=tuple(specs),
        options=RunOptions.model_validate(_options(merged) | given_run),
        needs=needs,
    )


def _scaled(
    kind: type[Settings], variant: Variant, family: Family, common: Mapping[str, Any]
) -> dict[str, Any]:
    """The variant's settings; the factor of `-x<number>` is on the weight that the row has
    without it, which `_under` multiplies by the suite's if there is one."""
    own = variant.settings_for(family)
    if variant.factor != 1:
        plain = {"weight": kind.model_fields["weight"].default, **kind.by_family.get(family, {})}
        usual = 1.0 if "weight" in common else plain["weight"]
        own["weight"] = variant.factor * own.get("weight", usual)
    return own


def _under(variant: Mapping[str, Any], common: Mapping[str, Any]) -> dict[str, Any]:
    """The variant over what the suite sets; both weights are factors, so they multiply."""
    merged = {**common, **variant}
    if "weight" in common and "weight" in variant:
        merged["weight"] = float(common["weight"]) * variant["weight"]
    return merged


def _split(row: str) -> list[str]:
    """Parts of a joined row; some variants have a `+` of their own, so the longest name wins."""
    pieces, names = row.split("+"), []
    while pieces:
        for length in range(len(pieces), 0, -1):
            name = "+".join(pieces[:length])
            if length == 1 or _lookup(name) is not None:
                names.append(name)
                pieces = pieces[length:]
                break
    return names


def _find(row: str, name: str) -> tuple[type[Settings], Variant]:
    if name in CONTROLS:
        raise RowError(f"`{name}` in `{row}` distils nothing and cannot be joined with a method")
    found = _lookup(name)
    if found is None:
        raise UnknownRow(row, name)
    return found


def _lookup(name: str) -> tuple[type[Settings], Variant] | None:
    if name in rows():
        return rows()[name]
    for kind in catalogue().values():
        for prefix, sweep in kind.sweeps.items():
            match = re.fullmatch(f"{re.escape(prefix)}-{sweep.prefix_of_value}{NUMBER}", name)
            if match:
                return kind, sweep.variant(float(match[1]))
    scaled = re.fullmatch(f"(.+)-x{NUMBER}", name)
    base = scaled and _lookup(scaled[1])
    if scaled and base and "weight" in base[0].model_fields:
        kind, variant = base
        return kind, variant.model_copy(update={"factor": variant.factor * float(scaled[2])})
    return None


def _options(options: RunOptions) -> dict[str, Any]:
    return options.model_dump()


def _merge(row: str, options: list[RunOptions]) -> RunOptions:
    clips = [option.clip for option in options if option.clip is not None]
    teachers = {option.teacher for option in options if option.teacher is not None}
    if len(teachers) > 1:
        raise RowError(f"`{row}` asks for different teachers: {', '.join(sorted(teachers))}")
    return RunOptions(
        inherit=any(option.inherit for option in options),
        clip=min(clips) if clips else None,
        teacher=next(iter(teachers), None),
    )

"""From a row's name and its settings to methods with every switch set, problems collected."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import ValidationError

from methods.settings.base import Family, RunOptions
from methods.settings.resolve import Recipe, RowError, UnknownRow, catalogue, resolve, row_names
from workflow.suite.blocks import Layer, Row, merged
from workflow.suite.problems import Collector
from workflow.suite.source import Location
from workflow.wording import unknown_name

TEACHERS_OWN = ("teacher", "classifier")
"""Rows of a table that show a teacher itself; they train no student."""


class Recipes:
    """Resolved rows, remembered by what decides them."""

    def __init__(self, problems: Collector) -> None:
        self.problems = problems
        self._found: dict[str, Recipe | None] = {}
        self._common: dict[str, dict[str, dict[str, Any]]] = {}

    def common(self, layers: Sequence[Layer]) -> dict[str, dict[str, Any]]:
        """What `settings` mean for each method: the nearer layer wins, and within one what is said
        of a method over what is said of all."""
        key = _key([(layer.settings, layer.at) for layer in layers])
        if key not in self._common:
            common: dict[str, dict[str, Any]] = {name: {} for name in catalogue()}
            for layer in layers:
                for name, values in self._by_method(layer).items():
                    common[name] = merged(common[name], values)
            self._common[key] = common
        return self._common[key]

    def _by_method(self, layer: Layer) -> dict[str, dict[str, Any]]:
        methods = catalogue()
        found: dict[str, dict[str, Any]] = {key: {} for key in methods}
        own = {name: value for name, value in layer.settings.items() if name in methods}
        for name, value in layer.settings.items():
            if name in own:
                continue
            having = [key for key, kind in methods.items() if name in kind.model_fields]
            if not having:
                fields = {field for kind in methods.values() for field in kind.model_fields}
                message = unknown_name("method or field", name, {*methods, *fields})
                self.problems.add((*layer.at, name), message)
            for key in having:
                found[key] |= self._checked(key, {name: value}, layer.at)
        for key, values in own.items():
            if isinstance(values, dict):
                found[key] |= self._checked(key, values, (*layer.at, key))
            else:
                message = f"expected fields of {key!r} and their values, found {values!r}"
                self.problems.add((*layer.at, key), message)
        return found

    def _checked(self, method: str, values: dict[str, Any], at: Location) -> dict[str, Any]:
        """Those that can be values of these fields; the others are told here, once, and not again
        by every row. What fields mean together only a row can tell."""
        kind = catalogue()[method]
        try:
            kind.model_validate(values)
        except ValidationError as error:
            wrong = {item["loc"][0] for item in error.errors() if item["loc"]}
            if wrong:
                self.problems.validation(error, kind, at)
            return {name: value for name, value in values.items() if name not in wrong}
        return values

    def recipe(self, row: Row, family: Family, common: Mapping[str, Any]) -> Recipe | None:
        """None where the row cannot be run; the problem is told once per line."""
        key = _key([row.entry.row, family, row.settings, row.entry.run, common])
        if key not in self._found:
            self._found[key] = self._resolve(row, family, common)
        return self._found[key]

    def _resolve(self, row: Row, family: Family, common: Mapping[str, Any]) -> Recipe | None:
        try:
            return resolve(row.entry.row, family, row.settings, row.entry.run, common)
        except UnknownRow as error:
            names = [*row_names(), *TEACHERS_OWN]
            self.problems.add(row.at, unknown_name("row", error.name, names))
        except RowError as error:
            self.problems.add(row.at, str(error))
        except ValidationError as error:
            kind = next((k for k in catalogue().values() if k.__name__ == error.title), RunOptions)
            where = (*row.at, "run" if kind is RunOptions else "settings")
            self.problems.validation(error, kind, where)
        return None

    def changed(self, recipe: Recipe, family: Family, common: Mapping[str, Any]) -> dict[str, Any]:
        """Fields whose values differ from those of the methods' default rows."""
        differing: dict[str, Any] = {}
        for spec in recipe.methods:
            key = _key([spec.method, family, common])
            if key not in self._found:
                self._found[key] = resolve(spec.method, family, common=common)
            default = self._found[key]
            assert default is not None
            usual = default.methods[0].settings
            prefix = f"{spec.method}." if len(recipe.methods) > 1 else ""
            for field, value in spec.settings.items():
                if value != usual[field]:
                    differing[prefix + field] = value
        return differing


def _key(value: Any) -> str:
    return json.dumps(value, sort_keys=True, default=str)

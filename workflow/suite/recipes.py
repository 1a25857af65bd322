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
        """What `settings` mean for each method."""
        settings = merged(layers)
        key = _key(settings)
        if key not in self._common:
            places = {name: (*layer.at, name) for layer in layers for name in layer.settings}
            self._common[key] = self._by_method(settings, places)
        return self._common[key]

    def _by_method(
        self, settings: Mapping[str, Any], places: Mapping[str, Location]
    ) -> dict[str, dict[str, Any]]:
        methods = catalogue()
        common: dict[str, dict[str, Any]] = {key: {} for key in methods}
        own = {key: value for key, value in settings.items() if key in methods}
        for name, value in settings.items():
            if name in own:
                continue
            having = [key for key, kind in methods.items() if name in kind.model_fields]
            if not having:
                fields = {field for kind in methods.values() for field in kind.model_fields}
                message = unknown_name("method or field", name, {*methods, *fields})
                self.problems.add(places[name], message)
            for key in having:
                common[key][name] = value
        for key, values in own.items():
            if isinstance(values, dict):
                common[key] |= values
            else:
                message = f"expected fields of {key!r} and their values, found {values!r}"
                self.problems.add(places[key], message)
        return common

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

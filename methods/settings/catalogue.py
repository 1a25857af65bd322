"""Every method and every row, found by itself. Imports no torch for the shipped methods.

Two places are looked at: the modules of `methods/settings/`, and drop-in files `methods/<name>.py`
that carry their own `Settings` subclass beside `build`. Which files of `methods/` are drop-ins is
read from their syntax trees, so the shipped mathematics (and torch) are never imported here; a
drop-in's imports are paid by whoever reads the catalogue.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Collection, Iterable
from functools import cache
from types import ModuleType

import methods
import methods.settings
from methods.settings import mistakes, sources
from methods.settings.base import Settings, Variant
from methods.settings.digest import digest
from methods.settings.mistakes import BrokenMethods, Mistake

__all__ = ["BrokenMethods", "catalogue", "rows"]


def _settings_in(module: ModuleType) -> list[type[Settings]]:
    """The classes that this module itself defines and that name a method."""
    return [
        value
        for value in vars(module).values()
        if isinstance(value, type)
        and issubclass(value, Settings)
        and value.__module__ == module.__name__
        and hasattr(value, "method")
    ]


def _modules(package: ModuleType) -> list[str]:
    names = pkgutil.iter_modules(package.__path__, prefix=f"{package.__name__}.")
    return sorted(entry.name for entry in names if not entry.ispkg)


def _collect(wrong: list[Mistake]) -> list[type[Settings]]:
    """Settings classes of all modules that can be read; `wrong` gets the others."""
    shipped = _modules(methods.settings)
    found: list[type[Settings]] = []
    for name in shipped + _modules(methods):
        try:
            if name not in shipped and not sources.derives_settings(name):
                continue
            own = _settings_in(importlib.import_module(name))
        except Exception as error:  # whatever a file that somebody writes may do
            wrong.append(mistakes.unreadable(name, error))
            continue
        for settings in own:
            # A drop-in holds its own `build`, whosever settings its settings derive from.
            if name not in shipped and "module" not in vars(settings):
                settings.module = name
        if not own and name not in shipped:
            wrong.append(mistakes.nameless(name))
        found += own
    _number(found, shipped)
    return found


def _number(kinds: Iterable[type[Settings]], shipped: Collection[str]) -> None:
    """What the code of those that are dropped in does is a part of their runs."""
    ours = {"methods.build", "methods.contract", "methods.parts", "methods.settings"}
    ours |= {kind.module for kind in kinds if kind.__module__ in shipped}
    for kind in kinds:
        if kind.__module__ not in shipped:
            kind.code = digest(kind.__module__, ours - {kind.__module__})


@cache
def catalogue() -> dict[str, type[Settings]]:
    """Every method by its key; raises BrokenMethods with all that is wrong in any file."""
    wrong: list[Mistake] = []
    found = _collect(wrong)
    wrong += mistakes.mistakes(found)
    if wrong:
        raise BrokenMethods(wrong)
    return {kind.method: kind for kind in sorted(found, key=lambda kind: kind.method)}


@cache
def rows() -> dict[str, tuple[type[Settings], Variant]]:
    """Every named row: each method's default under its key, and all its variants."""
    return {
        name: (settings, variant)
        for key, settings in catalogue().items()
        for name, variant in {key: Variant(), **settings.named_variants()}.items()
    }

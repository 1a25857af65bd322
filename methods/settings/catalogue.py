"""Every method and every row, found by itself. Imports no torch for the shipped methods.

Two places are looked at: the modules of `methods/settings/`, and drop-in files `methods/<name>.py`
that carry their own `Settings` subclass beside `build`. Which files of `methods/` are drop-ins is
read from their syntax trees, so the shipped mathematics (and torch) are never imported here; a
drop-in's imports are paid by whoever reads the catalogue.
"""

from __future__ import annotations

import ast
import importlib.util
import pkgutil
from functools import cache
from types import ModuleType

import methods
import methods.settings
from methods.settings.base import Settings, Variant


def _is_drop_in(module: str) -> bool:
    """Whether a class in it derives from something that is named like settings."""
    loader = getattr(importlib.util.find_spec(module), "loader", None)
    tree = ast.parse(loader.get_source(module) or "") if loader else ast.Module([], [])
    bases = (
        base.attr if isinstance(base, ast.Attribute) else getattr(base, "id", "")
        for node in tree.body
        if isinstance(node, ast.ClassDef)
        for base in node.bases
    )
    return any(base.endswith("Settings") for base in bases)


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


def collect(modules: list[str]) -> dict[str, type[Settings]]:
    """Settings classes of the named modules, by method key."""
    found: dict[str, type[Settings]] = {}
    for name in modules:
        for settings in _settings_in(importlib.import_module(name)):
            if settings.method in found:
                other = found[settings.method].__module__
                raise ImportError(
                    f"method `{settings.method}` is defined twice: in {other} and in {name}"
                )
            if not hasattr(settings, "module"):
                settings.module = name  # a drop-in holds its own `build`
            found[settings.method] = settings
    return found


@cache
def catalogue() -> dict[str, type[Settings]]:
    """Every method by its key."""
    drop_ins = [name for name in _modules(methods) if _is_drop_in(name)]
    return dict(sorted(collect(_modules(methods.settings) + drop_ins).items()))


@cache
def rows() -> dict[str, tuple[type[Settings], Variant]]:
    """Every named row: each method's default under its key, and all its variants."""
    named: dict[str, tuple[type[Settings], Variant]] = {}
    for key, settings in catalogue().items():
        for name, variant in {key: Variant(), **settings.named_variants()}.items():
            if name in named:
                other = named[name][0].method
                raise ImportError(f"row `{name}` is named by `{other}` and by `{key}`")
            named[name] = (settings, variant)
    return named

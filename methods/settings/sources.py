"""What a method's file says, read from its syntax tree: nothing is imported, so no torch is."""

from __future__ import annotations

import ast
import importlib.util
from collections.abc import Iterator
from functools import cache
from importlib.abc import InspectLoader
from pathlib import Path


def file_of(module: str) -> str:
    """The module's file, from here if it lies below; the module's name where there is none."""
    try:
        spec = importlib.util.find_spec(module)
    except ModuleNotFoundError:
        return module
    return shown(spec.origin) if spec is not None and spec.origin else module


def shown(file: str) -> str:
    path, here = Path(file), Path.cwd()
    return str(path.relative_to(here) if path.is_relative_to(here) else path)


@cache
def tree_of(module: str) -> ast.Module | None:
    """None where there is no such module; SyntaxError where it is no Python."""
    try:
        spec = importlib.util.find_spec(module)
    except ModuleNotFoundError:
        return None
    loader = spec.loader if spec else None
    if spec is None or not isinstance(loader, InspectLoader):
        return None
    return ast.parse(loader.get_source(module) or "", filename=spec.origin or module)


def derives_settings(module: str) -> bool:
    """Whether a class in it derives from something that is named like settings."""
    tree = tree_of(module)
    body = tree.body if tree else []
    return any(isinstance(node, ast.ClassDef) and is_settings(node) for node in body)


def is_settings(node: ast.ClassDef) -> bool:
    names = (
        base.attr if isinstance(base, ast.Attribute) else getattr(base, "id", "")
        for base in node.bases
    )
    return any(name.endswith("Settings") for name in names)


def defines(module: str, name: str) -> bool:
    """Whether the module has something of this name, or might, because it imports `*`."""
    tree = tree_of(module)
    return bool(tree) and any(found in (name, "*") for found in _names(tree.body if tree else []))


def _names(body: list[ast.stmt]) -> Iterator[str]:
    for node in body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            yield node.name
        elif isinstance(node, ast.Import | ast.ImportFrom):
            yield from (alias.asname or alias.name for alias in node.names)
        elif isinstance(node, ast.Assign | ast.AnnAssign):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            yield from (target.id for target in targets if isinstance(target, ast.Name))
        elif isinstance(node, ast.If | ast.Try):
            yield from _names([*node.body, *node.orelse])


def line_of(module: str, kind: str, word: str = "") -> int:
    """Where a class of the module says this word, as a string or as one of its names; else where
    the class begins."""
    tree = tree_of(module)
    for node in tree.body if tree else ():
        if isinstance(node, ast.ClassDef) and node.name == kind:
            lines = [
                inner.lineno
                for inner in ast.walk(node)
                if (isinstance(inner, ast.Constant) and inner.value == word)
                or (isinstance(inner, ast.Name) and inner.id == word)
            ]
            return min(lines, default=node.lineno) if word else node.lineno
    return 1

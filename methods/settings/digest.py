"""What a dropped-in method's code does, as a number: runs of an edited formula are other runs.

Shipped methods are known by the project's version; what somebody writes today is not, and the runs
of yesterday's formula would stand beside today's under one name. Comments, docstrings, layout and
what the suite resolves by itself (titles, rows, defaults) do not count.
"""

from __future__ import annotations

import ast
import copy
import hashlib
from collections.abc import Collection, Iterator

from methods.settings import sources

RESOLVED = {
    "title",
    "citation",
    "variants",
    "sweeps",
    "by_family",
    "run_by_family",
    "run",
}
"""Of a settings class; a run's own settings and options say what came of them."""


def digest(module: str, shipped: Collection[str]) -> str:
    """Of the module and of what it imports from `methods` that is not `shipped`."""
    waiting, seen = [module], dict[str, str]()
    while waiting:
        name = waiting.pop()
        try:
            tree = sources.tree_of(name)
        except SyntaxError:
            continue  # told by whoever imports it
        if tree is None or name in seen:
            continue
        seen[name] = ast.unparse(_Bare().visit(copy.deepcopy(tree)))
        waiting += [other for other in _imported(tree) if other not in shipped]
    text = "\n".join(f"{name}\n{code}" for name, code in sorted(seen.items()))
    return hashlib.sha256(text.encode()).hexdigest()


def _imported(tree: ast.Module) -> Iterator[str]:
    """Modules that stand directly in `methods`."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            # Of a drop-in, `from . import a` and `from .a import b` are of `methods`.
            start = ".".join(filter(None, ["methods" if node.level else "", node.module]))
            names = [start, *(f"{start}.{alias.name}" for alias in node.names)]
        else:
            continue
        for name in names:
            parts = name.split(".")
            if parts[0] == "methods" and len(parts) > 1:
                yield ".".join(parts[:2])


class _Bare(ast.NodeTransformer):
    def generic_visit(self, node: ast.AST) -> ast.AST:
        super().generic_visit(node)
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            if ast.get_docstring(node) is not None:
                del node.body[0]
            if isinstance(node, ast.ClassDef) and sources.is_settings(node):
                node.body = [inner for inner in node.body if not _resolved(inner)]
            node.body = node.body or [ast.Pass()]
        return node


def _resolved(node: ast.stmt) -> bool:
    targets = node.targets if isinstance(node, ast.Assign) else [getattr(node, "target", None)]
    return any(isinstance(target, ast.Name) and target.id in RESOLVED for target in targets)

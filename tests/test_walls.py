"""The walls between the rooms, read from the imports in the syntax trees."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
OPENMMLAB = {"mmcv", "mmdet", "mmengine", "mmrazor"}
TORCH = {"torch", "torchvision", *OPENMMLAB}

# Where: what it must not import, directly or inside a function.
FORBIDDEN: dict[str, set[str]] = {
    "methods": {"workflow", "analysis", "snakemake", "pandas"},
    "analysis": {"methods", "workflow", *TORCH},
    "methods/settings": TORCH,
    "workflow/suite": TORCH,
    "workflow/spec.py": TORCH,
    "workflow/models/schema.py": TORCH,
    "workflow/models/catalogue.py": TORCH,
    "workflow/data/catalogue.py": TORCH,
}
# Ways to a file, by the name that is called: methods are tensors in, losses out.
OPENING = {"open", "read_text", "write_text", "read_bytes", "write_bytes", "savetxt", "loadtxt"}
TORCH_FILES = {("torch", "load"), ("torch", "save"), ("np", "load"), ("np", "save")}


def sources(place: str) -> list[Path]:
    path = ROOT / place
    return [path] if path.suffix == ".py" and path.exists() else sorted(path.rglob("*.py"))


def package_of(path: Path) -> list[str]:
    return list(path.relative_to(ROOT).parts[:-1])


def imports(path: Path, tree: ast.AST) -> Iterator[tuple[int, str]]:
    """Line and full name of every module that a file imports, relative ones resolved."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield node.lineno, alias.name
        elif isinstance(node, ast.ImportFrom):
            package = package_of(path)
            start = package[: len(package) - node.level + 1] if node.level else []
            base = ".".join([*start, *([node.module] if node.module else [])])
            yield node.lineno, base
            for alias in node.names:
                yield node.lineno, f"{base}.{alias.name}"
        elif isinstance(node, ast.Call) and node.args and isinstance(node.args[0], ast.Constant):
            function = node.func.attr if isinstance(node.func, ast.Attribute) else None
            function = node.func.id if isinstance(node.func, ast.Name) else function
            if function in {"import_module", "__import__"}:
                yield node.lineno, str(node.args[0].value)


def breaches(path: Path, source: str, forbidden: set[str]) -> list[str]:
    """Lines that import a forbidden package. `if TYPE_CHECKING` counts: types are knowledge."""
    found = {
        (line, name)
        for line, name in imports(path, ast.parse(source))
        if name.split(".")[0] in forbidden
    }
    return [f"{path.relative_to(ROOT)}:{line} imports {name}" for line, name in sorted(found)]


def openings(path: Path, source: str) -> list[str]:
    """Lines that call something that opens a file."""
    found = []
    for node in ast.walk(ast.parse(source)):
        if not isinstance(node, ast.Call):
            continue
        function = node.func
        if isinstance(function, ast.Name) and function.id in OPENING:
            found.append((node.lineno, function.id))
        elif isinstance(function, ast.Attribute):
            owner = function.value.id if isinstance(function.value, ast.Name) else ""
            if function.attr in OPENING or (owner, function.attr) in TORCH_FILES:
                found.append((node.lineno, f"{owner}.{function.attr}"))
    return [f"{path.relative_to(ROOT)}:{line} calls {name}" for line, name in found]


@pytest.mark.parametrize("place", FORBIDDEN)
def test_no_room_imports_what_it_must_not_know(place: str) -> None:
    broken = [
        breach
        for path in sources(place)
        for breach in breaches(path, path.read_text(), FORBIDDEN[place])
    ]
    assert broken == []


def test_execution_knows_of_reading_no_more_than_what_suites_may_say() -> None:
    """Figures' options are data, which both sides read from the one place where they stand."""
    shared = {ROOT / "analysis/metrics.py", ROOT / "analysis/figures/options.py"}
    found = {
        name
        for path in sources("workflow")
        for _, name in imports(path, ast.parse(path.read_text()))
        if name.split(".")[0] == "analysis"
    }
    assert found == {"analysis.figures.options", "analysis.figures.options.OPTIONS"}
    for path in shared:
        assert breaches(path, path.read_text(), {"numpy", "pandas", "matplotlib"}) == []


def test_methods_open_no_files() -> None:
    assert [line for path in sources("methods") for line in openings(path, path.read_text())] == []


@pytest.mark.parametrize("place", ["methods", "analysis", "methods/settings", "workflow/suite"])
def test_the_rooms_are_where_the_walls_look(place: str) -> None:
    assert sources(place), f"{place} has no Python file: has it moved?"


@pytest.mark.parametrize(
    "source",
    [
        "import torch",
        "from torch import nn",
        "def f():\n    import torch.nn as nn",
        "import importlib\nimportlib.import_module('torch')",
        "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from torch import Tensor",
    ],
)
def test_a_breach_is_seen(source: str) -> None:
    assert breaches(ROOT / "analysis/tables.py", source, {"torch"}) != []


def test_relative_imports_are_resolved() -> None:
    path = ROOT / "methods/settings/base.py"
    assert [name for _, name in imports(path, ast.parse("from ...workflow import spec"))] == [
        "workflow",
        "workflow.spec",
    ]
    assert breaches(path, "from .base import Settings", FORBIDDEN["methods"]) == []


@pytest.mark.parametrize(
    "source", ["open('x')", "path.read_text()", "torch.load('x')", "Path('x').open()"]
)
def test_an_opened_file_is_seen(source: str) -> None:
    assert openings(ROOT / "methods/amd.py", source) != []


def test_the_torch_free_rooms_do_not_load_torch_by_detours() -> None:
    """Imports of imports count too: these rooms must start in a moment, on a machine without it."""
    modules = [
        ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")
        for place, forbidden in FORBIDDEN.items()
        if "torch" in forbidden
        for path in sources(place)
        if path.name != "__main__.py"
    ]
    program = (
        "import importlib, sys\n"
        "for name in sys.argv[1:]:\n"
        "    importlib.import_module(name)\n"
        "    if 'torch' in sys.modules: sys.exit(f'{name} loads torch')\n"
    )
    command = [sys.executable, "-c", program, *modules]
    result = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert result.returncode == 0, result.stderr

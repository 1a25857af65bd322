"""An inert stand-in for mmrazor's quantisation package.

mmrazor 1.0 imports its quantisation code with everything else, and that code is written against
private functions that torch removed in 2.1. Knowledge distillation uses none of it: every name
asked of the stand-in is an empty class, so that imports and registrations pass.
"""

from __future__ import annotations

import sys
from types import ModuleType

from workflow.compat.finder import OneModule

NAME = "mmrazor.structures.quantization"


def install() -> None:
    """Serve the stand-in in front of the package that cannot be imported."""
    if not any(isinstance(finder, OneModule) and finder.name == NAME for finder in sys.meta_path):
        sys.meta_path.insert(0, OneModule(NAME, fill, "workflow.compat.quantisation"))


def fill(module: ModuleType) -> None:
    # An empty __all__ is what `from .quantization import *` takes.
    vars(module).update(__all__=[], __getattr__=empty_class)


def empty_class(name: str) -> type:
    if name.startswith("__"):
        raise AttributeError(f"module {NAME!r} has no attribute {name!r}")
    return type(name, (), {"__doc__": "Stands in for a class of mmrazor's quantisation."})

"""What mmdet and mmrazor import for parts that nobody here uses: every program would wait for it.

- mmdet's drawing of tracking mistakes brings seaborn, pandas, matplotlib and scipy's statistics
  with it. A stand-in serves its one public name, and says so when it is called.
- Some parts take a package where it is installed, and do without where it is not: they are
  imported as if it were not.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from functools import partial
from types import ModuleType
from typing import Any, NoReturn

from workflow.compat.finder import AroundImport, OneModule

TRACKING = "mmdet.utils.mot_error_visualize"
DO_WITHOUT = {
    "mmdet.models.dense_heads.paa_head": "sklearn",
    "mmdet.models.task_modules.tracking.interpolation": "sklearn",
    "mmrazor.models.distillers.ofd_distiller": "scipy.stats",
    "mmrazor.models.task_modules.predictor.handler.carts_handler": "sklearn",
    "mmrazor.models.task_modules.predictor.metric_predictor": "scipy.stats",
}


def install() -> None:
    if any(isinstance(finder, OneModule) and finder.name == TRACKING for finder in sys.meta_path):
        return
    sys.meta_path.insert(0, OneModule(TRACKING, fill, "workflow.compat.unneeded"))
    for name, package in DO_WITHOUT.items():
        sys.meta_path.insert(0, AroundImport(name, partial(without, package)))


def fill(module: ModuleType) -> None:
    vars(module)["imshow_mot_errors"] = imshow_mot_errors


def imshow_mot_errors(*_arguments: Any, **_named: Any) -> NoReturn:
    raise NotImplementedError(f"{TRACKING} is left out: see workflow.compat.unneeded")


def without(package: str, execute: Callable[[], None], _module: ModuleType) -> None:
    """None in place of a module is Python's own way to say that there is none."""
    if package in sys.modules:
        execute()  # nothing is left to be saved
        return
    sys.modules[package] = None  # type: ignore[assignment]
    try:
        execute()
    finally:
        del sys.modules[package]

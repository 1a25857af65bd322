"""Import finders: one serves a module of ours under a name, one mends a module once imported."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder
from types import ModuleType


class OneModule(MetaPathFinder, Loader):
    """Finds `name` and fills it with `fill(module)` when it is imported, not before.

    Going through Python's own import system gives the module a real `__spec__`, which
    mmengine's `mmcv_full_available()` asks for, and costs nothing until the import happens.
    """

    def __init__(self, name: str, fill: Callable[[ModuleType], None], origin: str) -> None:
        self.name = name
        self.fill = fill
        self.origin = origin

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        return ModuleSpec(fullname, self, origin=self.origin) if fullname == self.name else None

    def create_module(self, spec: ModuleSpec) -> ModuleType | None:
        return None  # Python's default module

    def exec_module(self, module: ModuleType) -> None:
        self.fill(module)


class AfterImport(MetaPathFinder):
    """Runs `mend(module)` when the installed module `name` has been imported, not before."""

    def __init__(self, name: str, mend: Callable[[ModuleType], None]) -> None:
        self.name = name
        self.mend = mend

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        spec = PathFinder.find_spec(fullname, path, target) if fullname == self.name else None
        if spec is None or spec.loader is None:
            return None
        execute = spec.loader.exec_module

        def execute_and_mend(module: ModuleType) -> None:
            execute(module)
            self.mend(module)

        spec.loader.exec_module = execute_and_mend  # type: ignore[method-assign]
        return spec

"""Import finders: one serves a module of ours under a name, one has a say in a module's import."""

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


class AroundImport(MetaPathFinder):
    """Imports the installed module `name`, when it is asked for, by `around(execute, module)`."""

    def __init__(self, name: str, around: Callable[[Callable[[], None], ModuleType], None]) -> None:
        self.name = name
        self.around = around

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        spec = PathFinder.find_spec(fullname, path, target) if fullname == self.name else None
        if spec is None or spec.loader is None:
            return None
        execute = spec.loader.exec_module

        def execute_within(module: ModuleType) -> None:
            self.around(lambda: execute(module), module)

        spec.loader.exec_module = execute_within  # type: ignore[method-assign]
        return spec


class AfterImport(AroundImport):
    """Runs `mend(module)` when the installed module `name` has been imported, not before."""

    def __init__(self, name: str, mend: Callable[[ModuleType], None]) -> None:
        def execute_and_mend(execute: Callable[[], None], module: ModuleType) -> None:
            execute()
            mend(module)

        super().__init__(name, execute_and_mend)

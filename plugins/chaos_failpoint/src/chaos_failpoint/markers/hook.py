"""The import hook: modules of chosen packages are compiled with their markers."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder, SourceFileLoader
from types import CodeType, ModuleType
from typing import Any

from chaos_failpoint.markers.compiling import compile_markers, declare_all
from chaos_failpoint.markers.finding import Marker


class MarkerLoader(SourceFileLoader):
    """Loads a module with failpoints for its markers. No bytecode is cached: a cache must not know of failpoints."""

    _markers: tuple[Marker, ...] = ()

    def get_code(self, fullname: str) -> CodeType:
        """Return the code of the module, from its source."""
        path = self.get_filename(fullname)
        code, self._markers = compile_markers(self.get_data(path), path)
        return code

    def exec_module(self, module: ModuleType) -> None:
        """Run the module; its failpoints are declared before."""
        code = self.get_code(module.__name__)
        vars(module).update(declare_all(self._markers, module.__name__))
        exec(code, vars(module))  # noqa: S102 - this is how every loader runs a module


class MarkerFinder(MetaPathFinder):
    """Finds the modules of some packages, and has them loaded with their markers."""

    def __init__(self, packages: Sequence[str]) -> None:
        self.packages = tuple(packages)

    def find_spec(self, fullname: str, path: Any, target: ModuleType | None = None) -> ModuleSpec | None:
        """Return the spec of a module of these packages that has a source; None leaves it to the other finders."""
        if not covers(self.packages, fullname):
            return None
        spec = PathFinder.find_spec(fullname, path, target)
        if spec is not None and type(spec.loader) is SourceFileLoader:
            spec.loader = MarkerLoader(spec.loader.name, spec.loader.path)
        return spec


def covers(packages: Sequence[str], module: str) -> bool:
    """Tell whether *module* is one of *packages* or lies in one."""
    return any(module == each or module.startswith(f"{each}.") for each in packages)


def put_first(finder: MarkerFinder) -> None:
    """Let *finder* be asked before all others."""
    sys.meta_path.insert(0, finder)

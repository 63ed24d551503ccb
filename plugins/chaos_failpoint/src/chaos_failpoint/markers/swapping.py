"""Markers in modules that were imported before: the code of their functions is exchanged, and put back later."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from importlib.machinery import SourceFileLoader
from types import CodeType, FunctionType, ModuleType
from typing import Any

import attrs

from chaos_failpoint.arming import LULLS
from chaos_failpoint.errors import MarkerError
from chaos_failpoint.markers.compiling import compile_markers, declare_all
from chaos_failpoint.markers.inserting import variable

Where = tuple[str, int]


@attrs.frozen(eq=False)
class Swapped:
    """A function whose code was exchanged, and both of its codes."""

    function: Any
    before: CodeType
    after: CodeType

    def restore(self) -> None:
        """Put the code back that was there, unless somebody else has exchanged it since."""
        if self.function.__code__ is self.after:
            self.function.__code__ = self.before


def swap(module: ModuleType) -> list[Swapped]:
    """
    Let the markers in the functions of *module*, which is loaded, be failpoints.

    Raises:
        MarkerError: Its source has changed since it was imported; or a marker is none.
    """
    loader = getattr(module.__spec__, "loader", None)
    if type(loader) is not SourceFileLoader:
        return []
    data = loader.get_data(loader.path)
    code, markers = compile_markers(data, loader.path)
    if not markers:
        return []
    if not LULLS:
        reason = "code must not be exchanged on a free-threaded Python; install the markers before the import"
        raise MarkerError(loader.path, markers[0].line, reason)
    plain = _codes(compile(data, loader.path, "exec", dont_inherit=True))
    chosen = list(_chosen(module, _codes(code), {variable(each) for each in markers}))
    for each in chosen:
        _check_same(each.before, plain[_where(each.before)], loader.path)
    vars(module).update(declare_all(markers, module.__name__))
    for each in chosen:
        each.function.__code__ = each.after
    return chosen


def _chosen(module: ModuleType, codes: dict[Where, CodeType], names: set[str]) -> Iterator[Swapped]:
    """Yield the functions of *module* in which there are markers, and the code that they get."""
    for each in gc.get_objects():
        if type(each) is FunctionType and each.__globals__ is vars(module):
            code = codes.get(_where(each.__code__))
            if code is not None and _mentions(code, names):
                yield Swapped(each, each.__code__, code)


def _check_same(running: CodeType, plain: CodeType, path: str) -> None:
    if running != plain:
        reason = f"{running.co_qualname} is not what the file says any more; import it anew"
        raise MarkerError(path, running.co_firstlineno, reason)


def _codes(code: CodeType) -> dict[Where, CodeType]:
    return {_where(each): each for each in _nested(code)}


def _nested(code: CodeType) -> Iterator[CodeType]:
    for each in code.co_consts:
        if isinstance(each, CodeType):
            yield each
            yield from _nested(each)


def _where(code: CodeType) -> Where:
    return code.co_qualname, code.co_firstlineno


def _mentions(code: CodeType, names: set[str]) -> bool:
    """Tell whether *code*, or a function that it makes, has a failpoint."""
    return any(not names.isdisjoint(each.co_names) for each in (code, *_nested(code)))

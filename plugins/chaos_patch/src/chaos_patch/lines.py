"""Lines of files as places to strike, by `sys.monitoring`; functions inside functions are reached, too."""

from __future__ import annotations

import gc
import sys
from collections.abc import Hashable, Iterator
from pathlib import PurePath
from types import CodeType, FunctionType, ModuleType
from typing import Any

from chaos_patch.engine import Call, Seat
from chaos_patch.engine.dispatch import Dispatcher, Gate
from chaos_patch.engine.seats import Installed
from chaos_patch.errors import TargetError, UnsupportedError

__chaos_hidden__ = True  # its frames are not where a fault struck

monitoring: Any = getattr(sys, "monitoring", None)
NAME = "chaos_patch"
_TOOLS = (4, 3)
"""Numbers of tools that nothing else claims by convention."""


class LineSeat(Seat):
    """
    One line of a file, in every function that has it.

    Raises:
        TargetError: Python is too old, no loaded function comes from such a file, or none has code in that line.
    """

    def __init__(self, file: str, line: int) -> None:
        super().__init__(f"{file}:{line}")
        if monitoring is None:
            version = ".".join(map(str, sys.version_info[:2]))
            problem = f"a line as a target needs Python 3.12, and this is {version}"
            raise TargetError(self.name, problem, "name a function")
        self.file, self.line = file, line
        self.codes = tuple(_having(self.name, file, line))

    @property
    def key(self) -> Hashable:
        return self.codes, self.line

    def install(self, gate: Gate) -> Installed:
        """Let each of the functions tell when it comes to the line."""
        return _Watched(self, gate)


class _Watched(Installed):
    def __init__(self, seat: LineSeat, gate: Gate) -> None:
        places = tuple(f"{code.co_filename}:{seat.line} in {code.co_qualname}" for code in seat.codes)
        super().__init__(seat.name, Dispatcher(gate, _nothing), places)
        self._seat = seat
        _watch(seat.codes, seat.line, self.dispatcher)

    def above(self) -> str | None:
        return None  # others may watch the same line, under numbers of their own

    def remove(self) -> None:
        _unwatch(self._seat.codes, self._seat.line)


def _nothing() -> None:
    """Stand for the original, which a line has not."""


# -- the tool


_watched: dict[CodeType, dict[int, Dispatcher]] = {}
_tool: int | None = None


def _watch(codes: tuple[CodeType, ...], line: int, dispatcher: Dispatcher) -> None:
    tool = _claimed()
    for code in codes:
        _watched[code] = {**_watched.get(code, {}), line: dispatcher}
        monitoring.set_local_events(tool, code, monitoring.events.LINE)


def _unwatch(codes: tuple[CodeType, ...], line: int) -> None:
    global _tool
    for code in codes:
        rest = {number: each for number, each in _watched.pop(code).items() if number != line}
        if rest:
            _watched[code] = rest
        else:
            monitoring.set_local_events(_tool, code, 0)
    if not _watched:
        monitoring.register_callback(_tool, monitoring.events.LINE, None)
        monitoring.free_tool_id(_tool)
        _tool = None


def _claimed() -> int:
    global _tool
    if _tool is None:
        _tool = next((each for each in _TOOLS if monitoring.get_tool(each) is None), None)
        if _tool is None:
            used = ", ".join(str(monitoring.get_tool(each)) for each in _TOOLS)
            raise UnsupportedError("lines as targets", f"other tools are watching ({used})", "end one of them")
        monitoring.use_tool_id(_tool, NAME)
        monitoring.register_callback(_tool, monitoring.events.LINE, _at_line)
    return _tool


def _at_line(code: CodeType, line: int) -> None:
    """Be called by Python when *code* is about to execute *line*; what is raised here is raised there."""
    dispatcher = _watched.get(code, {}).get(line)
    if dispatcher is not None and (ticket := dispatcher.gate()) is not None:
        call = Call((), {})
        for hook in dispatcher.hooks:
            hook.before(ticket, call)


# -- finding code


def _having(target: str, file: str, line: int) -> list[CodeType]:
    """Return the innermost code objects with *line*, of loaded functions that come from *file*."""
    wanted = PurePath(file).parts
    loaded = [each for each in _loaded() if PurePath(each.co_filename).parts[-len(wanted) :] == wanted]
    files = sorted({each.co_filename for each in loaded})
    if not files:
        raise TargetError(target, "no loaded function comes from such a file", "import it first, and write its path")
    if len(files) > 1:
        raise TargetError(target, f"{len(files)} files end like that: {', '.join(files[:5])}", "write more of the path")
    every = list(dict.fromkeys(inner for each in loaded for inner in _nested(each)))
    found = [each for each in every if line in _lines(each)]
    if not found:
        lines = sorted({number for each in every for number in _lines(each)})
        near = sorted(lines, key=lambda number: (abs(number - line), number))[:3]
        raise TargetError(target, "no function has code in that line", f"there is some in {', '.join(map(str, near))}")
    return found


def _loaded() -> Iterator[CodeType]:
    """Yield the code of every function that belongs to a loaded module; what is garbage already does not."""
    modules = {id(vars(module)) for module in sys.modules.copy().values() if type(module) is ModuleType}
    for each in gc.get_objects():
        if type(each) is FunctionType and id(each.__globals__) in modules:
            yield each.__code__


def _nested(code: CodeType) -> Iterator[CodeType]:
    yield code
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _nested(constant)


def _lines(code: CodeType) -> set[int]:
    """Return the lines of the body; that of the `def` belongs to whoever defines it."""
    return {line for *_, line in code.co_lines() if line is not None and line != code.co_firstlineno}

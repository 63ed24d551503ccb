"""One hit of a failpoint that is armed."""

from __future__ import annotations

import os
import sys
import threading
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any

from chaos_failpoint.actions import MISSING
from chaos_failpoint.grammar import Filter
from chaos_failpoint.handles import SCOPE, Failpoint, Returned
from chaos_failpoint.loops import current_task

if TYPE_CHECKING:
    from collections.abc import Callable

    from chaos_failpoint.arming import Arming
    from chaoscore import Place


class Hit(dict[str, Any]):
    """
    A hit: the tags that it brings, as what an injector is told of a point; and what comes of it.

    Attributes:
        handle: Where.
        place: The logical task of a run that it belongs to, or None.
        scope: The blocks that it is in.
        value: The value at `Failpoint.value`, or `MISSING`.
        armings: What is armed there at this moment.
        result: What is handed to the caller.
        seen: The armings that counted it.
        draw: Where the numbers of the one that fired come from.
    """

    __slots__ = ("armings", "draw", "handle", "place", "result", "scope", "seen", "value")

    def __init__(self, handle: Failpoint, tags: dict[str, Any], place: Place | None, value: Any = MISSING) -> None:
        super().__init__(tags)
        self.handle, self.armings, self.place, self.value = handle, handle.armings, place, value
        self.scope = SCOPE.get()
        self.result: Returned | None = None
        self.seen: list[Arming] = []
        self.draw: Callable[[], float] | None = None

    def matches(self, filters: tuple[Filter, ...], scenario: str | None) -> bool:
        """Tell whether it is one that all of *filters* ask for, in the given *scenario*."""
        return all(self._matches(each, scenario) for each in filters)

    def _matches(self, wanted: Filter, scenario: str | None) -> bool:
        fact = self[wanted.tag] if wanted.tag in self else self._fact(wanted.tag, scenario)
        return fact is not None and fnmatchcase(str(fact), wanted.glob)

    def _fact(self, tag: str, scenario: str | None) -> object:
        if tag == "pid":
            return os.getpid()
        if tag == "worker":
            return None if self.place is None else self.place.worker
        if tag == "thread":
            return threading.current_thread().name
        if tag == "task":
            task = current_task()
            return None if task is None else task.get_name()
        if tag == "caller":
            return _caller()
        return scenario if tag == "scenario" else None


def _caller() -> str:
    """Return ``module:function`` of the code that hit."""
    frame = sys._getframe(1)
    while frame.f_back is not None and _is_ours(frame.f_globals):
        frame = frame.f_back
    return f"{frame.f_globals.get('__name__', '')}:{frame.f_code.co_qualname}"


def _is_ours(names: dict[str, Any]) -> bool:
    """Tell whether a frame with these globals belongs to the framework or to a plugin."""
    return "__chaos_hidden__" in names or str(names.get("__name__", "")).startswith(("chaoscore.", "chaos_failpoint."))

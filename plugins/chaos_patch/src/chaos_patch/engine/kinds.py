"""The four kinds of functions, each of which needs a replacement of its own kind."""

from __future__ import annotations

import enum
import inspect


class Kind(enum.StrEnum):
    """How a function gives its values."""

    PLAIN = "def"
    COROUTINE = "async def"
    GENERATOR = "generator"
    ASYNC_GENERATOR = "async generator"


_KINDS = (
    (inspect.isasyncgenfunction, Kind.ASYNC_GENERATOR),
    (inspect.isgeneratorfunction, Kind.GENERATOR),
    (inspect.iscoroutinefunction, Kind.COROUTINE),
)


def kind_of(function: object) -> Kind:
    """Return the kind of *function*, which may also be a `functools.partial` or a bound method of one."""
    return next((kind for is_of, kind in _KINDS if is_of(function)), Kind.PLAIN)

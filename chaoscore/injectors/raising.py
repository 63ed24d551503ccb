"""Raising errors and panics."""

from __future__ import annotations

import builtins
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from importlib import import_module
from typing import Any, ClassVar

import attrs

from chaoscore.context import Ask
from chaoscore.errors import InjectedError, InjectedPanic, near_miss
from chaoscore.faults import Raise
from chaoscore.injectors.parameters import is_text, optional_glob
from chaoscore.protocols import Undo
from chaoscore.units import probability


def exception_type(value: str | type[Exception]) -> type[Exception]:
    """
    Return an exception class, given itself or its name: ``"OSError"`` or ``"json:JSONDecodeError"``.

    Raises:
        ValueError: There is no such thing, or it is no `Exception`.
    """
    found = _import(value) if isinstance(value, str) else value
    if not (isinstance(found, type) and issubclass(found, Exception)):
        raise ValueError(f"{value!r} is not an Exception class; for one that `except Exception` misses, use panic")
    return found


def _import(name: str) -> object:
    if name == InjectedError.__name__:
        return InjectedError
    module, _, attribute = name.replace(":", ".").rpartition(".")
    if not module:
        if not hasattr(builtins, name):
            raise ValueError(
                f"no builtin exception {name!r}{near_miss(name, dir(builtins))}; write module:Name for others"
            )
        return getattr(builtins, name)
    try:
        return getattr(import_module(module), attribute)
    except Exception as error:  # whatever the module does when it is imported
        raise ValueError(f"cannot import exception {name!r}: {type(error).__name__}: {error}") from error


def _arguments(value: Sequence[Any]) -> tuple[Any, ...]:
    if isinstance(value, (str, bytes)):
        return (value,)
    if not isinstance(value, Iterable):
        raise TypeError(f"args must be a list of arguments, not {value!r}")
    return tuple(value)


@attrs.frozen
class ErrorInjector:
    """
    Raise an error, one that `except Exception` catches, at `maybe_error` and `point`.

    Attributes:
        type: The exception class, or its name: ``"ConnectionResetError"``, ``"package.module:Name"``.
        args: What it is constructed with.
        probability: Chance that a point is struck, 0 to 1.
        at: Glob that the names of the points must match; ``"before:STEP"`` and ``"after:STEP"`` are the borders of
            steps.
    """

    kind: ClassVar[str] = "error"
    undo: ClassVar[Undo] = Undo.KERNEL
    answers: ClassVar[frozenset[str]] = frozenset({"error", "point"})

    type: type[Exception] = attrs.field(default=InjectedError, converter=exception_type)
    args: tuple[Any, ...] = attrs.field(default=("injected error",), converter=_arguments)
    probability: float = attrs.field(default=1.0, converter=probability, kw_only=True)
    at: str | None = attrs.field(default=None, converter=optional_glob, kw_only=True)

    def __attrs_post_init__(self) -> None:
        try:
            self.type(*self.args)
        except Exception as error:
            raise ValueError(f"{self.type.__name__} cannot be made with args {self.args!r}: {error}") from error

    def answer(self, ask: Ask) -> Raise | None:
        """Return the error with the given probability."""
        return Raise(partial(self.type, *self.args)) if ask.chance(self.probability) else None


@attrs.frozen
class PanicInjector:
    """
    Raise a panic, which ordinary `except Exception` handlers do not swallow, at `maybe_panic` and `point`.

    Attributes:
        probability: Chance that a point is struck, 0 to 1.
        message: What the panic says.
        at: Glob that the names of the points must match; ``"before:STEP"`` and ``"after:STEP"`` are the borders of
            steps.
    """

    kind: ClassVar[str] = "panic"
    undo: ClassVar[Undo] = Undo.KERNEL
    answers: ClassVar[frozenset[str]] = frozenset({"panic", "point"})

    probability: float = attrs.field(default=1.0, converter=probability)
    message: str = attrs.field(default="injected panic", validator=is_text, kw_only=True)
    at: str | None = attrs.field(default=None, converter=optional_glob, kw_only=True)

    def answer(self, ask: Ask) -> Raise | None:
        """Return the panic with the given probability."""
        make: Callable[[], BaseException] = partial(InjectedPanic, self.message)
        return Raise(make, kind="panic") if ask.chance(self.probability) else None

"""Calls that fail: before the function runs, or after it has done its work."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, ClassVar

import attrs

from chaos_patch.parameters import arguments, is_text, makes
from chaos_patch.patching import Patch
from chaoscore import Ask, InjectedError, InjectedPanic, Raise, exception_type


@attrs.frozen
class Error(Patch):
    """
    Let calls raise an error before the function runs.

    Attributes:
        type: The exception class, or its name: ``"ConnectionResetError"``, ``"package.module:Name"``.
        args: What it is constructed with.
    """

    kind: ClassVar[str] = "patch.error"

    type: type[Exception] = attrs.field(default=InjectedError, converter=exception_type)
    args: tuple[Any, ...] = attrs.field(default=("injected error",), converter=arguments)

    def __attrs_post_init__(self) -> None:
        makes(self.type, self.args)
        super().__attrs_post_init__()

    def fault(self, ask: Ask) -> Raise:
        """Return the error."""
        return Raise(partial(self.type, *self.args))


@attrs.frozen
class After(Patch):
    """
    Let calls raise an error after the function has returned: it worked, and only the reply is lost.

    Attributes:
        type: The exception class, or its name: ``"ConnectionResetError"``, ``"package.module:Name"``.
        args: What it is constructed with.
    """

    kind: ClassVar[str] = "patch.after"
    answers: ClassVar[frozenset[str]] = frozenset({"return"})

    type: type[Exception] = attrs.field(default=InjectedError, converter=exception_type)
    args: tuple[Any, ...] = attrs.field(default=("injected: it worked, but the reply is lost",), converter=arguments)

    def __attrs_post_init__(self) -> None:
        makes(self.type, self.args)
        super().__attrs_post_init__()

    def fault(self, ask: Ask) -> Raise:
        """Return the error."""
        return Raise(partial(self.type, *self.args), kind="after")


@attrs.frozen
class Panic(Patch):
    """
    Let calls raise what `except Exception` does not catch, before the function runs.

    Attributes:
        message: What the panic says.
    """

    kind: ClassVar[str] = "patch.panic"

    message: str = attrs.field(default="injected panic", validator=is_text, kw_only=True)

    def fault(self, ask: Ask) -> Raise:
        """Return the panic."""
        make: Callable[[], BaseException] = partial(InjectedPanic, self.message)
        return Raise(make, kind="panic")

"""One call of a patched function, and the hooks that see it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol


class Call:
    """
    A call of a patched function.

    Attributes:
        args: Positional arguments; a hook may change what the function gets.
        kwargs: Keyword arguments; the same.
        value: What the function gave last, and what its caller will get; a hook may change that.
    """

    __slots__ = ("args", "kwargs", "value")

    def __init__(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        self.args, self.kwargs = args, kwargs
        self.value: Any = None

    @property
    def tags(self) -> Mapping[str, Any]:
        """Return this call under the name ``call``, as points hand it on."""
        return {"call": self}


class Hook(Protocol):
    """
    Sees the calls of a patched function; may raise, and may change the call.

    *ticket* is what the gate gave to this call. Where the function is asynchronous, the forms with an ``a`` are used.
    Equal hooks on one function count as one.
    """

    def before(self, ticket: Any, call: Call) -> None:
        """Take note that the function is about to run."""

    async def abefore(self, ticket: Any, call: Call) -> None:
        """Take note that the function is about to run."""

    def value(self, ticket: Any, call: Call) -> None:
        """Take note of `call.value`, which the function has returned, or yielded where it is a generator."""

    def after(self, ticket: Any, call: Call) -> None:
        """Take note that the function has returned, and not raised."""

    async def aafter(self, ticket: Any, call: Call) -> None:
        """Take note that the function has returned, and not raised."""

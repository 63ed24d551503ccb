"""Functions that return something else than they should."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar, Literal

import attrs

from chaos_patch.corruption import WAYS, same
from chaos_patch.engine import Call
from chaos_patch.patching import Patch
from chaoscore import Ask, Fault, Strike

How = Literal["none", "bitflip", "truncate", "swap", "nan", "empty"]


@attrs.frozen
class Corrupt(Fault):
    """
    Let a function give *value* instead of what it has returned or yielded.

    Attributes:
        how: In which way it was changed, and what it was.
        value: What its caller gets.
    """

    how: str
    value: Any = attrs.field(repr=False)

    kind = "corrupt"

    def apply(self, strike: Strike) -> None:
        """Put the value in its place."""
        _call(strike).value = self.value

    def describe(self) -> str:
        """Return the way; the value itself may be secret, or huge."""
        return self.how


@attrs.frozen
class Convert(Fault):
    """Let a function give what *function* makes of what it has returned or yielded."""

    function: Callable[[Any], Any]

    kind = "corrupt"

    def apply(self, strike: Strike) -> None:
        """Call the user's function; what that raises is the user's own."""
        call = _call(strike)
        call.value = self.function(call.value)

    def describe(self) -> str:
        """Return the name of the function."""
        return str(getattr(self.function, "__qualname__", self.function))


def _call(strike: Strike) -> Call:
    call: Any = strike.ask.tags["call"]
    assert isinstance(call, Call)
    return call


def way(value: How | Callable[[Any], Any]) -> How | Callable[[Any], Any]:
    """
    Return a way to corrupt a value.

    Raises:
        ValueError: There is no such way.
    """
    if callable(value) or (isinstance(value, str) and value in WAYS):
        return value
    raise ValueError(f"how is one of {', '.join(map(repr, WAYS))} or a function of the value, not {value!r}")


@attrs.frozen
class CorruptValues(Patch):
    """
    Change what functions return, and what generators yield. The original value is never changed in place.

    A value that cannot be changed in that way (an empty list cannot be truncated) is left as it is and does not count.

    Attributes:
        how: ``"none"``, ``"bitflip"``, ``"truncate"`` (a drawn part of it), ``"swap"`` (two elements), ``"nan"``,
            ``"empty"``; or a function that takes the value and returns another.
    """

    kind: ClassVar[str] = "patch.corrupt"
    answers: ClassVar[frozenset[str]] = frozenset({"value"})

    how: How | Callable[[Any], Any] = attrs.field(default="none", converter=way)

    def fault(self, ask: Ask) -> Fault | None:
        """Return the other value, where there is one."""
        if not isinstance(self.how, str):
            return Convert(self.how)
        call: Any = ask.tags.get("call")
        if call is None:
            return None
        changed = WAYS[self.how](call.value, ask.uniform)
        return None if same(call.value, changed) else Corrupt(f"{self.how} of {type(call.value).__name__}", changed)

"""Calls that take long, that never come back in time, or that are cancelled."""

from __future__ import annotations

from functools import partial
from typing import Any, ClassVar

import attrs

from chaos_patch.parameters import OnLoop, arguments, is_on_loop, makes
from chaos_patch.patching import Patch
from chaoscore import Ask, Cancel, Delay, InjectedTimeout, Raise, exception_type, optional_seconds, seconds


@attrs.frozen
class BlockingDelay(Delay):
    """A delay that may block an event loop."""

    blocks = False


@attrs.frozen
class BlockingRaise(Raise):
    """An error after a wait that may block an event loop."""

    blocks = False


@attrs.frozen
class DelayCalls(Patch):
    """
    Hold calls up for a time between *low* and *high* before the function runs.

    An `async def` function suspends its task. A plain one blocks its thread; where an event loop runs in that thread,
    the call raises `BlockingCallError` unless *on_loop* lets it block the loop, as a slow call would in earnest.

    Attributes:
        low_s: Shortest delay, seconds.
        high_s: Longest delay, seconds; the same as the shortest by default.
        on_loop: What a plain function does that is called on an event loop: ``"refuse"`` or ``"block"``.
    """

    kind: ClassVar[str] = "patch.delay"

    low_s: float = attrs.field(converter=seconds, alias="low")
    high_s: float | None = attrs.field(default=None, converter=optional_seconds, alias="high")
    on_loop: OnLoop = attrs.field(default="refuse", validator=is_on_loop, kw_only=True)

    def __attrs_post_init__(self) -> None:
        if self.high_s is not None and self.high_s < self.low_s:
            raise ValueError(f"high ({self.high_s:g} s) must not be below low ({self.low_s:g} s)")
        super().__attrs_post_init__()

    def fault(self, ask: Ask) -> Delay:
        """Return the delay."""
        make = Delay if self.on_loop == "refuse" else BlockingDelay
        return make(ask.between(self.low_s, self.low_s if self.high_s is None else self.high_s))


@attrs.frozen
class Timeout(Patch):
    """
    Let calls wait, and then raise a time-out instead of running the function.

    Attributes:
        after_s: How long the caller waits, seconds.
        type: The exception class, or its name: ``"TimeoutError"``, ``"package.module:Name"``.
        args: What it is constructed with.
        on_loop: What a plain function does that is called on an event loop: ``"refuse"`` or ``"block"``.
    """

    kind: ClassVar[str] = "patch.timeout"

    after_s: float = attrs.field(default=1.0, converter=seconds, alias="after")
    type: type[Exception] = attrs.field(default=InjectedTimeout, converter=exception_type, kw_only=True)
    args: tuple[Any, ...] = attrs.field(default=("injected time-out",), converter=arguments, kw_only=True)
    on_loop: OnLoop = attrs.field(default="refuse", validator=is_on_loop, kw_only=True)

    def __attrs_post_init__(self) -> None:
        makes(self.type, self.args)
        super().__attrs_post_init__()

    def fault(self, ask: Ask) -> Raise:
        """Return the time-out."""
        make = Raise if self.on_loop == "refuse" else BlockingRaise
        return make(partial(self.type, *self.args), "timeout", self.after_s)


@attrs.frozen
class CancelCalls(Patch):
    """
    Cancel the asyncio task that calls the function.

    Code without a task cannot be cancelled; it gets a deadline, and the first point that it reaches after that raises
    an `InjectedTimeout`.

    Attributes:
        after_s: Seconds from the call to the cancellation or deadline; 0: at the call itself.
    """

    kind: ClassVar[str] = "patch.cancel"

    after_s: float = attrs.field(default=0.0, converter=seconds, alias="after")

    def fault(self, ask: Ask) -> Cancel:
        """Return the cancellation."""
        return Cancel(self.after_s)

"""What every action of a term has in common, and what it is given when it strikes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, ClassVar

import attrs

from chaos_failpoint.handles import Returned
from chaoscore import Clock, mark_injected

if TYPE_CHECKING:
    from chaos_failpoint.arming import Arming

MISSING: Any = object()
"""Stands for the value at a failpoint that has none."""


@attrs.define(eq=False)
class Moment:
    """
    One strike: what an action, or a function that is called, may know about it.

    Attributes:
        name: The failpoint.
        injector: Whom to blame.
        tags: What the hit said about itself.
        value: The value at `Failpoint.value`; `MISSING` at `Failpoint.hit`.
        clock: Reads time and sleeps.
        uniform: Returns the next seeded number in [0, 1).
        arming: What is armed.
    """

    name: str
    injector: str
    tags: Mapping[str, Any]
    value: Any
    clock: Clock
    uniform: Callable[[], float]
    arming: Arming

    def injected(self, error: BaseException) -> BaseException:
        """Return *error*, marked as injected here."""
        mark_injected(error, self.injector, self.name)
        return error


@attrs.frozen
class Action:
    """
    What a term does when it fires.

    Attributes:
        name: What terms call it.
        blocks: Whether `act` blocks its thread, which must not happen on a running event loop.
    """

    name: ClassVar[str]
    blocks: ClassVar[bool] = False

    @property
    def lands(self) -> bool:
        """Tell whether it does anything, here and now."""
        return True

    def act(self, moment: Moment) -> Returned | None:
        """Do it to the calling thread; return what is handed to the caller."""
        raise NotImplementedError

    async def aact(self, moment: Moment) -> Returned | None:
        """Do it to the calling task."""
        return self.act(moment)

"""What every action of a term has in common, and what it is given when it strikes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, ClassVar, Protocol

import attrs

from chaos_failpoint.handles import Returned
from chaoscore import Clock, Place, mark_injected

if TYPE_CHECKING:
    from chaos_failpoint.arming import Arming

MISSING: Any = object()
"""Stands for the value at a failpoint that has none."""


class Landing(Protocol):
    """Takes note of one strike whose action may yet find that it cannot be done, or comes only later."""

    @property
    def place(self) -> Place | None:
        """Return the logical task of a run that it strikes, if any."""

    def landed(self) -> None:
        """Take note that the fault lands."""

    def armed(self) -> Callable[[], None]:
        """Take note that it lands later, if at all; return what to call when it does, once."""


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
        landing: Takes note of a fault that is not `Action.prompt`.
    """

    name: str
    injector: str
    tags: Mapping[str, Any]
    value: Any
    clock: Clock
    uniform: Callable[[], float]
    arming: Arming
    landing: Landing

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
        prompt: Whether it lands as soon as it begins, as all do that block. Any other takes note itself, by
            `Moment.landing`, once nothing is in its way.
    """

    name: ClassVar[str]
    blocks: ClassVar[bool] = False
    prompt: ClassVar[bool] = True

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

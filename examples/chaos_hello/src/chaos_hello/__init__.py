"""A component that is busy."""

from functools import partial
from typing import ClassVar

import attrs

from chaoscore import Ask, Raise, Undo, probability, seconds


class BusyError(Exception):
    """What a busy component answers; its argument is the time after which to ask again, seconds."""


@attrs.frozen
class Busy:
    """
    Let a component answer that it is busy, at `maybe_error` and `point`.

    Attributes:
        retry_after_s: Time after which it wants to be asked again, seconds.
        probability: Chance that a point is struck, 0 to 1.
        at: Glob that the names of the points must match.
    """

    kind: ClassVar[str] = "hello.busy"
    undo: ClassVar[Undo] = Undo.KERNEL
    answers: ClassVar[frozenset[str]] = frozenset({"error", "point"})

    retry_after_s: float = attrs.field(default=1.0, converter=seconds, alias="retry_after")
    probability: float = attrs.field(default=1.0, converter=probability, kw_only=True)
    at: str = attrs.field(default="*", validator=attrs.validators.instance_of(str), kw_only=True)

    def answer(self, ask: Ask) -> Raise | None:
        """Return the error with the given probability."""
        return Raise(partial(BusyError, self.retry_after_s)) if ask.chance(self.probability) else None

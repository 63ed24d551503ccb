"""Cancelling tasks, and letting synchronous code run into a deadline."""

from __future__ import annotations

from typing import ClassVar

import attrs

from chaoscore.context import Ask
from chaoscore.faults import Cancel
from chaoscore.injectors.parameters import optional_glob
from chaoscore.protocols import Undo
from chaoscore.units import probability, seconds


@attrs.frozen
class Cancellation:
    """
    Cancel the current asyncio task, at `maybe_cancel` and `point`.

    Synchronous code cannot be cancelled; there it sets a deadline, and the first point that is reached after it raises
    an `InjectedTimeout`. A fault has landed when the task was cancelled or the deadline raised; one whose step ends
    first, or that is lifted first, strikes nothing.

    Attributes:
        probability: Chance that a point is struck, 0 to 1.
        after_s: Seconds from the point to the cancellation or deadline; 0: at the point itself.
        at: Glob that the names of the points must match; ``"before:STEP"`` and ``"after:STEP"`` are the borders of
            steps.
    """

    kind: ClassVar[str] = "cancellation"
    undo: ClassVar[Undo] = Undo.KERNEL
    answers: ClassVar[frozenset[str]] = frozenset({"cancel", "point"})

    probability: float = attrs.field(default=1.0, converter=probability)
    after_s: float = attrs.field(default=0.0, converter=seconds, alias="after", kw_only=True)
    at: str | None = attrs.field(default=None, converter=optional_glob, kw_only=True)

    def answer(self, ask: Ask) -> Cancel | None:
        """Return the cancellation with the given probability."""
        return Cancel(self.after_s) if ask.chance(self.probability) else None

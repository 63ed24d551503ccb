"""Slow statements."""

from __future__ import annotations

from typing import ClassVar

import attrs

from chaos_sql.parameters import is_glob
from chaos_sql.statements import matches
from chaoscore import Ask, Delay, Undo, optional_seconds, probability, seconds


@attrs.frozen
class StatementDelay:
    """
    Hold statements up for a time between *low* and *high* before they are executed.

    Attributes:
        low_s: Shortest delay, seconds.
        high_s: Longest delay, seconds; the same as the shortest by default.
        probability: Chance that a statement is held up, 0 to 1.
        matching: Glob that the statement must match, such as ``"UPDATE jobs *"``; case and spacing do not count.
    """

    kind: ClassVar[str] = "sql.delay"
    undo: ClassVar[Undo] = Undo.KERNEL
    answers: ClassVar[frozenset[str]] = frozenset({"point"})
    at: ClassVar[str] = "*.execute"

    low_s: float = attrs.field(converter=seconds, alias="low")
    high_s: float | None = attrs.field(default=None, converter=optional_seconds, alias="high")
    probability: float = attrs.field(default=1.0, converter=probability, kw_only=True)
    matching: str = attrs.field(default="*", validator=is_glob, kw_only=True)

    def __attrs_post_init__(self) -> None:
        if self.high_s is not None and self.high_s < self.low_s:
            raise ValueError(f"high ({self.high_s:g} s) must not be below low ({self.low_s:g} s)")

    def answer(self, ask: Ask) -> Delay | None:
        """Return a delay for a statement that matches, with the given probability."""
        if not matches(ask, self.matching) or not ask.chance(self.probability):
            return None
        return Delay(ask.between(self.low_s, self.low_s if self.high_s is None else self.high_s))

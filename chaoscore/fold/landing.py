"""The proof that the faults of an injector landed."""

from __future__ import annotations

from typing import Any

from chaoscore.events import Fired, InjectionInfo, Lifted
from chaoscore.report import InjectionReport
from chaoscore.stats import TopCounts

PLACES = 100
"""Places that are counted apart for each injector."""

SHOWN = 10
"""Places that a report names."""


class Landing:
    """
    One injector: how often it opened, was asked, and landed.

    What it says when it is lifted counts; the faults seen since then stand in for what it has not said yet.

    Attributes:
        info: What it is.
        is_open: It was opened and not lifted yet.
    """

    def __init__(self, info: InjectionInfo) -> None:
        self.info = info
        self.is_open = False
        self._openings = 0
        self._asked: int | None = None
        self._armed = 0
        self._said: int | None = None
        self._seen = 0
        self._where = TopCounts(PLACES)
        self._detail: dict[str, Any] = {}

    def opened(self) -> None:
        """Take note that it became active."""
        self.is_open = True
        self._openings += 1

    def landed(self, event: Fired) -> None:
        """Take note of a fault that landed."""
        self._seen += 1
        self._where.add(_place(event))

    def lifted(self, event: Lifted) -> None:
        """Take note of what it says now that it is no longer active."""
        self.is_open = False
        self._asked = _plus(self._asked, event.asked)
        self._armed += event.armed
        self._said = _plus(self._said, event.fired if event.fired is not None else self._seen or None)
        self._seen = 0
        self._detail = event.detail or self._detail

    @property
    def fired(self) -> int | None:
        """Return how many faults landed so far; None if there is no evidence either way."""
        return _plus(self._said, self._seen or None)

    def report(self) -> InjectionReport:
        """Return it all as a value."""
        return InjectionReport(
            info=self.info,
            opened=self._openings,
            asked=self._asked,
            fired=self.fired,
            where=tuple((place, at_least) for place, at_least, _ in self._where.top(SHOWN)),
            detail=self._detail,
            armed=self._armed,
        )


def _place(event: Fired) -> str:
    if event.point == "outside":  # no point asked for it
        return event.where or event.point
    return f"{event.point} at {event.where}" if event.where else event.point


def _plus(one: int | None, other: int | None) -> int | None:
    return other if one is None else one + (other or 0)

"""Which faults were active when something went wrong: for findings that come later than their causes."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Mapping
from typing import ClassVar

from chaoscore import Event, Fired, Lifted, Opened

REMEMBERED = 10_000
"""Faults and windows that are kept; older ones are forgotten, so that a day's run fits into memory."""


class Activity:
    """
    What the injectors of a run did, and when.

    Times are seconds since the run began.
    """

    observes: ClassVar[tuple[type[Event], ...]] = (Opened, Lifted, Fired)

    def __init__(self) -> None:
        self._open: dict[str, float] = {}
        self._windows: deque[tuple[str, float, float]] = deque(maxlen=REMEMBERED)
        self._strikes: deque[tuple[float, str]] = deque(maxlen=REMEMBERED)

    def observe(self, event: Event) -> None:
        """Take note of an injector that was opened or lifted, or of a fault that landed."""
        match event:
            case Opened():
                self._open[event.injector] = event.at
            case Lifted():
                self._windows.append((event.injector, self._open.pop(event.injector, 0.0), event.at))
            case Fired():
                self._strikes.append((event.at, event.injector))

    def active(self, since: float, until: float) -> tuple[str, ...]:
        """Return the names of the injectors that were open at any moment from *since* to *until*."""
        lifted = {name for name, opened, closed in self._windows if opened <= until and closed >= since}
        return tuple(sorted(lifted | {name for name, opened in self._open.items() if opened <= until}))

    def struck(self, since: float, until: float) -> Mapping[str, int]:
        """Map the names of the injectors to how many of their faults landed from *since* to *until*."""
        return dict(sorted(Counter(name for at, name in self._strikes if since <= at <= until).items()))

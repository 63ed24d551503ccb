"""Holding code up."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from threading import Lock
from typing import ClassVar

import attrs

from chaoscore.context import Ask
from chaoscore.faults import Delay
from chaoscore.injectors.parameters import optional_glob
from chaoscore.protocols import Site, Undo
from chaoscore.units import optional_seconds, probability, seconds


@attrs.frozen
class DelayInjector:
    """
    Hold the caller up for a time between *low* and *high*, at `maybe_delay` and `point`.

    Attributes:
        low_s: Shortest delay, seconds.
        high_s: Longest delay, seconds; the same as the shortest by default.
        probability: Chance that a point is struck, 0 to 1.
        interval_s: Strike at most once in so many seconds, over all workers; how often then depends on time, not on the
            seed.
        at: Glob that the names of the points must match; ``"before:STEP"`` and ``"after:STEP"`` are the borders of
            steps.
    """

    kind: ClassVar[str] = "delay"
    undo: ClassVar[Undo] = Undo.KERNEL
    answers: ClassVar[frozenset[str]] = frozenset({"delay", "point"})

    low_s: float = attrs.field(converter=seconds, alias="low")
    high_s: float | None = attrs.field(default=None, converter=optional_seconds, alias="high")
    probability: float = attrs.field(default=1.0, converter=probability, kw_only=True)
    interval_s: float | None = attrs.field(default=None, converter=optional_seconds, alias="interval", kw_only=True)
    at: str | None = attrs.field(default=None, converter=optional_glob, kw_only=True)

    def __attrs_post_init__(self) -> None:
        if self.high_s is not None and self.high_s < self.low_s:
            raise ValueError(f"high ({self.high_s:g} s) must not be below low ({self.low_s:g} s)")

    @contextmanager
    def open(self, site: Site) -> Iterator[object]:
        """Open it; in interval mode the open fault remembers when it last struck."""
        yield None if self.interval_s is None else _AtIntervals(self, self.interval_s)

    def answer(self, ask: Ask) -> Delay | None:
        """Return a delay with the given probability."""
        if not ask.chance(self.probability):
            return None
        return Delay(ask.between(self.low_s, self.low_s if self.high_s is None else self.high_s))


class _AtIntervals:
    """A delay injector that is open in interval mode."""

    def __init__(self, injector: DelayInjector, interval_s: float) -> None:
        self.answers, self.at = injector.answers, injector.at
        self._injector, self._interval_s = injector, interval_s
        self._next_s = 0.0
        self._lock = Lock()

    def answer(self, ask: Ask) -> Delay | None:
        """Return a delay if the interval has passed since the last one."""
        fault = self._injector.answer(ask)  # also where it comes too soon: what others draw must not depend on time
        if fault is None:
            return None
        now = ask.elapsed_s
        with self._lock:
            if now < self._next_s:
                return None
            self._next_s = now + self._interval_s
            return fault

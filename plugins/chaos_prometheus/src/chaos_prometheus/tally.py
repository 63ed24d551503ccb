"""How often something ended in which way, how long it took, and which one took longest."""

from __future__ import annotations

from bisect import bisect_left

import attrs

from chaoscore import Histogram, Outcome

BOUNDS = (*(float(f"{step}e{decade}") for decade in range(-5, 3) for step in (1, 1.5, 2.2, 3.3, 4.7, 6.8)), 1000.0)
"""
Upper bounds of buckets, seconds: 10 us to 1,000 s, six to a decade at equal ratios. A quantile read from them is off by
less than half of its value anywhere, and by a few percent mostly. Source: the E6 series of IEC 60063.
"""

QUANTILES = (0.5, 0.9, 0.99, 0.999)


@attrs.frozen
class Example:
    """One of those that were counted: where to find it, how long it took, and when it ended, seconds since 1970."""

    worker: int
    iteration: int
    seconds: float
    wall: float


class Tally:
    """
    Counts and durations of one thing that ends again and again.

    Attributes:
        counts: Maps each outcome to how often there was one.
        durations: Seconds of all but the cancelled, as in a report.
        examples: The slowest of late in each bucket, by its number.
        last: The latest of each outcome.
    """

    __slots__ = ("_record", "_slowest", "counts", "durations", "examples", "last")

    def __init__(self) -> None:
        self.counts = dict.fromkeys(Outcome, 0)
        self.durations = Histogram()
        self.examples: dict[int, Example] = {}
        self.last: dict[Outcome, Example] = {}
        self._slowest: Example | None = None
        self._record = self.durations.record

    def add(self, outcome: Outcome, seconds: float, worker: int, iteration: int, wall: float) -> None:
        """Count one that ended; takes 0.5 us for one that is nothing special."""
        self.counts[outcome] += 1
        if outcome is not _OK:
            self.last[outcome] = Example(worker, iteration, max(0.0, seconds), wall)
            if outcome is _CANCELLED:
                return
        if seconds >= 0:  # a clock that went back: the duration is worth nothing, the outcome still is
            self._record(seconds)
            if self._slowest is None or seconds > self._slowest.seconds:
                self._slowest = Example(worker, iteration, seconds, wall)

    def settle(self) -> None:
        """Keep the slowest since the last time as the example of its bucket."""
        if self._slowest is not None:
            self.examples[bisect_left(BOUNDS, self._slowest.seconds)] = self._slowest
            self._slowest = None


_OK, _CANCELLED = Outcome.OK, Outcome.CANCELLED  # looking a member up on its class costs more than all else here

"""How often something ended in which way, how long it took, and which one took longest."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from operator import attrgetter

import attrs

from chaoscore import Histogram, IterationEnded, Outcome, StepEnded

Ended = IterationEnded | StepEnded

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
        last: The latest of each outcome but success.
    """

    __slots__ = ("counts", "durations", "examples", "last")

    def __init__(self) -> None:
        self.counts = dict.fromkeys(Outcome, 0)
        self.durations = Histogram()
        self.examples: dict[int, Example] = {}
        self.last: dict[Outcome, Example] = {}

    def add(self, ended: Sequence[Ended], wall: float) -> None:
        """
        Count what has *ended*; 0.3 us each.

        Args:
            ended: At least one end of it.
            wall: When the run began, seconds since 1970.
        """
        judged = ended
        odd = [each for each in ended if each.outcome is not _OK or each.duration_s < 0]
        if odd:
            judged = self._add_odd(ended, odd, wall)
        else:
            self.counts[_OK] += len(ended)
        if judged:
            self.durations.record_all([each.duration_s for each in judged])
            slowest = max(judged, key=_duration)
            self.examples[bisect_left(BOUNDS, slowest.duration_s)] = _example(slowest, wall)

    def _add_odd(self, ended: Sequence[Ended], odd: Sequence[Ended], wall: float) -> Sequence[Ended]:
        """Count where not all succeeded, and return those whose durations say something."""
        for each in ended:
            self.counts[each.outcome] += 1
        for each in odd:
            if each.outcome is not _OK:
                self.last[each.outcome] = _example(each, wall)
        # a clock that went back: the duration is worth nothing, the outcome still is
        return [each for each in ended if each.outcome is not _CANCELLED and each.duration_s >= 0]


def _example(ended: Ended, wall: float) -> Example:
    return Example(ended.worker, ended.iteration, max(0.0, ended.duration_s), wall + ended.at)


_OK, _CANCELLED = Outcome.OK, Outcome.CANCELLED  # looking a member up on its class costs more than all else here
_duration = attrgetter("duration_s")
